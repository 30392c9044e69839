"""The result of `Model.fit`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..data import shown


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

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([2, 4, 2], seed=0)
    >>> history = model.fit([[0, 1], [1, 0]], [0, 1], epochs=3, verbose=0)
    >>> history.epoch, len(history.loss), history.interrupted
    ([0, 1, 2], 3, False)
    >>> sorted(history.history)
    ['accuracy', 'loss', 'seconds', 'val_accuracy', 'val_loss']
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def history(self) -> dict[str, list[float]]:
        """The lists by name, as Keras has them."""
        lists = asdict(self)
        del lists["interrupted"]
        return lists

    @property
    def epoch(self) -> list[int]:
        """Numbers of the listed epochs, from 0."""
        return list(range(len(self.loss)))

    def latest(self) -> dict[str, float]:
        """Return the last value of each list that is not empty.

        Returns
        -------
        dict
            Values by the lists' names.
        """
        lists = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: values[-1] for name, values in lists.items() if isinstance(values, list) and values}

    def to_frame(self) -> Any:
        """Return the lists as a data frame of pandas, one row an epoch.

        Returns
        -------
        pandas.DataFrame
            With a column for each list that is not empty, and the numbers of the epochs from 0 as its index "epoch".

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
        columns = {name: values for name, values in self.history.items() if values}
        return pandas.DataFrame(columns, index=pandas.RangeIndex(len(self.loss), name="epoch"))

    def __repr__(self) -> str:
        parts = [f"{len(self.loss)} epochs", *(f"{name} {value:.4g}" for name, value in self.latest().items())]
        return f"<fastbp.History: {', '.join(parts)}{', interrupted' * self.interrupted}>"

    def _repr_html_(self) -> str:
        columns = {name: values for name, values in self.history.items() if values}
        rows = zip(*columns.values(), strict=True)
        cells = ([str(epoch), *(f"{value:.4g}" for value in row)] for epoch, row in enumerate(rows))
        return shown.table(["epoch", *columns], cells, "interrupted" * self.interrupted)
