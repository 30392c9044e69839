"""What `Model.fit` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class History:
    """One value an epoch. `loss` and `accuracy` are running means over the epoch's minibatches as they were trained.

    Attributes
    ----------
    loss, accuracy : list of float
        `accuracy` is empty where outputs are numbers that are neither right nor wrong.
    val_loss, val_accuracy : list of float
        After each epoch, on the validation data; empty without any.
    seconds : list of float
        Wall-clock time of each epoch, its validation included.
    interrupted : bool
        Whether Ctrl-C ended training; the epoch it fell into is not listed.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def history(self) -> dict[str, list[float]]:
        """The lists by name, as Keras gives them."""
        lists = asdict(self)
        del lists["interrupted"]
        return lists

    def latest(self) -> dict[str, float]:
        """Return the last value of each list that has one."""
        return {name: values[-1] for name, values in self.history.items() if values}

    @property
    def epoch(self) -> list[int]:
        """Numbers of the epochs listed, from 0."""
        return list(range(len(self.loss)))
