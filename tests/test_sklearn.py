"""fastbp.sklearn against scikit-learn: its own tests, its checks, and the same numbers from the same seed."""

import os
import re
import warnings
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator  # noqa: E402
from sklearn_pairs import BOTH, LOSSES, WEIGHTED  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- what scikit-learn tests


def test_scikit_learns_own_tests_pass(run_python, tmp_path):
    here = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    package = Path(sklearn.__file__).parent

    def outcomes(*arguments):
        options = ("-v", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", package, "--confcutdir", package)
        done = run_python(
            "-m", "pytest", *options, *arguments, cwd=package, check=False, PYTHONPATH=here, NUMBA_NUM_THREADS="1"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(re.findall(r"^(\S+::\S+(?: \S+)*?) ([A-Z]+) ", done.stdout, re.MULTILINE))

    ended = outcomes("-p", "sklearn_swapped", "neural_network/tests/test_mlp.py")
    skipped = [name for name, word in ended.items() if word != "PASSED"]
    assert len(ended) > 50 and len(skipped) < 5
    if skipped:  # here, but then with scikit-learn's own classes, too
        assert set(outcomes(*skipped).values()) == {"SKIPPED"}


@pytest.mark.filterwarnings("ignore")  # as check_estimator is used
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_check_estimator_finds_nothing(name):
    theirs, ours = (getattr(module, name) for module in BOTH)
    results = check_estimator(ours(), on_fail=None, on_skip=None)
    ended = {result["check_name"]: result["status"] for result in results}
    assert len(ended) > 40 and set(ended.values()) <= {"passed", "skipped"}, ended
    for estimator, check in estimator_checks_generator(theirs()):
        if ended.get(check.func.__name__) == "skipped":
            with pytest.raises(SkipTest):
                check(estimator)


# ---- the same numbers

ROWS = 150
X = np.random.default_rng(0).standard_normal((ROWS, 7))
NOISE = np.random.default_rng(1).standard_normal((ROWS, 3))
WEIGHTS = np.random.default_rng(2).random(ROWS) if WEIGHTED else None  # test_sklearn_private.py has those of before
Y = {
    "classes": (X[:, :4] + NOISE[:, :1]).argmax(1),
    "yes or no": (X[:, 0] + NOISE[:, 0] > 0).astype(int),
    "labels": (X[:, :3] + NOISE > 0).astype(int),
    "numbers": X[:, 0] ** 2 + NOISE[:, 0] / 10,
    "rows of numbers": X[:, :2] ** 2 + NOISE[:, :2] / 10,
    "counts": np.random.default_rng(3).poisson(np.exp(X[:, 0] / 3)),
}
if "poisson" not in LOSSES:
    del Y["counts"]
SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}


def fitted(kind, sample_weight=None, **settings):
    """One of scikit-learn's and one of ours, fitted alike."""
    name = "MLPClassifier" if Y[kind].dtype.kind == "i" and kind != "counts" else "MLPRegressor"
    settings = {"hidden_layer_sizes": (11, 5), "max_iter": 20, "random_state": 3, "batch_size": 64} | settings
    if kind == "counts":
        settings["loss"] = "poisson"
    weights = () if sample_weight is None else (sample_weight,)
    return [getattr(module, name)(**settings).fit(X, Y[kind], *weights) for module in BOTH]


def assert_same(theirs, ours, loss=1e-11, parameters=1e-9):
    """The same losses, as a share of the first, and the same parameters, as a share of the largest."""
    assert ours.n_iter_ == theirs.n_iter_ and ours.t_ == theirs.t_
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=loss * theirs.loss_curve_[0])
    np.testing.assert_allclose([ours.loss_, ours.best_loss_ or 0], [theirs.loss_, theirs.best_loss_ or 0], rtol=loss)
    for name in ("coefs_", "intercepts_"):
        for mine, its in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert mine.dtype == its.dtype and mine.shape == its.shape
            np.testing.assert_allclose(mine, its, rtol=0, atol=parameters * abs(theirs.coefs_[0]).max())
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-7)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", Y)
def test_the_same_seed_gives_the_same_training(kind, activation):
    for number, settings in enumerate(SOLVERS.values(), list(Y).index(kind) + len(activation)):
        weights = (None, WEIGHTS)[number % 2]  # each meets each kind, activation and solver
        assert_same(*fitted(kind, weights, activation=activation, **settings))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", Y)
