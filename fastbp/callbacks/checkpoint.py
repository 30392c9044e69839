"""The callback that asks for checkpoints: where, how often, how many."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from ..data import checks
from .base import Callback

_SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_EVERY = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]+)\s*", re.IGNORECASE)
_EXPECTED = "a number and a unit, such as '10 min', '30 s', '2 h', '500 steps' or '1 epoch'"


class Interval(NamedTuple):
    """How long it is from one checkpoint to the next: one of the three, the others are 0."""

    seconds: float = 0.0
    steps: int = 0
    epochs: int = 0


def interval(every: Any) -> Interval:
    """Return the interval that a text says; raise TypeError or ValueError for anything else."""
    if not isinstance(every, str):
        raise TypeError(f"every must be text, {_EXPECTED}, got {every!r}")
    found = _EVERY.fullmatch(every)
    number, unit = (float(found[1]), found[2].lower()) if found else (0.0, "")
    if len(unit) > 3:
        unit = unit.removesuffix("s")
    if number > 0 and unit in _SECONDS:
        return Interval(seconds=number * _SECONDS[unit])
    if number > 0 and number.is_integer() and unit in ("step", "epoch"):
        return Interval(**{f"{unit}s": int(number)})
    raise ValueError(f"every must be {_EXPECTED}, got {every!r}; steps and epochs are whole numbers from 1")


def folder_path(name: str, value: Any) -> str:
    """Return the absolute path of a folder, whether or not there is one yet; raise for what can't be one."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(path := os.fspath(value), str):
        raise TypeError(f"{name} must be the path of a folder, got {value!r}")
    if not path or "\0" in path:
        raise ValueError(f"{name} must be the path of a folder, got {value!r}")
    if os.path.lexists(path) and not os.path.isdir(path):
        raise NotADirectoryError(20, f"{name} must be a folder", path)
    return os.path.abspath(path)


class Checkpoint(Callback):
    """Write all of a training to a folder from time to time: `Model.fit(resume=folder)` goes on where it ended.

    A checkpoint holds parameters, the optimizer's state, random numbers, the place in the epoch and in the schedule,
    the history, and what `get_state` of the other callbacks returns. It is written whole or not at all, without
    pickle, and one more when training ends. A training that is killed and resumed ends with the same bits as one that
    was not. If a checkpoint can't be written, as on a full disk, or `get_state` of a callback fails, a RuntimeWarning
    says so once, and training goes on.

    SIGTERM, by which clusters end a job, takes effect after the current compiled call of some 50 ms, or after the
    validation or callback that runs: a checkpoint is written, and the process ends with status 143. This holds where
    `fit` runs in the main thread. A handler of your own for SIGTERM is called after the checkpoint is written, and
    training goes on if it returns. Ctrl-C writes one, too, before `fit` returns the history; pressed twice, it ends
    training at once.

    Parameters
    ----------
    folder : path
        Made if missing; a relative one is that of the present working folder. Files in it are named
        ``checkpoint-NUMBER-TRAINING.safetensors``.
    every : str
        A time, such as "30 s", "10 min" or "2 h"; a number of steps, such as "500 steps"; or of epochs, "1 epoch".
    keep : int
        How many checkpoints of this training stay. No other file of the folder is removed.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastbp
    >>> X, y = [[0, 1], [1, 0]], [0, 1]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for epochs in (2, 5):  # the second call goes on where the first ended
    ...         model = fastbp.Model([2, 4, 2], seed=0)
    ...         checkpoint = fastbp.callbacks.Checkpoint(folder, every="1 epoch", keep=1)
    ...         history = model.fit(X, y, epochs=epochs, verbose=0, callbacks=checkpoint, resume=folder)
    ...         print(len(history.loss), "epochs,", len(os.listdir(folder)), "checkpoint")
    2 epochs, 1 checkpoint
    5 epochs, 1 checkpoint
    """

    def __init__(self, folder: Any, every: str = "10 min", keep: int = 3) -> None:
        self.folder: str = folder_path("folder", folder)
        self.interval: Interval = interval(every)
        self.every: str = every
        self.keep: int = checks.whole_number("keep", keep, 1)
