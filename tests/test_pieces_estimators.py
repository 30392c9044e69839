"""Estimators and sources of rows: partial_fit takes its pieces, what wants all at once refuses it."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastbp.data import Pieces
from fastbp.sklearn import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor

random = np.random.default_rng(6)
X = random.standard_normal((300, 4))
y = np.array(["low", "high"])[(X.sum(axis=1) > 0).astype(int)]


def pieces(*arrays):
    return Pieces(lambda: (tuple(each[at : at + 100] for each in arrays) for at in range(0, 300, 100)))


def test_partial_fit_takes_the_pieces_over_many_epochs():
    one, other = (MLPClassifier((8,), random_state=0, learning_rate_init=0.01) for _ in range(2))
    rows, numbers = pieces(X, y), pieces(X, X @ [1.0, 2, 3, 4], random.uniform(0.5, 2, 300))
    for _ in range(20):
        for X_part, y_part in rows:
            one.partial_fit(X_part, y_part, classes=["high", "low"])
        for at in range(0, 300, 100):
            other.partial_fit(X[at : at + 100], y[at : at + 100], classes=["high", "low"])
    assert all((a == b).all() for a, b in zip(one.coefs_, other.coefs_, strict=True))
    assert one.t_ == other.t_ and one.score(X, y) > 0.9
    assert [len(part) for part in numbers] == [3, 3, 3]


def test_what_wants_all_rows_at_once_refuses_a_source():
    for call in (MLPClassifier().fit, MLPRegressor().fit, MLPRegressor().partial_fit):
        with pytest.raises(TypeError, match="X must be an array, not a source of rows, whose pieces partial_fit takes"):
            call(pieces(X, y), y)
    for estimator in (TabularClassifier(), TabularRegressor()):
        with pytest.raises(
            TypeError, match="X must be a table in memory, not a source of rows: categories and medians"
        ):
            estimator.fit(pieces(X, y), y)
