"""fastbp.sklearn's estimators with attributes that users set: out_activation_ and _optimizer, and a class exchanged."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network  # noqa: E402
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer  # noqa: E402
from sklearn_pairs import BOTH, CLASSES, KINDS, LOSSES, NUMBERS, SETTINGS, SOLVERS, WEIGHTED, YES, X, assert_same  # noqa: E402

import fastbp.sklearn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# ---- out_activation_

OUTPUTS = ["identity", "tanh", "relu", "logistic", *(["exp"] if "poisson" in LOSSES else [])]


@pytest.mark.parametrize("out", [*OUTPUTS, "softmax"])
@pytest.mark.parametrize("y", [CLASSES, YES, np.column_stack([YES, 1 - YES])], ids=["classes", "binary", "labels"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_output_of_a_classifier_is_what_the_user_sets(out, y, solver):
    found = []
    for module in BOTH:
        estimator = module.MLPClassifier(**SETTINGS, solver=solver, learning_rate_init=1e-4).fit(X, y)
        estimator.out_activation_ = out
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            before = estimator.predict_proba(X), estimator.predict(X)
            for _ in range(2):
                estimator.partial_fit(X, y)
        found.append((*before, estimator))
    (p, classes, theirs), (my_p, my_classes, ours) = found
    np.testing.assert_allclose(my_p, p, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(my_classes, classes)
    if np.isfinite(theirs.loss_):
        assert_same(theirs, ours)


@pytest.mark.parametrize("out", OUTPUTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_output_of_a_regressor_is_what_the_user_sets(out, loss):
    found = []
    for module in BOTH:
        estimator = module.MLPRegressor(**SETTINGS, **({"loss": loss} if WEIGHTED else {})).fit(X, NUMBERS)
        estimator.out_activation_ = out
        before = estimator.predict(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            estimator.partial_fit(X, NUMBERS)
        found.append((before, estimator))
    (z, theirs), (my_z, ours) = found
    np.testing.assert_allclose(my_z, z, rtol=0, atol=1e-9)
    for mine, its in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-9)


def test_an_output_set_within_initialize_holds_for_the_whole_fit():
    found = []
    for module in BOTH:

        class Bounded(module.MLPRegressor):
            def _initialize(self, *arguments):
                super()._initialize(*arguments)
                self.out_activation_ = "logistic"

        for solver in ("adam", "lbfgs"):
            found.append(Bounded(**SETTINGS, solver=solver).fit(X, YES))
    for theirs, ours in zip(found[:2], found[2:], strict=True):
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-9)
        assert 0 < ours.predict(X).min() < ours.predict(X).max() < 1


def test_the_output_survives_a_loss_that_is_set_after_fit():
    estimator = fastbp.sklearn.MLPRegressor(**SETTINGS).fit(X, NUMBERS)
    z = estimator.predict(X)
    np.testing.assert_array_equal(estimator.set_params(loss="poisson").predict(X), z)


def test_an_unknown_output_is_refused():
    estimator = fastbp.sklearn.MLPRegressor(**SETTINGS).fit(X, NUMBERS)
    estimator.out_activation_ = "sigmoid"
    with pytest.raises(ValueError, match=r"out_activation_ must be one of .*'logistic'.*, got 'sigmoid'"):
        estimator.predict(X)


# ---- _optimizer


def parts(module, solver, change, calls=6):
    """An estimator after calls of partial_fit, changed before each."""
    estimator = module.MLPClassifier(**SETTINGS | SOLVERS[solver])
    for call in range(calls):
        if call:
            change(estimator, call)
        estimator.partial_fit(X, CLASSES, classes=range(3))
    return estimator


def nothing(estimator, call):
    pass


def new_rate(estimator, call):
    estimator._optimizer.learning_rate_init = estimator._optimizer.learning_rate = 0.01 / call


def no_momentum(estimator, call):
    for name in ("ms", "velocities"):
        for array in getattr(estimator._optimizer, name, []):
            array *= 0.0


def step_0(estimator, call):
    estimator._optimizer.t = 0


def set_parameters(estimator, call):
    estimator.set_params(learning_rate_init=0.5, beta_1=0.1, epsilon=1.0, momentum=0.1, nesterovs_momentum=False)


def other_solver(estimator, call):
    estimator.set_params(solver="sgd" if estimator.solver == "adam" else "adam")


def other_alpha(estimator, call):
    estimator.set_params(alpha=float(call))


def adam(estimator, call):
    if call == 2:
        estimator._optimizer = AdamOptimizer(estimator.coefs_ + estimator.intercepts_, 0.01, beta_1=0.5)


def sgd(estimator, call):
    if call == 2:
        estimator._optimizer = SGDOptimizer(estimator.coefs_ + estimator.intercepts_, 0.01, momentum=0.5)


def one_of_the_users(estimator, call):
    class Signs(SGDOptimizer):
        def _get_updates(self, grads):
            return [-1e-3 * np.sign(grad) for grad in grads]

    if call == 2:
        estimator._optimizer = Signs(estimator.coefs_ + estimator.intercepts_)


def half_steps(estimator, call):
    updates = type(estimator._optimizer)._get_updates
    estimator._optimizer._get_updates = lambda grads, o=estimator._optimizer: [u / 2 for u in updates(o, grads)]


def deleted(estimator, call):
    del estimator._optimizer


@pytest.mark.parametrize(
    "change",
    [nothing, new_rate, no_momentum, step_0, set_parameters, other_solver, other_alpha, adam, sgd, one_of_the_users,
     half_steps, deleted],
)  # fmt: skip
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_optimizer_acts_as_scikit_learns(solver, change):
    theirs, ours = (parts(module, solver, change) for module in BOTH)
    assert_same(theirs, ours)
    assert type(ours._optimizer).__name__ == type(theirs._optimizer).__name__


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_optimizer_holds_what_scikit_learns_holds(solver):
    theirs, ours = (parts(module, solver, nothing)._optimizer for module in BOTH)
    assert vars(ours).keys() == vars(theirs).keys()
    for name, value in vars(theirs).items():
        if isinstance(value, list) and solver != "sgd":
            for mine, its in zip(getattr(ours, name), value, strict=True):
                np.testing.assert_allclose(mine, its, rtol=1e-6, atol=1e-12)
        elif not isinstance(value, list):
            assert getattr(ours, name) == value


def test_the_optimizer_set_to_none_raises_as_scikit_learns():
    for module in BOTH:
        estimator = module.MLPClassifier(**SETTINGS).fit(X, CLASSES)
        estimator._optimizer = None
        with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'update_params'"):
            estimator.partial_fit(X, CLASSES)


@pytest.mark.parametrize("solver", ["adamw", "rmsprop", "nadam", "lion"])
def test_the_optimizer_of_an_added_solver_keeps_its_settings_and_its_state(solver):
    settings = SETTINGS | {"solver": solver, "layer_norm": [True, False], "activation": ["prelu", "tanh"]}
    one, other = (fastbp.sklearn.MLPRegressor(**settings).partial_fit(X, NUMBERS) for _ in range(2))
    assert one._optimizer.t == 5 and one._optimizer.vs or solver == "lion"
    other.set_params(learning_rate_init=0.5, beta_1=0.1, beta_2=0.1, rho=0.1, weight_decay=0.9)
    other = pickle.loads(pickle.dumps(other))
    for estimator in (one, other):
        estimator.partial_fit(X, NUMBERS)
    for a, b in zip(one.coefs_ + one.gains_ + one.slopes_, other.coefs_ + other.gains_ + other.slopes_, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- objects whose __init__ was not ours


@pytest.mark.parametrize("name", KINDS)
def test_an_estimator_of_scikit_learns_goes_on_as_one_of_ours(name):
    kind, y = getattr(neural_network, name), KINDS[name]
    theirs = kind(**SETTINGS, warm_start=True).fit(X, y)
    ours = pickle.loads(pickle.dumps(theirs))
    ours.__class__ = getattr(fastbp.sklearn, name)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-9)
    for estimator in (theirs, ours):
        estimator.partial_fit(X, y)
    assert_same(theirs, ours)
    for estimator in (theirs, ours):
        estimator.fit(X, y)
    assert_same(theirs, ours)
    assert ours.get_params().keys() > theirs.get_params().keys()


def test_a_subclass_may_call_the_constructor_of_the_base_class():
    from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

    class Small(fastbp.sklearn.MLPRegressor):
        def __init__(self, max_iter=6):
            settings = neural_network.MLPRegressor(**SETTINGS).get_params() | {"max_iter": max_iter}
            BaseMultilayerPerceptron.__init__(self, **{"loss": "squared_error"} | settings)

    ours = Small().fit(X, NUMBERS)
    assert_same(neural_network.MLPRegressor(**SETTINGS).fit(X, NUMBERS), ours)
    assert ours.dropout == 0.0 and ours.delta == 1.0
