"""The result of `Model.fit`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
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
        return {name: values[-1] for name, values in self.history.items() if values}
