"""Classes: y that holds their names becomes numbers, predicted numbers become names, and classes have weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks

if TYPE_CHECKING:
    from ..network import Network

LISTED = 5  # names in an error


def names_of(network: Network, class_names: list[str] | None) -> list[str] | None:
    """Return the names of the classes that y holds, in the order of their numbers, or None where there are none."""
    outputs = network.layer_sizes[-1]
    if class_names is None or not network.classifies:
        return None
    if network.of_classes:
        return class_names
    return class_names if (outputs, len(class_names)) == (1, 2) else None  # of several outputs each is yes or no


def checked(value: Any, network: Network) -> list[str] | None:
    """Return class names as a list, if they are one for each output, or for one output of 0 or 1 two."""
    outputs, single = network.layer_sizes[-1], network.layer_sizes[-1] == 1 and network.loss.link == "logistic"
    given = list(value) if checks.is_iterable(value) else value  # an iterator gives its names once
    two = single and isinstance(given, list) and len(given) == 2
    return checks.names("class_names", given, 2 if two else outputs)


def numbered(y: Any, names: list[str] | None, name: str = "y") -> Any:
    """Return the class numbers of y where it holds names, and anything else as it is.

    Raises ValueError for a name that is not among `names`.
    """
    given = None if names is None else _strings(y)
    if given is None or names is None:
        return y
    place = {known: number for number, known in enumerate(names)}
    wrong = next((row for row, one in enumerate(given) if not isinstance(one, str) or one not in place), None)
    if wrong is not None:
        known = ", ".join(map(repr, names[:LISTED])) + (", ..." if len(names) > LISTED else "")
        meant = checks.meant(given[wrong], names) if isinstance(given[wrong], str) else ""
        raise ValueError(f"{name} must hold class_names, {known}, got {given[wrong]!r} in row {wrong}{meant}")
    return np.array([place[one] for one in given], np.int64)


def count(network: Network) -> int:
    """Return how many classes `class_weight` may weigh: 2 for one output of 0 or 1.

    Raises ValueError if y holds no classes.
    """
    outputs = network.layer_sizes[-1]
    if network.of_classes:
        return outputs
    if network.classifies and outputs == 1:
        return 2
    raise ValueError(
        f"class_weight is for loss 'cross_entropy', and for 'binary_cross_entropy' of one output, "
        f"not for {network.loss.name!r} of {outputs}"
    )


def of_rows(y: np.ndarray, network: Network, name: str = "y") -> np.ndarray:
    """Return the class number of each row of y, as it was checked; raise ValueError for one between 0 and 1."""
    if network.of_classes:
        return y
    numbers = y[:, 0]
    wrong = (numbers != 0) & (numbers != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{name} must hold 0 and 1 only where class_weight is given, got {numbers[row]} in row {row}")
    return numbers.astype(np.int64)


def counts(y: np.ndarray, network: Network) -> np.ndarray:
    """Return how many rows of y each class has."""
    return np.bincount(of_rows(y, network), minlength=count(network))


def weights(class_weight: Any, network: Network, class_names: list[str] | None, rows: np.ndarray) -> np.ndarray:
    """Return the weight of each class, by its number or name or "balanced"; `rows` says how many rows each has."""
    return checks.class_weights(numbered_keys(class_weight, names_of(network, class_names)), rows)


def numbered_keys(class_weight: Any, names: list[str] | None) -> Any:
    """Return {class: weight} with class numbers for names."""
    if names is None or not isinstance(class_weight, Mapping):
        return class_weight
    for key in class_weight:
        if isinstance(key, str) and key not in names:
            raise ValueError(f"class_weight must name classes, got {key!r}{checks.meant(key, names)}")
    return {names.index(key) if isinstance(key, str) else key: weight for key, weight in class_weight.items()}


def named(numbers: np.ndarray, names: list[str]) -> np.ndarray:
    """Return the names of class numbers."""
    array = np.array(names)
    if array.tolist() != names:  # NumPy's strings end before a NUL
        array = np.array(names, object)
    return array[numbers]


def _strings(y: Any) -> list[Any] | None:
    """Return the values of y, shape (rows,), if it holds strings: a list, an array, a Series or one column."""
    if isinstance(y, (list, tuple)):
        return list(y) if len(y) > 0 and isinstance(y[0], str) else None
    if not hasattr(y, "__array__"):
        return None
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "UOT" or not any(isinstance(one, str) for one in array):
        return None
    return array.tolist()
