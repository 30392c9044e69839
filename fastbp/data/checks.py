"""Checks of arguments. Each error names the argument, what was expected and what was given.

Compiled kernels do not check bounds, so all that reaches them must have passed one of these checks.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from ..kernels.entries.loss import Loss
from ..kernels.entries.settings import above_zero, flag, is_whole, number, rate, share
from . import frames, hints

__all__ = ["above_zero", "flag", "number", "rate", "share"]

ROOM = 1e-6  # share of the largest number that weights may sum to: the errors that they are multiplied by need the rest
DTYPES = ("float32", "float64")
FOR_KERNELS: tuple[Literal["C", "A", "W"], ...] = ("C", "A", "W")  # contiguous, aligned, writable: kernels take these


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return `value` as an int, if it is a whole number of at least `least` and at most `most`."""
    if not is_whole(value):
        raise TypeError(f"{name} must be a whole number, got {value!r} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and int(value) > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value)


def verbosity(value: Any) -> int:
    """Return `verbose` as 0, 1 or 2: False and True are 0 and 1, "auto" is 1."""
    if isinstance(value, str) and value == "auto":
        return 1
    known = isinstance(value, (bool, np.bool_)) or is_whole(value)
    if known and value in (0, 1, 2):
        return int(value)
    error = ValueError if known or isinstance(value, str) else TypeError
    raise error(f"verbose must be 'auto', True, False, 0, 1 or 2, got {value!r}")


def finite(name: str, value: Any) -> float:
    """Return `value` as a float, if it is a finite number."""
    given = number(name, value)
    if not math.isfinite(given):
        raise ValueError(f"{name} must be finite, got {value}")
    return given


def is_iterable(value: Any) -> bool:
    """Return whether `value` holds several things: a list, an array and the like, but neither text nor one number."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) != 0


def shares(name: str, value: Any, count: int) -> float | tuple[float, ...]:
    """Return a number from 0 to below 1, or a tuple of `count` of them."""
    if not is_iterable(value):
        return share(name, value)
    each = tuple(share(f"{name}[{i}]", number) for i, number in enumerate(value))
    if len(each) != count:
        raise ValueError(f"{name} must be one number, or {count}, one for each hidden layer, got {len(each)}")
    return each


def flags(name: str, value: Any, count: int) -> bool | tuple[bool, ...]:
    """Return True or False, or a tuple of `count` of them."""
    if not is_iterable(value):
        return flag(name, value)
    each = tuple(flag(f"{name}[{i}]", one) for i, one in enumerate(value))
    if len(each) != count:
        raise ValueError(f"{name} must be True, False, or {count} of them, one for each hidden layer, got {len(each)}")
    return each


def choice(name: str, value: Any, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """Return the known name that `value` spells, or that it is an alias of; see `spelled`."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r} of type {type(value).__name__}")
    each = dict(zip(known, known, strict=True)) | dict(aliases or {})
    found = spelled(value, each)
    if found is None:
        raise ValueError(f"{name} {value!r} is not known{meant(value, each)}; known are {', '.join(map(repr, known))}")
    return each[found]


def spelled(value: str, known: Iterable[str]) -> str | None:
    """Return the one of the known names that `value` is, whatever its case, hyphens and underscores, or None."""
    if value in known:
        return value
    return next((name for name in known if plainly(name) == plainly(value)), None)


def plainly(name: str) -> str:
    """Return a name in lower case without hyphens, underscores and blanks: "LeakyReLU" is "leaky_relu"."""
    return name.lower().translate({ord(mark): None for mark in "-_ "})


def meant(value: str, known: Iterable[str]) -> str:
    """Return the part of an error that suggests the known name next to `value`, or nothing where none is near."""
    names = list(known)
    plain = {plainly(name): name for name in reversed(names)}
    import difflib  # which few programs need

    near = difflib.get_close_matches(plainly(value), plain, 1, 0.7)
    begun = [name for name in names if len(value) > 1 and plainly(name).startswith(plainly(value))]
    found = [plain[name] for name in near] or begun[:1]
    return f" - did you mean {found[0]!r}?" if found else ""


