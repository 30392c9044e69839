"""When checkpoints of a training are due, and their writing."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

import numpy as np

from ...callbacks import Callback, Checkpoint
from ...callbacks.warning import warn
from ..state import State
from . import content, folder
from .resumed import Resumed
from .termination import Termination


class Checkpoints:
    """The checkpoints of one call of `Model.fit`.

    Parameters
    ----------
    callbacks : tuple of Callback
        All of the call. The `Checkpoint` objects among them say where and when.
    settings : dict
        Settings and rows of the call, as `settings.of_training` returns them.
    batch_size : int
    resumed : Resumed or None
        The checkpoint with which the training goes on.
    """

    resumed: Resumed | None
    termination: Termination

    def __init__(
        self, callbacks: tuple[Callback, ...], settings: dict[str, Any], batch_size: int,
        resumed: Resumed | None,
    ) -> None:  # fmt: skip
        self._callbacks, self._settings = callbacks, resumed.config["settings"] if resumed else settings
        self._batch_size = batch_size
        self._timed = [_Timed(callback) for callback in callbacks if isinstance(callback, Checkpoint)]
        self._training, self._warned = resumed.training if resumed else secrets.token_hex(4), False
        self.resumed = resumed
        self.termination = Termination(bool(self._timed))

    def begin(self, state: State) -> None:
        """Go on with the checkpoint that there is, if any; raise TypeError if a callback's state can't be kept."""
        if self.resumed is not None:
            self.resumed.restore(state, self._callbacks)
            for each in self._timed:
                if os.path.realpath(each.checkpoint.folder) == os.path.realpath(self.resumed.folder):
                    each.written = self._steps(state)
                    self._tidy(self.resumed.folder, each.checkpoint.keep)  # what a kill has left
        if self._timed:
            content.states(self._callbacks, {})
        self.termination.holds_interrupts = True

    def _tidy(self, where: str, keep: int) -> None:
        folder.tidy(where, self._training, keep)

    def ends(self, state: State, done: int, stop: int) -> list[int]:
        """Return after which of the epoch's rows from `done` to `stop` compiled calls must end: where steps count."""
        before, size, ends = state.place.steps, self._batch_size, {stop}
        for steps in {each.checkpoint.interval.steps for each in self._timed} - {0}:
            first = done // size + 1
            ends |= {step * size for step in range(first + -(before + first) % steps, -(-stop // size), steps)}
        return sorted(end for end in ends if end > done)

    def reached(self, state: State) -> None:
        """Write the checkpoints that are due at this place, between two steps or two epochs; all if a signal came."""
        if self.termination.noted:
            self._write_all(state)
            self.termination.act()
        else:
            steps = self._steps(state)
            self._write(state, [each for each in self._timed if each.is_due(state, steps)])

    def finish(self, state: State) -> None:
        """Write the last checkpoints."""
        self._write_all(state)
        self.termination.holds_interrupts = False
        self.termination.act()

    def _write_all(self, state: State) -> None:
        """Write all checkpoints but those that hold this place already."""
        self._write(state, [each for each in self._timed if each.written != self._steps(state)])

    def _steps(self, state: State) -> int:
        """Return how many steps of the training are done."""
        return state.place.steps - (-state.place.sums.rows // self._batch_size)

    def _write(self, state: State, due: list[_Timed], slots: dict[str, np.ndarray] | None = None) -> None:
        """Write some checkpoints. Where one can't be packed or written, warn once, and let training go on."""
        if not due:
            return
        for each in due:
            each.begun = time.monotonic()
        kept = None
        try:
            kept = content.packed(state, self._callbacks, slots)
        except Exception as error:
            self._warn(due[0], error)
        if kept is None:
            return
        config, tensors = kept
        config |= {"training": self._training, "settings": self._settings}
        for each in due:
            try:
                folder.write(each.checkpoint.folder, self._training, each.checkpoint.keep, config, tensors)
            except Exception as error:
                self._warn(each, error)
            else:
                each.written = self._steps(state)

    def _warn(self, timed: _Timed, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            what = error if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            text = f"no checkpoint could be written to {timed.checkpoint.folder}: {what}"
            warn(f"{text}. Training goes on, and older checkpoints stay")


class _Timed:
    """A checkpoint callback, when it last had one written, and at which step."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint, self.begun, self.written = checkpoint, time.monotonic(), -1

    def is_due(self, state: State, steps: int) -> bool:
        place, interval = state.place, self.checkpoint.interval
        if interval.epochs:
            return not place.sums.rows and place.epoch % interval.epochs == 0
        if interval.steps:
            return steps % interval.steps == 0
        return time.monotonic() - self.begun >= interval.seconds
