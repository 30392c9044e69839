"""A checkpoint with which a training goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...callbacks import Callback
from ..state import State
from . import content, settings
from .folder import newest


@dataclass
class Resumed:
    """The newest checkpoint of a folder, of a training with the same settings.

    Parameters
    ----------
    folder : str
    config : dict
    tensors : dict of ndarray
    """

    folder: str
    config: dict[str, Any]
    tensors: dict[str, np.ndarray]

    @property
    def training(self) -> str:
        """The name of the training in its checkpoints' names."""
        return str(self.config["training"])

    def restore(self, state: State, callbacks: tuple[Callback, ...]) -> None:
        """Give a training and its callbacks the state that is kept."""
        content.restore(state, callbacks, self.config, self.tensors)


def find(where: str, here: dict[str, Any], epochs: int) -> Resumed | None:
    """Return the newest checkpoint of a folder, or None if there is none.

    Parameters
    ----------
    where : path of the folder
    here : dict
        Settings and rows of the call, as `settings.of_training` returns them.
    epochs : int
        How many the training is to have.

    Raises
    ------
    ValueError
        If it is of a training with other settings or rows, or has more epochs, or none can be read.
    """
    found = newest(where)
    if found is None:
        return None
    path, config, tensors = found
    content.check(config, path, here["batch_size"])
    there = config["settings"]
    if here["learning_rate"] == config["learning_rate"]:  # as the training itself has changed it
        there = there | {"learning_rate": here["learning_rate"]}
    if here["seed"] is None or "seed" not in there:  # any will do, or an earlier version has written it
        there = there | {"seed": here["seed"]}
    if differences := settings.differences(there, here):
        raise ValueError(f"resume: {path} is of another training: {'; '.join(differences)}")
    done = config["epoch"] + (config["sums"][0] > 0)
    if epochs < done:
        raise ValueError(f"epochs must be at least {done}, as {path} is in epoch {done}, got {epochs}")
    return Resumed(where, config, tensors)
