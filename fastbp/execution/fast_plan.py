"""The plan that computes with the fast kernels: register tiles over panels, many minibatches in one compiled call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.samples import NO_SUMS, DivergenceError, Labelled, Samples, Sums
from ..kernels.engine import code
from ..kernels.entries.records import Record, address, aligned
from ..kernels.library.compiling import compiling
from ..kernels.program.entry_records import PACKING
from ..kernels.program.layout import parameter_table
from ..kernels.program.phases import Program, in_blocks
from ..kernels.program.state import NO_ROW
from ..network import Network
from . import helpers, programs, threads
from .buffers import Buffers, Shape
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
_NO_ROWS, _NO_NUMBERS = np.empty(0, np.int64), np.empty(0)


class FastPlan:
    """A plan as `plan.Plan` describes it. Parameters and optimizer state are in panels (kernels/fast/panels.py)."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Any, n_threads: int | None) -> None:
        self.network, self.dtype, self.optimizer, self.n_threads = network, dtype, optimizer, n_threads
        self.layers, n = parameter_table(network.layer_sizes, network.stack, dtype)
        self.parameters, self.none = aligned(n, dtype), np.empty(0, dtype)
        self._packing = Record(PACKING)
        self.slots: dict[str, np.ndarray] = {}
        self.steps, self.key, self.watch, self.draws = 0, 0, False, any(network.dropouts)
        self._running: tuple[int, np.ndarray] = 0, optimizer.rule.layout.new()
        self._loss = network.loss.layout().new()
        for name in network.loss.fields:
            self._loss[name] = getattr(network.loss, name)
        self._rows: RowPredictor | None = None
        self._programs: dict[Any, code.Assembled] = {}
        self.buffers = Buffers(network, dtype, n, {
            "parameters": self.parameters, "loss_numbers": address(self._loss), "l1": network.l1, "l2": network.l2,
            "l1_per_weight": network.l1_per_weight, "l2_per_weight": network.l2_per_weight,
            "factor": 1.0, "clip_value": np.inf, "clip_norm": np.inf, "bad_row": NO_ROW,
        })  # fmt: skip
        self._pace: tuple[Any, int] = None, 0  # shapes of the last calls, and how many rows they do in SLICE_SECONDS

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        self._pack("pack_parameters", self.parameters, flat)

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        self._pack("unpack_parameters", self.parameters, flat)

    def _pack(self, name: str, panels: np.ndarray, flat: np.ndarray) -> None:
        """Copy a vector of parameters into panels or back."""
        fields = {"panels": panels, "flat": flat, "layers": self.layers, "n_layers": len(self.layers)}
        code.entry(name, self.dtype)(self._packing.fill(fields))

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state."""
        slots = {name: np.zeros(self.network.n_parameters, self.dtype) for name in self.optimizer.rule.slots}
        for name, state in self.slots.items():
            self._pack("unpack_parameters", state, slots[name])
        return slots

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Set the optimizer's state; vectors are only allocated if one is not zero."""
        slots, self.slots = {name: self.network.vector(name, state, self.dtype) for name, state in slots.items()}, {}
        if any(state.any() for state in slots.values()):
            for name, state in slots.items():
                self._pack("pack_parameters", self._slot(name), state)

    def _slot(self, name: str) -> np.ndarray:
        if name not in self.slots:
            self.slots[name] = aligned(len(self.parameters), self.dtype)
        return self.slots[name]

    def snapshot(self) -> Any:
        """Return a copy of the step count and the optimizer's state."""
        return self.steps, {name: state.copy() for name, state in self.slots.items()}

    def restore(self, snapshot: Any) -> None:
        """Restore a `snapshot`."""
        self.steps, slots = snapshot
        self.slots = {}
        for name, state in slots.items():
            self._slot(name)[:] = state

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: np.ndarray | None = None
    ) -> Iterator[Sums]:
        """Train one epoch; yield the sums so far after each compiled call of about SLICE_SECONDS."""
        n, batch_size, samples = len(order), min(batch_size, len(order)), data.samples
        work = self._begin_epoch(batch_size, n)
        place, most, at = (self.buffers.shape, samples.X.shape, samples.direct and address(samples.X)), 0, 0
        sums = NO_SUMS
        rows = self._pace[1] if self._pace[0] == place else self._whole_batches(FIRST_FLOP / self._flop(1), batch_size)
        while at < n:
            end = min(n, at + rows)
            if not samples.direct:
                end = min(end, at + self._whole_batches(CONVERTED_BYTES / samples.row_bytes(self.dtype), batch_size))
            start = compiling.now()
            due = _NO_NUMBERS if rates is None else rates[at // batch_size :]
            sums = self._step_call(work, data, order[at:end], batch_size, due, sums)
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
        self._allocate(batch_size, workers, blocks, with_replicas)
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

    def predict_rows(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Fill z row by row from the parameters in `buffer`, or return False."""
        if self._rows is None or self._rows.flat is not buffer or self._rows.n_threads != self.n_threads:
            self._rows = RowPredictor(self.network, self.dtype, self.n_threads, buffer)
        return self._rows.predict(samples, z)

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """Fill `gradient` over all rows as one minibatch, without an update."""
        n = len(data.y)
        most = n * sum(self.network.layer_sizes) // len(self.parameters)  # so that their gradients do not outweigh X
        blocks = max(self._blocks(n), min(n // GRADIENT_ROWS, most))
        self._allocate(n, self._workers(n, n), blocks)
        fields = {"updates": 1, "gradients": self.buffers.gradients(), "clip_value": np.inf, "clip_norm": np.inf}
        sums = self._call("train", (programs.gradients,), data, np.arange(n), n, fields)
        self._pack("unpack_parameters", self.buffers["gradients"], gradient)
        return sums

    def _in_blocks(self, last: str, data: Labelled, out: np.ndarray) -> None:
        """Do the forward pass of all rows, block by block, with the kernel "predict" or "loss" at the end."""
        n, samples = len(out), data.samples
        block = BLOCK_ROWS  # also of fewer rows, so that calls of any number of rows use the same arrays
        workers = self._workers(n, n / 3)  # a forward pass is a third of a step
        self._allocate(block * workers, workers, workers)
        step = max(block, int(FIRST_FLOP / self._flop(1) / block) * block)
        if not samples.direct:
            step = min(step, max(1, CONVERTED_BYTES // samples.row_bytes(self.dtype)))
        for at in range(0, n, step):
            order, fields = np.arange(at, min(n, at + step)), {"predicts": last == "predict"}
            self._call("predict", (programs.outputs, last), data, order, block, fields | {"out": out[at : at + step]})

    def _flop(self, rows: float) -> float:
        """Return the floating-point operations of training on so many rows."""
        return 6 * rows * self.network.n_parameters

    def _workers(self, batch_size: int, rows: float) -> int:
        """Return how many workers have enough to do in minibatches of this size and calls of so many rows."""
        most = min(self._flop(batch_size) / WORKER_FLOP, self._flop(rows) / CALL_FLOP)
        return int(min(threads.limit(self.n_threads), max(1, most)))

    @staticmethod
    def _whole_batches(rows: float, batch_size: int) -> int:
        return max(1, int(rows / batch_size)) * batch_size

    def _blocks(self, batch_size: int) -> int:
        """Return into how many row blocks a minibatch is split: more than one only for small networks.

        It does not depend on the number of workers, so that the bits do not either.
        """
        each, most = BLOCK_PARAMETERS
        if len(self.parameters) > min(each * batch_size, most):
            return 1
        blocks = min(self._flop(batch_size) / WORKER_FLOP, batch_size / LEAST_BLOCK, MOST_BLOCKS)
        return max(1, int(blocks) // 2 * 2)

    def _allocate(self, batch_size: int, workers: int, blocks: int, with_replicas: bool = False) -> None:
        rule = self.optimizer.rule
        self.buffers.take(Shape(batch_size, workers, blocks, len(rule.slots), rule.layout.itemsize, with_replicas))

    def _step_call(
        self, work: str, data: Labelled, order: np.ndarray, batch_size: int, rates: np.ndarray, before: Sums
    ) -> Sums:
        """Take steps on the rows `order`; return the sums of theirs and of those before."""
        network, rule, shape = self.network, self.optimizer.rule, self.buffers.shape
        descends = rule.name == "sgd" and shape.blocks == 1 and network.descends_plainly
        made = programs.training, rule.name, descends, shape.workers == 1 and shape.blocks == 1
        fields = {"descends": descends, "updates": not descends, "advance": self._write_rule()}
        fields |= {"clip_value": network.clip_value, "clip_norm": network.clip_norm, "rates": rates}
        fields |= {field: self._slot(name) for field, name in zip("mv", rule.slots, strict=False)}
        if not descends:
            fields["gradients"] = self.buffers.gradients()
        try:
            return self._call(work, made, data, order, batch_size, fields, before)
        finally:  # Ctrl-C may come right after the compiled call, whose steps have been taken
            self.steps = self.buffers.state["step"]
            self._running[1].view(np.uint8)[:] = self.buffers["rule"][: rule.layout.itemsize]
            self._running = self.steps, self._running[1]

    def _write_rule(self) -> int:
        """Write the optimizer's record for the next call, with its running numbers after the steps so far.

        Return the address of the function that changes these, or 0.
        """
        rule, (steps, record) = self.optimizer.rule, self._running
        anew = record.dtype != rule.layout.dtype or steps != self.steps or not steps
        if anew:
            record = rule.layout.new()
            for name, value in rule.running:
                record[name] = value
        for name in rule.fields:
            record[name] = getattr(self.optimizer, name)
        self._running = self.steps, record
        self.buffers["rule"][: record.nbytes] = record.view(np.uint8)
        advance = code.advance(rule.name, self.dtype) if rule.advance else 0
        if anew and advance:
            self._replay(advance)
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
        if not samples.direct:
            data, samples = data.picked(order) if len(data.y) else data, samples.converted(order, self.dtype)
            order = np.arange(len(order))
        order = np.ascontiguousarray(order, np.int64)
        state, scaling = buffers.reset(self._assembled(made, samples.X.dtype)), samples.shift_and_scale()
        buffers.point_to_rows(data, samples, order, scaling)
        state.fill({
            "batch_size": batch_size, "step": self.steps, "key": self.key, "watches": self.watch,
            "learning_rate": self.optimizer.learning_rate, **dict(zip(SUMS, before[1:], strict=True)), **fields,
        })  # fmt: skip
        flop = self._flop(len(order)) if self.n_threads is None and made[0] is not programs.training else math.inf
        with threads.team(buffers.shape.workers, flop=flop) as state["workers"]:
            self._start(work, state, state["workers"])
        if state["bad_row"] != NO_ROW:
            samples.reject(state["bad_row"], self.dtype)
        if state["diverged"]:
            raise DivergenceError(state["step"])
        return Sums(before.rows + len(order), *(state[name] for name in SUMS))

    def _start(self, work: str, state: Record, workers: int) -> None:
        """Run an entry point. The profiler overrides this to read a clock before and after."""
        helpers.launch(work, self.dtype, state, workers)

    def _assembled(self, made: tuple[Any, ...], X_dtype: np.dtype) -> code.Assembled:
        """Return a program, as for `_call`, for rows of this dtype, compiled."""
        key = made, X_dtype, self.buffers.shape.blocks > 1
        if key not in self._programs:
            self._programs[key] = self._assemble(*self._program(made, X_dtype))
        return self._programs[key]

    def _program(self, made: tuple[Any, ...], X_dtype: np.dtype) -> tuple[Program, Program | None]:
        """Return the program of a call, and that of a block of rows if its minibatches are split into blocks."""
        make, *settings = made
        whole = programs.gathering(make(self.network, *settings), X_dtype)
        return in_blocks(whole) if whole.backward and self.buffers.shape.blocks > 1 else (whole, None)

    def _assemble(self, whole: Program, block: Program | None) -> code.Assembled:
        return code.assemble(whole, block, self.dtype)