def dtype(value: Any) -> np.dtype:
    """Return float32 or float64 as a numpy dtype."""
    try:
        name = np.dtype(value).name
    except (ArithmeticError, AttributeError, LookupError, RecursionError, SyntaxError, TypeError, ValueError):
        name = None
    if value is None or name not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(map(repr, DTYPES))}, got {value!r}")
    return np.dtype(name)


def layer_sizes(value: Any) -> tuple[int, ...]:
    """Return layer sizes as a tuple: at least two positive whole numbers."""
    if isinstance(value, Mapping) or not is_iterable(value):
        raise TypeError(f"layer_sizes must be a sequence of whole numbers, got {value!r}")
    sizes = tuple(whole_number(f"layer_sizes[{i}]", size, 1) for i, size in enumerate(value))
    if len(sizes) < 2:
        raise ValueError(f"layer_sizes must hold at least two sizes, inputs and outputs, got {sizes}")
    return sizes


def threads(value: Any, most: int) -> int | None:
    """Return how many threads may be used at most: None, or a whole number of at least 1, and `most` if it is above."""
    return None if value is None else min(whole_number("n_threads", value, 1), most)


def seed(value: Any) -> int | None:
    """Return a seed: None or a whole number, not negative."""
    return None if value is None else whole_number("seed", value, 0)


def names(name: str, value: Any, count: int) -> list[str] | None:
    """Return `count` distinct strings as a list, or None."""
    if value is None:
        return None
    items = list(value) if is_iterable(value) else [None]
    if not all(isinstance(item, str) for item in items):
        raise TypeError(f"{name} must be a list of strings, got {value!r}")
    if len(items) != count or len(set(items)) != count:
        raise ValueError(f"{name} must hold {count} different names, got {len(items)}: {items[:5]} ...")
    return [str(item) for item in items]


def per_column(name: str, value: Any, columns: int) -> float | np.ndarray | None:
    """Return None, a finite float, or a read-only float64 array of one finite number for each column."""
    if value is None:
        return None
    with np.errstate(over="ignore"):
        array = _real_array(name, value).astype(np.float64)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != columns):
        raise ValueError(f"{name} must be a number or {columns} numbers, got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {value!r}")
    if array.ndim == 0:
        return float(array)
    array.flags.writeable = False
    return array


def _real_array(name: str, value: Any) -> np.ndarray:
    masked = sys.modules.get("numpy.ma")  # whoever has a masked array has imported it
    if masked and isinstance(value, masked.MaskedArray) and masked.is_masked(value):
        raise TypeError(f"{name} is a masked array with masked values; fill them or drop their rows first")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} cannot be converted to an array of numbers: {error}") from None
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got an array of dtype {array.dtype}")
    return array


def inputs(X: Any, columns: int, name: str = "X") -> Any:
    """Return X as an array or `SparseRows` of real numbers, of shape (rows, `columns`) with at least one row.

    X is not copied. Whether its values are finite is checked when rows are gathered, so that a memory map is read once.
    """
    array = X if isinstance(X, np.ndarray) else frames.as_array(X, name)[0]
    if not isinstance(array, frames.SparseRows):
        array = _real_array(name, array)
    if array.ndim != 2:
        hint = "; one row is X.reshape(1, -1)" if array.ndim == 1 else ""
        raise ValueError(f"{name} must have two dimensions (rows, {columns}), got shape {array.shape}{hint}")
    if array.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, one for each input, got {array.shape[1]}")
    if len(array) == 0:
        raise ValueError(f"{name} has no rows")
    return array


def labels(y: Any, rows: int, classes: int, name: str = "y") -> np.ndarray:
    """Return y as an int64 array of `rows` class numbers from 0 to below `classes`, always a copy.

    Kernels use class numbers as indices, so they are copied first and checked after: y itself may change at any time.
    """
    array = _real_array(name, frames.as_target(y, name))
    if array.shape != (rows,):
        hint = hints.of_labels_shape(array.shape, rows)
        raise ValueError(f"{name} must have shape ({rows},), one label for each row of X, got {array.shape}{hint}")
    array = np.array(array, order="C")
    whole = array.dtype.kind != "f" or (array == np.floor(array)).all()
    if not (whole and array.min() >= 0 and array.max() < classes):  # no temporary array: short epochs feel it
        row = int(np.argmax(~((array >= 0) & (array < classes) & (array == np.floor(array)))))
        raise ValueError(
            f"{name} must hold class numbers, whole numbers from 0 to {classes - 1}, got {array[row]} in row {row}"
            f"{hints.of_labels(array, classes)}"
        )
    return array.astype(np.int64, copy=False)


