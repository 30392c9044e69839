"""fastbp.sklearn's estimators with methods of scikit-learn's that a subclass overrides, and what exceptions leave."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network  # noqa: E402
from sklearn_pairs import BOTH, CLASSES, KINDS, NUMBERS, SETTINGS, SOLVERS, X, assert_same  # noqa: E402

import fastbp.sklearn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# ---- an exception that ends fit


class TimeOutError(Exception):
    """What a time limit raises."""


def stopping_after(kind, epochs):
    """A class whose fit ends with TimeOutError after so many epochs."""

    class Limited(kind):
        def _update_no_improvement_count(self, *arguments):
            super()._update_no_improvement_count(*arguments)
            if len(self.loss_curve_) == epochs:
                raise TimeOutError

    return Limited


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", [*SOLVERS, "adamw"])
@pytest.mark.parametrize("name", KINDS)
def test_an_exception_leaves_the_weights_that_were_reached(name, solver, early_stopping):
    settings = SETTINGS | SOLVERS.get(solver, {"solver": solver}) | {"early_stopping": early_stopping}
    kind, y = getattr(fastbp.sklearn, name), KINDS[name]
    ours = stopping_after(kind, 3)(**settings)
    with pytest.raises(TimeOutError):
        ours.fit(X, y)
    if solver == "adamw":
        whole = kind(**settings | {"max_iter": 3}).fit(X, y)
        if early_stopping:
            return  # the whole fit goes back to its best weights
    else:
        whole = stopping_after(getattr(neural_network, name), 3)(**settings)
        with pytest.raises(TimeOutError):
            whole.fit(X, y)
    assert ours.n_iter_ == 3 and ours.solver == settings.get("solver", "adam")
    assert_same(whole, ours)
    assert ours.score(X, y) == pytest.approx(whole.score(X, y))


@pytest.mark.parametrize("name", KINDS)
def test_an_exception_within_an_epoch_leaves_the_steps_so_far(name, monkeypatch):
    from fastbp.execution.fast_plan import FastPlan

    call, calls = FastPlan._step_call, []

    def limited(plan, *arguments):
        calls.append(call(plan, *arguments))
        if len(calls) == 2:
            raise TimeOutError
        return calls[-1]

    ours = getattr(fastbp.sklearn, name)(**SETTINGS)
    monkeypatch.setattr(FastPlan, "_step_call", limited)
    with pytest.raises(TimeOutError):
        ours.fit(X, KINDS[name])
    monkeypatch.undo()
    steps = ours._optimizer.t  # of the first epoch and a part of the second
    assert 5 < steps <= 10 and ours.n_iter_ == len(ours.loss_curve_) == 1
    one = getattr(fastbp.sklearn, name)(**SETTINGS | {"max_iter": 1}).fit(X, KINDS[name])
    assert abs(ours.coefs_[0] - one.coefs_[0]).max() > 1e-5


@pytest.mark.parametrize("name", KINDS)
def test_an_exception_within_lbfgs_leaves_the_weights_of_its_last_evaluation(name):
    found = []
    for module in BOTH:

        class Limited(getattr(module, name)):
            calls = 0

            def _loss_grad_lbfgs(self, *arguments):
                self.calls += 1
                found = super()._loss_grad_lbfgs(*arguments)
                if self.calls == 7:
                    raise TimeOutError
                return found

        estimator = Limited(**SETTINGS, solver="lbfgs")
        with pytest.raises(TimeOutError):
            estimator.fit(X, KINDS[name])
        found.append(estimator)
    theirs, ours = found
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=0, atol=1e-8)
    assert ours.score(X, KINDS[name]) == pytest.approx(theirs.score(X, KINDS[name]))


# ---- methods of a subclass


def with_penalty(kind):
    """scikit-learn's way to a penalty of one's own: its loss, and its gradient."""

    class Penalized(kind):
        def _backprop(self, *arguments):
            loss, coef_grads, intercept_grads = super()._backprop(*arguments)
            loss += 0.01 * sum(abs(W).sum() for W in self.coefs_)
            coef_grads = [dW + 0.01 * np.sign(W) for dW, W in zip(coef_grads, self.coefs_, strict=True)]
            return loss, coef_grads, intercept_grads

    return Penalized


def with_frozen_layer(kind):
    class Frozen(kind):
        def _compute_loss_grad(self, layer, *arguments):
            super()._compute_loss_grad(layer, *arguments)
            if layer == 0:
                arguments[3][0][:] = 0

    return Frozen


def with_noise(kind):
    class Noisy(kind):
        def _forward_pass(self, activations):
            activations = super()._forward_pass(activations)
            activations[1] *= 0.5
            return activations

    return Noisy


@pytest.mark.parametrize("changed", [with_penalty, with_frozen_layer, with_noise])
@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
@pytest.mark.parametrize("name", KINDS)
def test_methods_of_the_step_are_called(name, solver, changed):
    settings = SETTINGS | SOLVERS.get(solver, {"solver": solver})
    theirs, ours = (changed(getattr(module, name))(**settings).fit(X, KINDS[name]) for module in BOTH)
    for mine, its in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-9)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
    plain = getattr(fastbp.sklearn, name)(**settings).fit(X, KINDS[name])
    assert abs(plain.coefs_[0] - ours.coefs_[0]).max() > 1e-8


def test_methods_set_on_an_object_or_on_the_class_are_called(monkeypatch):
    found = []
    for module in BOTH:
        estimator = module.MLPClassifier(**SETTINGS)
        backprop = estimator._backprop
        estimator._backprop = lambda *arguments, backprop=backprop: (0.5, *backprop(*arguments)[1:])
        found.append(estimator.fit(X, CLASSES))
    assert_same(*found)
    assert found[1].loss_ == 0.5
    calls, base = [], neural_network._multilayer_perceptron.BaseMultilayerPerceptron
    backprop = base._backprop
    monkeypatch.setattr(base, "_backprop", lambda self, *rest: calls.append(0) or backprop(self, *rest))
    fastbp.sklearn.MLPRegressor(**SETTINGS).fit(X, NUMBERS)
    assert len(calls) == 6 * 5


@pytest.mark.parametrize("name", KINDS)
def test_methods_of_the_step_train_with_all_that_stops(name):
    kind, y = getattr(fastbp.sklearn, name), KINDS[name]

    class Called(kind):
        def _backprop(self, *arguments):
            return super()._backprop(*arguments)

    settings = SETTINGS | {"early_stopping": True, "learning_rate_init": 0.02, "scoring": "loss", "max_iter": 20}
    own = {"X_val": X[100:], "y_val": y[100:]}
    one, other = (K(**settings).fit(X[:100], y[:100], **own) for K in (kind, Called))
    assert_same(one, other)
    np.testing.assert_allclose(other.validation_loss_curve_, one.validation_loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(other.validation_scores_, one.validation_scores_, rtol=1e-9)


@pytest.mark.parametrize(
    "setting",
    [{"dropout": 0.1}, {"layer_norm": [True, False]}, {"l1": 0.1}, {"clip_norm": 1.0}, {"activation": "gelu"},
     {"solver": "adamw"}, {"label_smoothing": 0.1}, {"activation": ["relu", "tanh"]}],
)  # fmt: skip
def test_what_those_steps_lack_is_refused_in_one_sentence(setting):
    name = next(iter(setting))
    with pytest.raises(NotImplementedError, match=f"Penalized has its own _backprop, so that .* {name}="):
        with_penalty(fastbp.sklearn.MLPClassifier)(**SETTINGS, **setting).fit(X, CLASSES)


def test_predictions_of_a_subclass_are_what_early_stopping_scores():
    found = []
    for module in BOTH:

        class Shifted(module.MLPRegressor):
            def _predict(self, X, check_input=True):
                return super()._predict(X, check_input) + 1

        class Flipped(module.MLPClassifier):
            def _forward_pass_fast(self, X, check_input=True):
                return 1 - super()._forward_pass_fast(X, check_input)

        settings = SETTINGS | {"early_stopping": True}
        found.append((Shifted(**settings).fit(X, NUMBERS), Flipped(**settings).fit(X, CLASSES)))
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-9)


def test_the_hook_after_an_epoch_sees_and_may_change_weights():
    found = []
    for module in BOTH:

        class Pruned(module.MLPRegressor):
            def _update_no_improvement_count(self, *arguments):
                self.seen = [*getattr(self, "seen", []), self.coefs_[0].copy()]
                self.coefs_[0][abs(self.coefs_[0]) < 0.1] = 0
                self._optimizer.learning_rate_init *= 0.5
                self._optimizer.ms[0][:] = 0
                super()._update_no_improvement_count(*arguments)

        found.append(Pruned(**SETTINGS).fit(X, NUMBERS))
    theirs, ours = found
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.seen, theirs.seen, rtol=0, atol=1e-9)
    assert (ours.coefs_[0] == 0).any() and abs(ours.seen[1] - ours.seen[0]).max() > 0
