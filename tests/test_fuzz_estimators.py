"""A fuzzer of the estimators beside scikit-learn's own: the same calls in any order, the same results or refusals.

By default it makes the same calls in each run; `FASTBP_FUZZ=10000 pytest -s tests/test_fuzz_estimators.py` draws so
many new sequences.
"""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
from fuzzing import COUNTS, examples, junk, limited, presented, raised
from hypothesis import given, reject
from hypothesis import strategies as st

pytest.importorskip("sklearn", minversion="1.9")

from sklearn import neural_network  # noqa: E402
from sklearn.base import clone  # noqa: E402

from fastbp import sklearn  # noqa: E402

KINDS = "list C F strided reversed readonly big f2 f4 u1 i8 bool memmap".split()
SETTINGS = {
    "hidden_layer_sizes": [(), (4,), (4, 3), 5],
    "activation": ["relu", "tanh", "logistic", "identity"],
    "solver": ["adam", "adam", "sgd"],  # not L-BFGS: of arrays that users set, SciPy writes past the ends
    "alpha": [0.0, 1e-4, 1],
    "batch_size": ["auto", 1, 5, 200],
    "learning_rate": ["constant", "adaptive", "invscaling"],
    "learning_rate_init": [0.001, 0.1],
    "max_iter": [1, 2, 4],
    "shuffle": [True, False],
    "warm_start": [True, False],
    "momentum": [0, 0.9],
    "early_stopping": [False, False, True],
    "validation_fraction": [0.1, 0.3],
    "n_iter_no_change": [1, 10],
    "tol": [1e-4, 10.0],
}
MESSAGES = "ignore:.*(Stochastic Optimizer|batch_size|column-vector|lbfgs failed|training loss).*"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for files, and little more memory."""
    path = tmp_path_factory.mktemp("fuzz")
    with limited():
        yield path


class Pair:
    """fastbp's estimator and scikit-learn's, which get the same calls."""

    def __init__(self, chance, folder):
        self.chance, self.folder, self.name = chance, folder, chance.choice(["MLPClassifier", "MLPRegressor"])
        settings = {name: chance.choice(values) for name, values in SETTINGS.items() if chance.randrange(2)}
        settings |= {"max_iter": settings.get("max_iter", 2), "random_state": chance.randrange(5)}
        self.ours = getattr(sklearn, self.name)(**settings)
        self.theirs = getattr(neural_network, self.name)(**settings)

    def both(self, function):
        """Call a function of an estimator with both; return what each returned, or the error it raised."""
        found = []
        for estimator in self.ours, self.theirs:
            COUNTS["calls"] += 1
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    found.append(function(estimator))
                except (ValueError, TypeError, AttributeError, OverflowError, IndexError, KeyError) as error:
                    found.append(error)
        ours, theirs = found
        if isinstance(ours, Exception):
            raised(ours)
            alike = isinstance(theirs, Exception) and type(ours) is type(theirs)
            assert alike or isinstance(ours, (ValueError, TypeError, AttributeError)), (ours, theirs)
        return found

    def data(self):
        """Return X and y."""
        rng, rows = np.random.default_rng(self.chance.randrange(2**32)), self.chance.choice([4, 9, 20, 33])
        X = rng.integers(0, 2, (rows, 3))
        y = rng.integers(0, self.chance.choice([2, 2, 3]), rows)
        if self.name == "MLPRegressor":
            return X, y / 2 if self.chance.randrange(2) else np.column_stack([y, y]) / 2
        return X, [y, y, np.array(["a", "b", "c"])[y], y - 1.0][self.chance.randrange(4)]


def fits(pair, value):
    """Fit both; their results are close."""
    X, y = pair.data()
    X, part = presented(X, pair.chance.choice(KINDS), pair.folder), pair.chance.choice(["fit", "fit", "partial_fit"])
    ours, theirs = pair.both(lambda estimator: getattr(estimator, part)(X, y))
    if str(ours).startswith("X and y must have"):  # y of other outputs, which scikit-learn broadcasts
        reject()  # from here on they differ
    assert isinstance(ours, Exception) == isinstance(theirs, Exception), (ours, theirs)
    if isinstance(ours, Exception):  # after which scikit-learn's may have first weights, and ours is as it was
        reject()
    predicts(pair, value)


def predicts(pair, value):
    X, y = pair.data()
    for call in (
        lambda estimator: (
            estimator.predict(X).astype(float) if pair.name == "MLPRegressor" else estimator.predict_proba(X)
        ),
        lambda estimator: estimator.loss_,
    ):
        ours, theirs = pair.both(call)
        assert isinstance(ours, Exception) == isinstance(theirs, Exception), (ours, theirs)
        if not isinstance(ours, Exception):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * max(1, np.nanmax(abs(np.asarray(theirs)))))
    pair.both(lambda estimator: estimator.score(X, y))


def sets(pair, value):
    """Set a parameter to something good."""
    name = pair.chance.choice(list(SETTINGS))
    good = pair.chance.choice(SETTINGS[name])
    pair.both(lambda estimator: estimator.set_params(**{name: good}))


def refuses(pair, value):
    """Set a parameter to anything at all; fit, and set it back."""
    name, (X, y) = pair.chance.choice(list(SETTINGS)), pair.data()
    if name in ("max_iter", "hidden_layer_sizes") and isinstance(value, (int, np.integer)) and value > 9:
        return
    saved = copy.deepcopy((pair.ours, pair.theirs))
    pair.both(lambda estimator: estimator.set_params(**{name: value}))
    ours, theirs = pair.both(lambda estimator: estimator.fit(X, y))
    assert isinstance(ours, Exception) or not isinstance(theirs, Exception), (name, theirs)
    pair.ours, pair.theirs = saved


def mistakes(pair, value):
    """Give anything at all as X or y."""
    X, y = pair.data()
    saved = copy.deepcopy((pair.ours, pair.theirs))
    part = pair.chance.choice(["fit", "partial_fit", "score"])
    for arguments in (value, y), (X, value):
        ours, theirs = pair.both(lambda estimator: getattr(estimator, part)(*arguments))  # noqa: B023
        assert isinstance(ours, Exception) or not isinstance(theirs, Exception), (part, theirs)
    pair.both(lambda estimator: estimator.predict(value))
    pair.ours, pair.theirs = saved


def assigns(pair, value):
    """Assign weights: others of the same shape, of other shapes, or anything at all."""
    if not hasattr(pair.ours, "coefs_"):
        return
    X, y = pair.data()
    saved = copy.deepcopy((pair.ours, pair.theirs))
    name, place = pair.chance.choice(["coefs_", "intercepts_"]), pair.chance.randrange(len(pair.ours.coefs_))
    array = getattr(pair.ours, name)[place]
    other = [
        array * 0.5,
        array[:-1],
        array.astype(np.float32),
        array.tolist(),
        value,
        np.asfortranarray(array[::-1]),
        -array,
    ]
    which = pair.chance.randrange(len(other))
    for estimator in pair.ours, pair.theirs:
        getattr(estimator, name)[place] = copy.deepcopy(other[which])
    ours, theirs = pair.both(lambda estimator: estimator.predict(X))
    pair.both(lambda estimator: estimator.partial_fit(X, y))
    if which in (0, 5, 6):
        assert isinstance(ours, Exception) == isinstance(theirs, Exception), (ours, theirs)
    pair.ours, pair.theirs = saved


def copies(pair, value):
    """Go on with copies."""
    how = pair.chance.choice([copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)), clone])
    for name in "ours", "theirs":
        setattr(pair, name, how(getattr(pair, name)))


CALLS = [fits, fits, predicts, sets, refuses, mistakes, assigns, copies]


@examples(100)
@given(seed=st.integers(0, 2**32), calls=st.lists(st.tuples(st.sampled_from(CALLS), junk), min_size=1, max_size=8))
def test_estimators(folder, seed, calls):
    pair = Pair(random.Random(seed), folder)
    for call, value in calls:
        COUNTS[call.__name__] += 1
        call(pair, value)