def targets(y: Any, rows: int, outputs: int, loss: Loss, kind: np.dtype, name: str = "y") -> np.ndarray:
    """Return y as an array of dtype `kind` and shape (rows, outputs), within the loss's domain."""
    array = _real_array(name, frames.as_target(y, name))
    if array.shape != (rows, outputs) and not (outputs == 1 and array.shape == (rows,)):
        alone = f"({rows},) or " if outputs == 1 else ""
        hint = hints.of_targets_shape(array.shape, rows, loss.link)
        raise ValueError(f"{name} must have shape {alone}({rows}, {outputs}), got {array.shape}{hint}")
    with np.errstate(over="ignore"):
        numbers = np.require(array.reshape(rows, outputs), kind, FOR_KERNELS)
    low, high = loss.domain
    wrong = ~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        limits = "" if low == -np.inf else f" from {low:g}" + ("" if high == np.inf else f" to {high:g}")
        raise ValueError(
            f"{name} must hold finite numbers of {kind}{limits} for loss {loss.name!r}, "
            f"got {array.reshape(rows, outputs)[row, column]} in row {row}, column {column}"
            f"{hints.of_targets(array, loss.link)}"
        )
    return numbers


def weights(value: Any, rows: int, kind: np.dtype, name: str = "sample_weight", some: bool = True) -> np.ndarray | None:
    """Return None, or one weight for each row as an array of dtype `kind`: finite, not negative, `some` above 0."""
    if value is None:
        return None
    array = _real_array(name, frames.as_target(value, name))
    if array.shape != (rows,):
        raise ValueError(f"{name} must have shape ({rows},), one number for each row of X, got {array.shape}")
    with np.errstate(over="ignore"):
        numbers = np.require(array.view(), kind, FOR_KERNELS)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{name} must hold finite, non-negative numbers of {kind}, got {array[row]} in row {row}")
    if some and not numbers.any():
        rounded = f" once rounded to {kind}, got {array.max()} at most" if np.any(array) else ""
        raise ValueError(f"{name} must not be zero for all rows{rounded}")
    with np.errstate(over="ignore"):
        total, most = float(numbers.sum(dtype=np.float64)), float(np.finfo(kind).max) * ROOM
    if total > most:
        hint = "only their proportions count, so divide them by their mean"
        raise ValueError(f"{name} must have a sum of at most {most:.3g} in {kind}, got {total:.3g}; {hint}")
    return numbers


def parts(name: str, value: Any) -> tuple[Any, ...] | None:
    """Return (X, y) or (X, y, sample_weight), or None."""
    if value is None:
        return None
    if not isinstance(value, (tuple, list)) or len(value) not in (2, 3):
        got = type(value).__name__ + (f" of length {len(value)}" if isinstance(value, (tuple, list)) else "")
        raise TypeError(f"{name} must be a pair (X, y), or (X, y, sample_weight), got {got}")
    return tuple(value)


def class_weights(value: Any, counts: np.ndarray) -> np.ndarray:
    """Return the weight of each class, from {class: weight} or "balanced"; classes that are not named weigh 1.

    `counts` are the rows of each class, of which some must weigh more than 0.
    """
    classes = len(counts)
    if isinstance(value, str):
        choice("class_weight", value, ("balanced",))
        return np.asarray(counts.sum() / (np.count_nonzero(counts) * counts.clip(1)))
    if not isinstance(value, Mapping):
        raise TypeError(f"class_weight must be 'balanced' or a dict of {{class number: weight}}, got {value!r}")
    each = np.ones(classes)
    for c, weight in value.items():
        if whole_number("class_weight's class", c, 0) >= classes:
            raise ValueError(f"class_weight's classes must be below {classes}, got {c}")
        each[c] = rate(f"class_weight[{c}]", weight)
    if not each[counts > 0].any():
        raise ValueError("class_weight must not be zero for all rows")
    return each
