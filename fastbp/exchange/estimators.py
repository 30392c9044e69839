"""Models of scikit-learn's estimators and pipelines, with their data, for what looks into a model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..data import checks
from ..model.model import Model

KINDS = "a fastbp.Model, an MLPClassifier or MLPRegressor, or a Pipeline that ends in one"


class Taken(NamedTuple):
    """What `taken` returns.

    Parameters
    ----------
    model : fastbp.Model
    X, y
        As `Model.fit` takes them.
    batch_size : int or None
        Rows of a minibatch of the estimator; None for a model.
    """

    model: Model
    X: Any
    y: Any
    batch_size: int | None


def taken(value: Any, X: Any = None, y: Any = None) -> Taken:
    """Return a model of a Model, an estimator, a pipeline or a fitted search, and the data that this model takes.

    A model is returned as it is. An estimator that is not fitted has the initial weights that its `fit` draws. X goes
    through the steps of a pipeline before the last, which are fitted first if the pipeline is not. Labels become class
    numbers. What is given is not changed.

    Parameters
    ----------
    value : Model, MLPClassifier, MLPRegressor, Pipeline or a search with `best_estimator_`
        Estimators of scikit-learn or of fastbp.sklearn.
    X, y : array-like, optional
        Data for `value`; both for an estimator that is not fitted.

    Returns
    -------
    Taken

    Raises
    ------
    TypeError
        If `value` is something else.
    ValueError
        If an estimator is not fitted and no data are given, if there is no such Model, or if y holds other labels.
    """
    if isinstance(value, Model):
        return Taken(value, X, y, None)
    if not hasattr(value, "get_params"):
        raise _refused(value)
    from . import sklearn

    estimator = getattr(value, "best_estimator_", value)
    if hasattr(estimator, "steps"):
        estimator, X = _through(estimator, X, y)
    if not isinstance(estimator, (sklearn.MLPClassifier, sklearn.MLPRegressor)):
        raise _refused(estimator)
    if not hasattr(estimator, "coefs_"):
        estimator = _untrained(estimator, X, y)
    size = sklearn.batch_size(estimator)
    return Taken(sklearn.from_sklearn(estimator), X, None if y is None else _numbered(estimator, y), size)


def row_weights(value: Any, y: Any, sample_weight: Any = None) -> Any:
    """Return the weights of rows as `fit` of an estimator has them: times those of classes, by its `class_weight`.

    Parameters
    ----------
    value
        As for `taken`.
    y : array-like
        Labels, as the estimator takes them.
    sample_weight : array-like, optional

    Returns
    -------
    array-like or None
        `sample_weight` itself where `value` has no `class_weight`.

    Raises
    ------
    ValueError
        If `sample_weight` is not one number for each row, or `class_weight` is wrong.
    """
    estimator = getattr(value, "best_estimator_", value)
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    kind = getattr(last, "class_weight", None)
    if kind is None or isinstance(value, Model):
        return sample_weight
    from sklearn.utils.class_weight import compute_sample_weight

    each = compute_sample_weight(kind, y)
    weights = checks.weights(sample_weight, len(each), each.dtype)
    return each if weights is None else each * weights


def _refused(value: Any) -> TypeError:
    """Return the error to raise about what holds no model, with what to pass of a model of a table."""
    members = next((name for name in ("members", "members_") if hasattr(value, name)), None)
    hint = f"; pass a network of it, {members}[0].model, and {members}[0].columns.transform(X)" if members else ""
    return TypeError(f"model must be {KINDS}, got {type(value).__name__}{hint}")


def _through(pipeline: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Return the last step, and X as it arrives there."""
    from sklearn.base import clone

    last = pipeline.steps[-1][1]
    if X is None or len(pipeline.steps) == 1:
        return last, X
    before = pipeline[:-1]
    return last, before.transform(X) if hasattr(last, "coefs_") else clone(before).fit_transform(X, y)


def _untrained(estimator: Any, X: Any, y: Any) -> Any:
    """Return a copy that `fit` has prepared and not trained."""
    from sklearn.base import clone

    if X is None or y is None:
        raise ValueError(f"model must be fitted, got a {type(estimator).__name__} without coefs_; call its fit first")
    copy = clone(estimator)
    copy._fit_stochastic = copy._fit_lbfgs = lambda *arguments, **settings: None  # after all that comes before training
    return copy.fit(X, y)


def _numbered(estimator: Any, y: Any) -> Any:
    """Return the class numbers of a classifier's labels; anything else as it is."""
    if not hasattr(estimator, "classes_") or estimator._label_binarizer.y_type_.startswith("multilabel"):
        return y
    labels, classes = np.asarray(y).reshape(-1), estimator.classes_
    unseen = np.setdiff1d(labels, classes)
    if unseen.size:
        raise ValueError(f"y must hold classes of the estimator, {classes.tolist()}, got {unseen.tolist()[0]!r}")
    return np.searchsorted(classes, labels)