def test_lbfgs_comes_as_far(kind, activation):
    weights = WEIGHTS if (list(Y).index(kind) + len(activation)) % 2 else None
    theirs, ours = fitted(kind, weights, activation=activation, solver="lbfgs")
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-3)


RULES = {
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "tol": 0.1, "n_iter_no_change": 2,
    },
    "early stopping": {"early_stopping": True, "n_iter_no_change": 4, "learning_rate_init": 0.02, "max_iter": 60},
    "early stopping, sgd": {"early_stopping": True, "solver": "sgd", "validation_fraction": 0.3},
    "in order": {"shuffle": False, "batch_size": 37},
    "a last row alone": {"batch_size": 149},
    "all rows": {"batch_size": ROWS},
    "auto": {"batch_size": "auto"},
    "rows one by one": {"batch_size": 1, "max_iter": 3},
    "no penalty": {"alpha": 0},
    "a large penalty": {"alpha": 10.0, "solver": "sgd"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "four hidden layers": {"hidden_layer_sizes": (5, 17, 1, 8)},
    "Adam's settings": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "until it stands still": {"tol": 1e-2, "max_iter": 200, "learning_rate_init": 0.01},
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_same_under_every_rule(rule):
    for kind, weights in (("classes", WEIGHTS), ("numbers", None), ("labels", None)):
        theirs, ours = fitted(kind, weights, **RULES[rule])
        assert_same(theirs, ours)
        if theirs.early_stopping:
            assert ours.validation_scores_ == pytest.approx(theirs.validation_scores_, rel=1e-8)
            assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_, rel=1e-8)


def test_the_rules_do_end_some_trainings():
    assert fitted("classes", **RULES["until it stands still"])[1].n_iter_ < 200
    assert fitted("numbers", **RULES["early stopping"])[1].n_iter_ < 60
    assert fitted("classes", **RULES["adaptive"])[1]._optimizer.learning_rate < 0.5


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_and_warm_start_go_on_alike(solver):
    pair = []
    for module in BOTH:
        settings = {"hidden_layer_sizes": (11,), "random_state": 3, "solver": solver}
        part = module.MLPClassifier(batch_size=20, **settings)
        for first in (0, 50, 100, 0):
            part.partial_fit(X[first : first + 50], Y["classes"][first : first + 50], classes=range(4))
        warm = module.MLPRegressor(max_iter=5, warm_start=True, **settings)
        for _ in range(3):
            warm.fit(X, Y["numbers"])
        pair.append((part, warm))
    for theirs, ours in zip(*pair, strict=True):
        assert_same(theirs, ours)


def test_float32_comes_as_near_as_float32_can():
    settings = {"hidden_layer_sizes": (11, 5), "max_iter": 20, "random_state": 3}
    theirs, ours = (module.MLPClassifier(**settings).fit(X.astype("float32"), Y["classes"]) for module in BOTH)
    assert {array.dtype.name for array in ours.coefs_ + ours.intercepts_} == {"float32"}
    assert ours.predict_proba(X.astype("float32")).dtype == theirs.predict_proba(X.astype("float32")).dtype
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)


def test_the_warnings_are_scikit_learns():
    told = []
    for module in BOTH:
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            module.MLPClassifier((3,), max_iter=2, batch_size=200, random_state=0).fit(X, Y["classes"])
        told.append([(warning.category, str(warning.message)) for warning in record])
    assert told[0] == told[1] and [category for category, _ in told[1]] == [UserWarning, ConvergenceWarning]
