"""What the tabular estimators are given, checked: tables, targets, weights, and rows that validate."""

from __future__ import annotations

import datetime
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from ..data import frames
from ..data.sources.source import Source
from ..tables import targets
from ..tables.described import DescribedColumns
from ..tables.given import listed
from ..tables.kinds import COUNTS
from ..tables.table import table
from ..tabular.rows import picked
from .private import check_array_with_gaps, check_weights


class Given(NamedTuple):
    """The arguments of `fit` without rows that have no target or no weight; y is classes or float64 numbers."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    X_val: Any
    y_val: np.ndarray | None
    weights_val: np.ndarray | None
    names: list[str] | None  # of the columns of a frame
    left_out: int  # rows without a target


def set_parameters(estimator: Any, given: dict[str, Any]) -> None:
    """Set the parameters of a constructor, from its local names."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def checked(estimator: Any, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], kind: str) -> Given:
    """Return what `fit` is given, checked; the estimator stays as it is.

    `validation` is X_val, y_val and sample_weight_val, `kind` "classes" or "numbers". Raises
    ValueError and TypeError that name the argument.
    """
    if (validation[0] is None) != (validation[1] is None):
        raise ValueError("X_val and y_val must be given together")
    if validation[0] is None and validation[2] is not None:
        raise ValueError("sample_weight_val must come with X_val and y_val")
    if validation[0] is not None and estimator.n_folds is not None:
        raise ValueError("n_folds validates each network on its fold: give either n_folds or X_val")
    X, names = _table(X, "X", estimator)
    y, has = _target(y, "y", kind, estimator)
    check_consistent_length(X, y)
    left_out = int(np.count_nonzero(~has))
    X, y, weights = _with_target(X, y, has, sample_weight, "")
    if len(y) < 2:
        raise ValueError(f"X must have at least 2 rows with a target, got n_samples = {len(y)}: 1 sample")
    if validation[0] is not None:
        X_val, names_val = _table(validation[0], "X_val", estimator)
        if X_val.shape[1] == X.shape[1]:  # others are refused
            _compare_names("X_val", names, names_val, estimator)
        y_val, has = _target(validation[1], "y_val", kind, estimator)
        check_consistent_length(X_val, y_val)
        validation = _with_target(X_val, y_val, has, validation[2], "_val")
    return Given(X, y, weights, *validation, names, left_out)


def _with_target(
    X: Any, y: np.ndarray, has: np.ndarray, sample_weight: Any, suffix: str
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Return the rows that have a target and a weight above 0, the targets and the weights."""
    if not has.any():
        raise ValueError(f"y{suffix} must have at least one row with a target")
    weights, name = None, f"sample_weight{suffix}"
    if sample_weight is not None:
        weights = check_weights(sample_weight, len(y), name, negative=False).astype(np.float64)
        if not weights.any():
            raise ValueError(f"{name} must have at least one non-zero number, got zeros alone")
        has = has & (weights > 0)
        if not has.any():
            raise ValueError(f"{name} must be above 0 for some row that has a target")
    if not has.all():
        X, y, weights = picked(X, has), y[has], None if weights is None else weights[has]
    return X, y, weights


def _compare_names(what: str, fitted: Any, given: Any, estimator: Any) -> None:
    """Warn, as scikit-learn does, where one table has names of columns and the other none: they are taken by place."""
    kind = type(estimator).__name__
    if given is None and fitted is not None:
        told = f"{what} does not have valid feature names, but {kind} was fitted with feature names"
        warnings.warn(told, UserWarning, stacklevel=5)
    if given is not None and fitted is None:
        told = f"{what} has feature names, but {kind} was fitted without feature names"
        warnings.warn(told, UserWarning, stacklevel=5)


def rows(estimator: Any, X: Any) -> Any:
    """Return a table to predict from; columns of frames are found by name later."""
    X, names = _table(X, "X", estimator)
    expected = estimator.n_features_in_
    called = None if isinstance(X, np.ndarray) else table(X, "X").names  # numbers other than 0, 1, ... are names, too
    fitted, texts = estimator.members_[0].columns.names, getattr(estimator, "feature_names_in_", None)
    if (fitted is None) == (texts is None):  # else they are numbers
        _compare_names("X", texts, names if texts is None else called, estimator)
    if (called is None or fitted is None) and X.shape[1] != expected:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting {expected} features as input"
        )
    return X


def warn_of_counts(columns: DescribedColumns) -> None:
    """Warn of whole numbers that are left out as they count the rows, which measurements may do by chance."""
    names = [one.name for one in columns if one.kind == "identifier" and one.note == COUNTS]
    if names:
        warnings.warn(
            f"X has whole numbers that are all different and count the rows, left out as identifiers: {listed(names)}. "
            "Name in numerical_features what is a measurement, and drop what is none.",
            UserWarning,
            stacklevel=4,
        )


def class_numbers(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the number of each class; raise ValueError for one that `fit` has not seen in y."""
    unknown = ~np.isin(y, classes)
    if unknown.any():
        raise ValueError(f"y_val must hold classes of y, got {y[unknown].tolist()[0]!r}")
    return np.searchsorted(classes, y)


def refuse_no_classes(y: np.ndarray) -> None:
    """Raise ValueError where y holds no classes, or each once: nothing could be learned, and nothing validated."""
    different = len(np.unique(y))
    if y.dtype.kind != "f" and different == len(y) > 2:
        raise ValueError(f"y must hold classes that come again, got {len(y)} rows of {different} different classes")
    check_classification_targets(y)


def _table(X: Any, name: str, estimator: Any) -> tuple[Any, list[str] | None]:
    """Return a frame as it is, or an array of two dimensions, and the names of its columns if all are text."""
    if isinstance(X, Source):
        raise TypeError(
            f"{name} must be a table in memory, not a source of rows: categories and medians are learned of all rows "
            "at once; fit of a fastbp.Model takes a source of numbers"
        )
    frame = None if isinstance(X, (np.ndarray, list, tuple)) else frames.as_frame(X, name)
    if frame is not None:
        return X, frames.text_names(frame.columns)
    if isinstance(X, (list, tuple)):
        X = _of_list(X)
    elif isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(object), None)
    return check_array_with_gaps(X, dtype=None, estimator=estimator, input_name=name), None


