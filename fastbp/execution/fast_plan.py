"""The plan that computes with the fast kernels: register tiles over panels, many minibatches in one compiled call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.samples import CONSTANT, NO_SUMS, DivergenceError, Labelled, Rates, Samples, Sums
from ..kernels.engine import code
from ..kernels.entries.records import Record, address
from ..kernels.library.compiling import compiling
from ..kernels.program.phases import Entries, Program, in_blocks
from ..kernels.program.state import NO_ROW, lanes_of
from ..network import Network
from . import helpers, programs, threads
from .buffers import Buffers, Shape
from .packed import Packed
from .programs import Intake
from .rows import RowPredictor

WORKER_FLOP = 1_300_000  # least work of a worker in a step: with less, waiting for the others costs more than it gains
CALL_FLOP = 20_000_000  # least work of a worker in a call, some 0.2 ms: with less, waking it costs more than it gains
SLICE_SECONDS = 0.05  # duration of a compiled call, between which Python handles signals
FIRST_FLOP = 4e9  # work of the first call, when the speed is not known yet
BLOCK_ROWS = 64  # rows of a block outside training, which stays in a core's cache through all layers
BLOCK_PARAMETERS = 192, 65_536  # most parameters, per row and in all, for which minibatches are split into row blocks
LEAST_BLOCK, MOST_BLOCKS = 32, 4  # least rows of a row block, and most blocks: each has gradients of its own
REPLAYED = 1_000_000  # steps, whose changes of an optimizer's running numbers one call repeats
GRADIENT_ROWS = 512  # least rows of a block where all rows are one minibatch
CONVERTED_BYTES = 4_000_000  # size of the parts in which X is converted if compiled code cannot read it in place
SUMS = Sums._fields[1:]  # which the state has under the same names
_NO_ROWS = np.empty(0, np.int64)


class FastPlan(Packed):
    """A plan as `plan.Plan` describes it. Parameters and optimizer state are in panels (kernels/fast/panels.py)."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Any, n_threads: int | None) -> None:
        super().__init__(network, dtype, optimizer)
        self.n_threads, self.key, self.watch, self.draws = n_threads, 0, False, any(network.dropouts)
        self._running: tuple[int, np.ndarray] = 0, optimizer.rule.layout.new()
        self._running_bytes = self._running[1].view(np.uint8)
        self._loss = network.loss.layout().new()
        for name in network.loss.fields:
            self._loss[name] = getattr(network.loss, name)
        self._rows: RowPredictor | None = None
        self._programs: dict[Any, code.Assembled] = {}
        self._intake = Intake(Samples(np.empty((0, 0))), network)  # of the rows of the present call
        self.buffers: Buffers = Buffers(network, dtype, len(self.parameters), {
            "parameters": self.parameters, "loss_numbers": address(self._loss), "l1": network.l1, "l2": network.l2,
            "l1_per_weight": network.l1_per_weight, "l2_per_weight": network.l2_per_weight,
            "factor": 1.0, "dropping": 1.0, "decaying": 1.0, "bad_row": NO_ROW,
            "clip_value": np.inf, "clip_norm": np.inf,
            "frequencies": network.embedding.n_frequencies if network.embedding else 0, "half_weights": self.halves,
        })  # fmt: skip
        self._pace: tuple[Any, int] = None, 0  # shapes of the last calls, and how many rows they do in SLICE_SECONDS

    def release(self) -> None:
        """Let go of the parameters, which no call needs any more."""
        self.parameters = self.parameters[:0].copy()
        self.buffers = Buffers(self.network, self.dtype, 0, {})

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: Rates = CONSTANT, sums: Sums = NO_SUMS,
    ) -> Iterator[Sums]:  # fmt: skip
        """Train one epoch, or the rest of one; yield the sums so far after each call of about SLICE_SECONDS."""
        n, batch_size, samples = len(order), min(batch_size, len(order)), data.samples
        self._intake = Intake(samples, self.network)
        work = self._begin_epoch(batch_size, n)
        place, most, at = (self.buffers.shape, samples.X.shape, samples.place), 0, sums.rows
        each = self._flop(batch_size) / batch_size
        rows = self._pace[1] if self._pace[0] == place else self._whole_batches(FIRST_FLOP / each, batch_size)
        while at < n:
            end = min(n, at + rows)
            if self._intake.converts:
                end = min(end, at + self._whole_batches(CONVERTED_BYTES / samples.row_bytes(self.dtype), batch_size))
            start = compiling.now()
            sums = self._step_call(work, data, order[at:end], batch_size, rates.after(at // batch_size), sums)
            seconds = compiling.now() - start
            yield sums
            rows = self._whole_batches((end - at) * SLICE_SECONDS / seconds, batch_size)
            if end - at > most:  # the longest call gives the best estimate for the next epoch
                self._pace, most = (place, rows), end - at
            at = end

    def _begin_epoch(self, batch_size: int, n: int) -> str:
        """Allocate arrays for minibatches of this size; return the entry point that trains them."""
        blocks, workers = self._blocks(batch_size), self._workers(batch_size, n)
        with_replicas = blocks > 1 and workers > 1 and self.network.clip_norm == np.inf  # the norm needs all gradients
        self._allocate(batch_size, workers, blocks, with_replicas, self._intake.room(batch_size, False))
        return "train_replicas" if with_replicas else "train"

    def evaluate(self, data: Labelled) -> tuple[float, float]:
        """Return the weighted mean of the errors, and the accuracy."""
        out, total = np.empty((len(data.y), 2), self.dtype), data.total()
        self._in_blocks("loss", data, out)
        if data.weights is not None:
            out[:, 1] *= data.weights
        loss, correct = out.sum(axis=0, dtype=np.float64)
        return float(loss / total), float(correct / total)

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Fill z with the outputs."""
        self._in_blocks("predict", Labelled(samples, _NO_ROWS), z)

    def row_predictor(self, buffer: np.ndarray) -> RowPredictor | None:
        """Return what predicts a few rows from the parameters in `buffer`, or None."""
        if self.network.precision:
            return None
        if self._rows is None or self._rows.flat is not buffer or self._rows.n_threads != self.n_threads:
            self._rows = RowPredictor(self.network, self.dtype, self.n_threads, buffer)
        return self._rows

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """Fill `gradient` over all rows as one minibatch, without an update."""
        n = len(data.y)
        self._intake = intake = Intake(data.samples, self.network)
        most = n * sum(self.network.layer_sizes) // len(self.parameters)  # so that their gradients do not outweigh X
        blocks = 1 if self._whole else max(self._blocks(n), min(n // GRADIENT_ROWS, most))
        self._allocate(n, self._workers(n, n), blocks, room=intake.room(n, False))
        fields = {"updates": 1, "gradients": self.buffers.gradients(), "clip_value": np.inf, "clip_norm": np.inf}
        sums = self._call("train", (programs.gradients,), data, np.arange(n), n, fields)
        self._pack("unpack_parameters", self.buffers["gradients"], gradient)
        return sums

    def _in_blocks(self, last: str, data: Labelled, out: np.ndarray) -> None:
        """Do the forward pass of all rows, block by block, with the kernel "predict" or "loss" at the end."""
        n, samples = len(out), data.samples
        self._intake = intake = Intake(samples, self.network)
        block = BLOCK_ROWS  # also of fewer rows, so that calls of any number of rows use the same arrays
        if self.network.n_members > 1:
            block = lanes_of(self.dtype)  # of which each member has as many
        workers = self._workers(n, n / 3)  # a forward pass is a third of a step
        self._allocate(block * workers, workers, workers, room=intake.room(block, True))
        step = max(block, int(FIRST_FLOP / (6 * intake.products) / block) * block)
        if self._intake.converts:
            step = min(step, max(1, CONVERTED_BYTES // samples.row_bytes(self.dtype)))
        for at in range(0, n, step):
            order, fields = np.arange(at, min(n, at + step)), {"predicts": last == "predict"}
            self._call("predict", (programs.outputs, last), data, order, block, fields | {"out": out[at : at + step]})

    @property
    def _whole(self) -> bool:
        """Whether minibatches are never split into blocks of rows."""
        return self._intake.sparse or self.network.grouped or self.network.precision is not None

    def _flop(self, rows: float) -> float:
        """Return the floating-point operations of a training step on so many rows."""
        return 6 * rows * self._intake.products + self._intake.least_flop

    def _workers(self, batch_size: int, rows: float) -> int:
        """Return how many workers have enough to do in minibatches of this size and calls of so many rows."""
        step = self._flop(batch_size)
        most = min(step / WORKER_FLOP, step * rows / batch_size / CALL_FLOP)
        return int(min(threads.limit(self.n_threads), max(1, most)))

    @staticmethod
    def _whole_batches(rows: float, batch_size: int) -> int:
        return max(1, int(rows / batch_size)) * batch_size

    def _blocks(self, batch_size: int) -> int:
        """Return into how many row blocks a minibatch is split: more than one only for small networks.

        It does not depend on the number of workers, so that the bits do not either.
        """
        each, most = BLOCK_PARAMETERS
        if self._whole or len(self.parameters) > min(each * batch_size, most):
            return 1
        blocks = min(self._flop(batch_size) / WORKER_FLOP, batch_size / LEAST_BLOCK, MOST_BLOCKS)
        return max(1, int(blocks) // 2 * 2)

    def _allocate(
        self, batch_size: int, workers: int, blocks: int, with_replicas: bool = False, room: int = -1
    ) -> None:
        rule = self.optimizer.rule
        shape = Shape(batch_size, workers, blocks, len(rule.slots), rule.layout.itemsize, with_replicas, room)
        self.buffers.take(shape)

    def _step_call(
        self, work: str, data: Labelled, order: np.ndarray, batch_size: int, rates: Rates, before: Sums
    ) -> Sums:
        """Take steps on the rows `order`; return the sums of theirs and of those before."""
        network, rule, shape = self.network, self.optimizer.rule, self.buffers.shape
        descends = rule.name == "sgd" and shape.blocks == 1 and network.descends_plainly and not self._intake.shifted
        made = programs.training, rule.name, descends, shape.workers == 1 and shape.blocks == 1
        fields = {"descends": descends, "updates": not descends, "advance": self._write_rule()}
        fields |= {"clip_value": network.clip_value, "clip_norm": network.clip_norm, **rates._asdict()}
        fields |= {field: self._slot(name) for field, name in zip("mv", rule.slots, strict=False)}
        if not descends:
            fields["gradients"] = self.buffers.gradients()
        return self._call(work, made, data, order, batch_size, fields, before)

    def _count_steps(self) -> None:
        """Take over the number of steps after a compiled call, and the optimizer's running numbers."""
        self.steps = self.buffers.state["step"]
        self._running_bytes[:] = self.buffers["rule"][: len(self._running_bytes)]
        self._running = self.steps, self._running[1]

    def _write_rule(self) -> int:
        """Write the optimizer's record for the next call, with its running numbers after the steps so far.

        Return the address of the function that changes these, or 0.
        """
        rule, (steps, record), kept = self.optimizer.rule, self._running, self._running_bytes
        anew = record.dtype != rule.layout.dtype or steps != self.steps or not steps
        if anew:
            record = rule.layout.new()
            kept = record.view(np.uint8)
            for name, value in rule.running:
                record[name] = value
        for name in rule.fields:
            record[name] = getattr(self.optimizer, name)
        self.buffers["rule"][: len(kept)] = kept
        advance = code.advance(rule.name, self.dtype) if rule.advance else 0
        if anew and advance:
            self._replay(advance)
        self._running, self._running_bytes = (self.steps, record), kept
        return advance

    def _replay(self, advance: int) -> None:
        """Change the optimizer's running numbers as the steps so far did, until they do not change any more."""
        replay, numbers, before = code.entry("replay", self.dtype), self.buffers["rule"], b""
        for begin in range(0, self.steps, REPLAYED):  # in parts, between which Ctrl-C takes effect
            if before == (before := numbers.tobytes()):
                return
            fields = {"advance": advance, "begin": begin, "end": min(begin + REPLAYED, self.steps), "step": 0}
            replay(self.buffers.state.fill(fields))

    def _call(
        self, work: str, made: tuple[Any, ...], data: Labelled, order: np.ndarray, batch_size: int,
        fields: dict[str, Any], before: Sums = NO_SUMS,
    ) -> Sums:  # fmt: skip
        """Run a program over the rows `order`; return the sums of theirs and of those before.

        `made` is what makes the program: a function of programs.py, and its arguments besides the network.
        """
        buffers, samples = self.buffers, data.samples
        if self._intake.converts:
            data, samples = data.picked(order) if len(data.y) else data, samples.converted(order, self.dtype)
            order = np.arange(len(order))
        order, rows = np.ascontiguousarray(order, np.int64), samples.X.dtype
        if self._intake.entries is not None:
            rows = self._intake.entries._replace(in_place=self.W0 is not None)
        state, scaling = buffers.reset(self._assembled(made, rows)), samples.shift_and_scale()
        scaling, sparse = self._of_entries(scaling, made) if self._intake.entries is not None else (scaling, {})
        buffers.point_to_rows(data, samples, order, scaling)
        state.fill(sparse)
        state.fill({
            "batch_size": batch_size, "step": self.steps, "key": self.key, "watches": self.watch,
            "learning_rate": self.optimizer.learning_rate, **dict(zip(SUMS, before[1:], strict=True)), **fields,
        })  # fmt: skip
        flop = self._flop(len(order)) if self.n_threads is None and made[0] is not programs.training else math.inf
        try:  # from here on the state's number of steps is that of this call
            with threads.team(buffers.shape.workers, flop=flop) as state["workers"]:
                self._start(work, state, state["workers"])
        finally:  # Ctrl-C may come right after the compiled call, whose steps have been taken
            if made[0] is programs.training:
                self._count_steps()
        if state["bad_row"] != NO_ROW:
            samples.reject(state["bad_row"], self.dtype)
        if state["diverged"]:
            raise DivergenceError(state["step"])
        return Sums(before.rows + len(order), *(state[name] for name in SUMS))

    def _of_entries(
        self, scaling: tuple[np.ndarray, np.ndarray], made: tuple[Any, ...]
    ) -> tuple[tuple[np.ndarray, np.ndarray], dict[str, np.ndarray]]:
        """Return the scaling of entries, which no shift changes, and the state's further fields of sparse rows."""
        (shift, scale), buffers, trains = scaling, self.buffers, made[0] is not programs.outputs
        fields = buffers.sorting() if self._intake.sparse and trains else {}
        if self.W0 is not None:
            buffers["layers"]["W_address"][0] = address(self.W0)
        if self.W0 is not None or not self._intake.sparse:
            fields["strips"] = buffers.strips()
        if self._intake.shifted:
            fields |= buffers.offsets(-shift * scale, self.W0, self.parameters)
        return (np.zeros_like(shift), scale), fields

    def _start(self, work: str, state: Record, workers: int) -> None:
        """Run an entry point. The profiler overrides this to read a clock before and after."""
        helpers.launch(work, self.dtype, state, workers)

    def _assembled(self, made: tuple[Any, ...], rows: np.dtype | Entries) -> code.Assembled:
        """Return a program, as for `_call`, for rows of this dtype or sparse ones, compiled."""
        key = made, rows, self.buffers.shape.blocks > 1
        if key not in self._programs:
            self._programs[key] = self._assemble(*self._program(made, rows))
        return self._programs[key]

    def _program(self, made: tuple[Any, ...], rows: np.dtype | Entries) -> tuple[Program, Program | None]:
        """Return the program of a call, and that of a block of rows if its minibatches are split into blocks."""
        make, *settings = made
        whole = programs.gathering(make(self.network, *settings), rows, self.network.precision)
        return in_blocks(whole) if whole.backward and self.buffers.shape.blocks > 1 else (whole, None)

    def _assemble(self, whole: Program, block: Program | None) -> code.Assembled:
        return code.assemble(whole, block, self.dtype)
