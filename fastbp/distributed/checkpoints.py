"""Checkpoints of a training on several ranks: rank 0 decides when, writes and reads; any number of ranks resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..callbacks import Checkpoint
from ..callbacks.checkpoint import folder_path
from ..training.checkpoints import resumed, settings, writer
from ..training.state import State
from .ranks import Ranks
from .rows import Joined
from .training import SharedTraining

_OPTIONS = "batch_size", "shuffle", "drop_last", "schedule", "epochs"


class _Checkpoints(writer.Checkpoints):
    """As its base. All ranks reach the same places at the same time."""

    def __init__(self, ranks: Ranks, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ranks = ranks

    def reached(self, state: State) -> None:
        """Write the checkpoints that are due; all if a signal came to any rank, which then ends them all."""
        came, interrupted = (
            self.ranks.any(flag) for flag in (self.termination.came, self.termination.interrupted)
        )  # fmt: skip
        self.termination.came, self.termination.interrupted = came, interrupted
        try:
            super().reached(state)
        except BaseException as error:
            if came or interrupted:
                self.ranks.all_raise(error)
            raise

    def _write(self, state: State, due: list[Any], slots: dict[str, np.ndarray] | None = None) -> None:
        numbers = self.ranks.comm.bcast([number for number, each in enumerate(self._timed) if each in due])
        if not numbers:
            return
        slots = state.plan.get_slots()  # all ranks do, so before what may fail on rank 0 alone, which then goes on
        if self.ranks.rank == 0:
            super()._write(state, [self._timed[number] for number in numbers], slots)
        else:
            for number in numbers:
                self._timed[number].written = self._steps(state)

    def _tidy(self, where: str, keep: int) -> None:
        if self.ranks.rank == 0:
            super()._tidy(where, keep)


def added(training: SharedTraining, model: Any, resume: Any) -> SharedTraining:
    """Return a training that goes on with the checkpoint in a folder, if any, and writes those that are asked for."""
    if resume is None and not any(isinstance(each, Checkpoint) for each in training.callbacks):
        return training
    ranks = training.ranks
    options = {name: getattr(training, name) for name in _OPTIONS} | {"comm": True}
    rows = _digests(ranks, "", training.data)
    rows |= {"validation_data": None} if training.validation is None else _digests(
        ranks, "validation ", training.validation
    )  # fmt: skip
    here, found = settings.of_rows(model, rows, options, training.callbacks), None
    with ranks.together():
        if resume is not None and ranks.rank == 0:
            found = resumed.find(folder_path("resume", resume), here, training.epochs)
    found, callbacks = ranks.comm.bcast(found), training.callbacks
    if ranks.rank:  # the others run on rank 0
        callbacks = tuple(each for each in callbacks if isinstance(each, Checkpoint))
        if found is not None:
            found.config["callbacks"] = []
    made = _Checkpoints(ranks, callbacks, here, training.batch_size, found)
    return replace(training, checkpoints=made)


def _digests(ranks: Ranks, prefix: str, data: Any) -> dict[str, Any]:
    """Return digests of X, y and weights of all rows, as `settings.of_training` has them; those of rank 0 are right."""
    assert isinstance(data, Joined)
    own = data.own
    weights = _digest(ranks, data, own.weights, own.y.dtype) if data.weighs else None
    X, y = _digest(ranks, data, own.samples.X, data.dtype), _digest(ranks, data, own.y, own.y.dtype)
    return {f"{prefix}X": X, f"{prefix}y": y, f"{prefix}weights of rows": weights}


def _digest(ranks: Ranks, data: Joined, own: np.ndarray, dtype: np.dtype) -> dict[str, Any]:
    """Return shape, dtype and a digest of the rows of all ranks, which rank 0 receives part after part."""
    n, shape = len(data.y), own.shape[1:]
    most = max(1, settings.WHOLE_BYTES // max(1, dtype.itemsize * int(np.prod(shape, dtype=np.int64))))
    picked = np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)
    first, last = data.starts[ranks.rank : ranks.rank + 2]
    mine = picked[(picked >= first) & (picked < last)] - first
    parts = _parts(own, mine, dtype)
    if ranks.rank:
        for part in parts:
            ranks.comm.send(part, 0)
        ranks.comm.send(None, 0)
        return {}
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    for rank in range(1, ranks.size):
        while (part := ranks.comm.recv(source=rank)) is not None:
            digest.update(part)
    return {"shape": [n, *shape], "dtype": str(dtype), "digest": digest.hexdigest()}


def _parts(own: np.ndarray, rows: np.ndarray, dtype: np.dtype) -> Iterator[bytes]:
    each = max(1, settings.PART_BYTES * len(own) // max(1, own.nbytes))
    for at in range(0, len(rows), each):
        yield np.ascontiguousarray(own[rows[at : at + each]], dtype).tobytes()