def _of_list(X: Any) -> Any:
    """Return a list of rows as an array of numbers, or of objects where there is text or None."""
    try:
        array = np.asarray(X)
    except ValueError:
        return X
    return np.array(X, object) if array.dtype.kind in "OUSM" else array


def _target(y: Any, name: str, kind: str, estimator: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a target as an array of shape (rows,), and which rows have one."""
    if y is None:
        raise ValueError(
            f"requires {name} to be passed, but the target {name} is None: {type(estimator).__name__} learns from it"
        )
    if hasattr(y, "toarray"):
        raise TypeError(f"Sparse data was passed for {name}, but a dense array is needed: {name}.toarray()")
    array = _array_of(y)
    if array.dtype.kind == "c" or any(isinstance(one, complex) for one in array.ravel()[:1].tolist()):
        raise ValueError(f"Complex data not supported for {name}")
    if array.ndim == 2 and array.shape[1] == 1:
        warnings.warn(
            f"A column-vector {name} was passed when a 1d array was expected. Please change the shape of {name} to "
            "(n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
        array = array.ravel()
    if array.ndim != 1:
        raise ValueError(f"{name} should be a 1d array, got an array of shape {array.shape} instead.")
    if not len(array):
        return array, np.ones(0, bool)
    has = targets.has_target(array)
    _refuse_dates(array, name, has)
    if kind == "numbers":
        return _numbers(array, name, has), has
    if array.dtype.kind == "f":
        assert_all_finite(array[has], input_name=name)
    return _narrow(array, name, has), has


def _array_of(y: Any) -> np.ndarray:
    """Return a target as an array; gaps beside whole numbers or booleans leave these as they are."""
    if hasattr(getattr(y, "array", None), "dtype"):  # a Series of pandas
        return y.to_numpy(object)
    if hasattr(y, "to_pylist") and not hasattr(y, "column_names"):  # an array of Arrow
        values = y.to_pylist()
    elif hasattr(y, "to_list") and hasattr(y, "to_frame"):  # a Series of polars
        values = y.to_list()
    else:
        return np.asarray(y)
    found = np.empty(len(y), object)
    found[:] = values
    return found


def _narrow(array: np.ndarray, name: str, has: np.ndarray) -> np.ndarray:
    """Return objects that are classes of one kind as an array of that kind, where there are gaps with any value."""
    if array.dtype.kind != "O":
        return array
    kinds = {type(value) for value in array[has].tolist()}
    for kind, kin in ((bool, (bool, np.bool_)), (np.int64, (int, np.integer)), (np.float64, (int, float, np.number))):
        if kinds and all(issubclass(one, kin) for one in kinds):
            found = np.zeros(len(array), kind)
            found[has] = array[has].astype(kind)
            return found
    if len({"text" if issubclass(one, str) else one for one in kinds}) > 1:
        listed = ", ".join(sorted(one.__name__ for one in kinds))
        raise TypeError(f"{name} must hold classes of one kind, got {listed}")
    return array


def _refuse_dates(array: np.ndarray, name: str, has: np.ndarray) -> None:
    dates = array.dtype.kind in "mM" or any(isinstance(one, datetime.date) for one in array[has][:1].tolist())
    if dates:
        raise TypeError(f"{name} must hold classes or numbers, got dates")


def _numbers(array: np.ndarray, name: str, has: np.ndarray) -> np.ndarray:
    """Return numbers as float64, NaN where there are none."""
    found = np.full(len(array), np.nan)
    try:
        found[has] = array[has].astype(np.float64)
    except (TypeError, ValueError):
        wrong = next(value for value in array[has].tolist() if not _is_number(value))
        raise ValueError(f"{name} must hold numbers, got {wrong!r}; TabularClassifier takes classes") from None
    with np.errstate(over="ignore", invalid="ignore"):  # of the sum that it takes first
        assert_all_finite(found[has], input_name=name)
    return found


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
