"""The result of `Model.fit`."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data import shown

_LISTS = "loss", "accuracy", "val_loss", "val_accuracy", "seconds"


def added(logs: dict[str, Any], measured: Collection[str]) -> dict[str, float]:
    """Return what callbacks have added to the logs of an epoch; raise TypeError if it is no number."""
    found = {}
    for name, value in logs.items():
        if name == "epoch" or name in measured:
            continue
        array = np.asarray(value) if isinstance(value, (int, float, np.generic, np.ndarray)) else None
        if not isinstance(name, str) or array is None or array.ndim or array.dtype.kind not in "biuf":
            raise TypeError(f"logs[{name!r}], which a callback has added, must be a number under a name, got {value!r}")
        found[name] = float(array)
    return found


@dataclass(repr=False)
class History:
    """The result of `Model.fit`: lists of one value an epoch.

    `loss` and `accuracy` are running means over the epoch's minibatches, each computed before its step, so that they
    lag behind what `Model.evaluate` returns after the epoch. Where rows have weights w, they are weighted means, such
    as the sum of w e over the sum of w.

    Attributes
    ----------
    loss, accuracy : list of float
        Of the training data, the penalties included in `loss`. `accuracy` is empty for losses without classes.
    val_loss, val_accuracy : list of float
        Of the validation data after each epoch; empty without validation data.
    seconds : list of float
        Wall-clock time of each epoch, its validation included.
    interrupted : bool
        Whether Ctrl-C ended training. The epoch that it interrupted is not listed.
    metrics : dict of {str: list of float}
        Numbers that callbacks have written into `logs`, by name; NaN for epochs without one.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([2, 4, 2], seed=0)
    >>> history = model.fit([[0, 1], [1, 0]], [0, 1], epochs=3, verbose=0)
    >>> history.epoch, len(history.loss), history.interrupted
    ([0, 1, 2], 3, False)
    >>> sorted(history.history)
    ['accuracy', 'loss', 'seconds']
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False
    metrics: dict[str, list[float]] = field(default_factory=dict)

    @property
    def history(self) -> dict[str, list[float]]:
        """Copies of the lists that hold any value, and of those of `metrics`, by name, as Keras has them."""
        return {name: list(values) for name, values in self._lists().items() if values}

    @property
    def epoch(self) -> list[int]:
        """Numbers of the listed epochs, from 0."""
        return list(range(len(self.loss)))

    def latest(self) -> dict[str, float]:
        """Return the values of the last epoch.

        Returns
        -------
        dict
            Values by the lists' names.
        """
        n = len(self.loss)
        return {name: values[-1] for name, values in self._lists().items() if values and len(values) == n}

    def to_frame(self) -> Any:
        """Return the lists as a data frame of pandas, one row an epoch.

        Returns
        -------
        pandas.DataFrame
            With a column for each list that is not empty, those of `metrics` included, and the numbers of the epochs
            from 0 as its index "epoch".

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import fastbp
        >>> history = fastbp.Model([2, 2], seed=0).fit([[0, 1], [1, 0]], [0, 1], epochs=3, verbose=0)
        >>> history.to_frame().shape  # doctest: +SKIP
        (3, 3)
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(f"History.to_frame needs pandas: pip install pandas ({error})") from error
        return pandas.DataFrame(self.history, index=pandas.RangeIndex(len(self.loss), name="epoch"))

    @classmethod
    def _of(cls, lists: dict[str, list[float]]) -> History:
        """Return a history of lists by name, as `history` gives them."""
        found = cls()
        for name, values in lists.items():
            found._list(name)[:] = values
        return found

    def _lists(self) -> dict[str, list[float]]:
        return {name: getattr(self, name) for name in _LISTS} | self.metrics

    def _list(self, name: str) -> list[float]:
        return getattr(self, name) if name in _LISTS else self.metrics.setdefault(name, [])

    def _append(self, values: dict[str, float]) -> None:
        """Append what was measured in an epoch: "seconds" last, as only then the epoch is listed."""
        for name, value in values.items():
            self._list(name).append(value)

    def _add(self, added: dict[str, float]) -> None:
        """Append what callbacks have added to the last epoch's `logs`; NaN to metrics of which they added none."""
        for name, value in added.items():
            values = self._list(name)
            values += [math.nan] * (len(self.seconds) - 1 - len(values)) + [value]
        self._fill()

    def _fill(self) -> None:
        """Let all lists that hold any value be as long as `seconds`."""
        n = len(self.seconds)
        for values in self._lists().values():
            del values[n:]
            values += [math.nan] * (n - len(values)) if values else []

    def _interrupt(self) -> None:
        """Note Ctrl-C: an epoch whose values are not all appended is not listed."""
        self.interrupted = True
        self._fill()

    def __repr__(self) -> str:
        parts = [f"{len(self.loss)} epochs", *(f"{name} {value:.4g}" for name, value in self.latest().items())]
        return f"<fastbp.History: {', '.join(parts)}{', interrupted' * self.interrupted}>"

    def _repr_html_(self) -> str:
        columns = self.history
        rows = zip(*columns.values(), strict=True)
        cells = ([str(epoch), *(f"{value:.4g}" for value in row)] for epoch, row in enumerate(rows))
        return shown.table(["epoch", *columns], cells, "interrupted" * self.interrupted)
