"""The network computed with the fast kernels: register tiles over panels, many minibatches a call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import threads
from .arrays import Arrays, Shape
from .kernels import build, parameters, replica, row, train, workspace
from .kernels.workspace import aligned
from .network import Network
from .optim import Optimizer
from .samples import NO_SUMS, Diverged, Labelled, Samples, Sums

WORKER_FLOP = 1_300_000  # of a minibatch step for each worker: below, waiting for one another costs more
CALL_FLOP = 20_000_000  # of a call for each worker, some 0.2 ms: below, waking one costs more
SLICE_SECONDS = 0.05  # of a compiled call, after which Python is heard
FIRST_FLOP = 4e9  # of a call whose speed is not known yet
BLOCK_ROWS = 64  # rows carried through all layers at once outside training: they stay in a core's cache
BLOCK_PARAMETERS = 192, 65_536  # a row, and in all: up to so many, a minibatch is split by rows (kernels/block.py)
LEAST_BLOCK, MOST_BLOCKS = 32, 4  # rows of a block, and blocks: each writes and reads all of dE/dW
GRADIENT_ROWS = 512  # of a block where all rows are one minibatch: they stay in a core's cache
FEW_ROWS = 4  # of which each reads the parameters where they are, rather than packing them
ROW_WEIGHTS = 100_000  # of a layer, from which one row of it is split among threads
CONVERTED_BYTES = 4_000_000  # of an X that only numpy can read, at a time
_NO_ROWS, _NO_RATES = np.empty(0, np.intp), np.empty(0)


class FastPlan:
    """See `plan.Plan`. Parameters and the optimizer's state stand in panels (kernels/tile.py)."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Optimizer, n_threads: int | None) -> None:
        self.network, self.dtype, self.optimizer, self.n_threads = network, dtype, optimizer, n_threads
        self.layers, n, _ = workspace.layout(network.layer_sizes, 1, dtype, network.layer_norms)
        self.P, self.none = aligned(n, dtype), np.empty(0, dtype)
        self.slots: dict[str, np.ndarray] = {}
        self.steps, self.key, self.watch, self._rates = 0, 0, False, _NO_RATES
        self.draws = any(network.dropouts)
        self._dropout = np.array(network.dropouts if any(network.dropouts) else [])
        self._sizes = np.array(network.layer_sizes)
        shapes = np.array(network.shapes)
        self._one_task = np.ones(len(shapes), np.intp)
        self._row_tasks = np.where(shapes.prod(axis=1) > ROW_WEIGHTS, threads.count(n_threads), 1)
        self._row_scratch = 2 * (max(network.layer_sizes) + row.ROOM)
        self._row_arrays: list[tuple[np.ndarray, np.ndarray]] = []
        self._row_pays = bool((self._row_tasks > 1).any())
        self._row_can = network.of_classes and set(network.activations) <= {"relu", "identity"}
        self._row_can &= "identity" not in network.activations[:-1] and not any(network.layer_norms)
        self._arrays = Arrays(network, dtype, n)
        self._pace: tuple[Any, int] = None, 0  # on which arrays and rows how many rows took a slice's time

    # ---- parameters and state, in and out of panels

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        parameters.pack(self.P, flat, self.layers)

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        parameters.unpack(flat, self.P, self.layers)

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state."""
        n = self.network.n_parameters
        slots = {name: np.zeros(n, self.dtype) for name in self.optimizer.slots}
        for name, state in self.slots.items():
            parameters.unpack(slots[name], state, self.layers)
        return slots

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Take over the optimizer's state; what is all zeros needs no memory yet."""
        self.slots = {}
        if any(state.any() for state in slots.values()):
            for name, state in slots.items():
                parameters.pack(self._slot(name), state, self.layers)

    def _slot(self, name: str) -> np.ndarray:
        if name not in self.optimizer.slots:
            return self.none
        if name not in self.slots:
            self.slots[name] = aligned(len(self.P), self.dtype)
        return self.slots[name]

    # ---- passes

    def snapshot(self) -> Any:
        """Return what `restore` needs."""
        return self.steps, {name: state.copy() for name, state in self.slots.items()}

    def restore(self, snapshot: Any) -> None:
        """Take back the optimizer's state."""
        self.steps, slots = snapshot
        self.slots = {}
        for name, state in slots.items():
            self._slot(name)[:] = state

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: np.ndarray | None = None
    ) -> Iterator[Sums]:
        """Yield after each slice of some 50 ms."""
        n, batch_size, samples = len(order), min(batch_size, len(order)), data.samples
        blocks = self._blocks(batch_size)
        plain = self.optimizer.kernel == "sgd" and blocks == 1 and self.network.descends_plainly
        mode = workspace.DESCEND if plain else workspace.UPDATE
        workers = self._workers(batch_size, n)
        replicas = blocks > 1 and workers > 1 and self.network.clip_norm == np.inf  # that takes all of dE/dW together
        work = replica.train_replicas if replicas else train.train
        self._allocate(batch_size, workers, blocks, replicas)
        place, most, at = (self._arrays.shape, samples.X.shape, samples.direct and samples.X.ctypes.data), 0, 0
        sums = NO_SUMS
        rows = self._pace[1] if self._pace[0] == place else self._whole_batches(FIRST_FLOP / self._flop(1), batch_size)
        while at < n:
            end = min(n, at + rows)
            if not samples.direct:
                end = min(end, at + self._whole_batches(CONVERTED_BYTES / samples.row_bytes(self.dtype), batch_size))
            start = time.perf_counter()
            self._rates = _NO_RATES if rates is None else rates[at // batch_size :]
            sums = self._call(work, mode, data, order[at:end], batch_size, self.optimizer.kernel, before=sums)
            seconds = time.perf_counter() - start
            yield sums
            rows = self._whole_batches((end - at) * SLICE_SECONDS / seconds, batch_size)
            if end - at > most:  # the longest call tells best what the next epoch can do in one
                self._pace, most = (place, rows), end - at
            at = end

    def evaluate(self, data: Labelled) -> tuple[float, int]:
        """Block after block."""
        out = np.empty((len(data.y), 2), self.dtype)
        self._rows(workspace.EVALUATE, data, out)
        loss, right = out.sum(axis=0, dtype=np.float64)
        total = len(data.y) if data.weights is None else data.weights.sum(dtype=np.float64)
        return float(loss / total), int(right)

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Block after block."""
        self._rows(workspace.PREDICT, Labelled(samples, np.empty(0, np.intp)), z)

    def predict_rows(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Row after row, straight from the parameters."""
        if len(z) > FEW_ROWS or not self._row_can:
            return False
        X = samples.few(self.dtype)
        try:
            h, now = self._row_arrays.pop()
        except IndexError:  # so many threads were never here at once
            h, now = aligned(self._row_scratch, self.dtype), aligned(workspace.WORDS, np.intp)
        wanted = threads.limit(self.n_threads) if self._row_pays else 1
        with threads.crew(wanted, masked=self.n_threads is None) as workers:
            predict_row = row.predict_row.parallel if workers > 1 else row.predict_row.serial
            tasks = self._row_tasks if workers > 1 else self._one_task
            for x, out in zip(X, z, strict=True):
                if not predict_row(out, x, buffer, self._sizes, h, tasks, now, workers):
                    samples.gather(np.empty_like(X), slice(None))
        self._row_arrays.append((h, now))
        return True

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """All rows as one minibatch that ends without an update."""
        n = len(data.y)
        most = n * sum(self.network.layer_sizes) // len(self.P)  # each has a gradient of its own: less than all h take
        blocks = max(self._blocks(n), min(n // GRADIENT_ROWS, most))
        self._allocate(n, self._workers(n, n), blocks)
        sums = self._call(train.train, workspace.UPDATE, data, np.arange(n), n, "gradient")
        parameters.unpack(gradient, self._arrays["G"], self.layers)
        return sums

    def _rows(self, mode: int, data: Labelled, out: np.ndarray) -> None:
        n, samples = len(out), data.samples
        block = min(BLOCK_ROWS, n)
        workers = self._workers(n, n / 3)  # there is no way back
        self._allocate(block * workers, workers, workers)
        step = max(block, int(FIRST_FLOP / self._flop(1) / block) * block)
        if not samples.direct:
            step = min(step, max(1, CONVERTED_BYTES // samples.row_bytes(self.dtype)))
        for at in range(0, n, step):
            order = np.arange(at, min(n, at + step))
            self._call(train.predict, mode, data, order, block, "", out[at : at + step])

    # ---- a compiled call

    def _flop(self, rows: float) -> float:
        return 6 * rows * self.network.n_parameters

    def _workers(self, batch_size: int, rows: float) -> int:
        """Workers that have enough to do in minibatches of this size, and of so many rows trained on in a call."""
        most = min(self._flop(batch_size) / WORKER_FLOP, self._flop(rows) / CALL_FLOP)
        return int(min(threads.count(self.n_threads), max(1, most)))

    @staticmethod
    def _whole_batches(rows: float, batch_size: int) -> int:
        return max(1, int(rows / batch_size)) * batch_size

    def _blocks(self, batch_size: int) -> int:
        """Into how many blocks of rows a minibatch is split: more than one for small networks only.

        However many workers there are: the bits are to be the same.
        """
        each, most = BLOCK_PARAMETERS
        if len(self.P) > min(each * batch_size, most):
            return 1
        blocks = min(self._flop(batch_size) / WORKER_FLOP, batch_size / LEAST_BLOCK, MOST_BLOCKS)
        return max(1, int(blocks) // 2 * 2)

    def _allocate(self, batch_size: int, workers: int, blocks: int, replicas: bool = False) -> None:
        slots = len({"m", "v"} & set(self.optimizer.slots))
        self._arrays.take(Shape(batch_size, workers, blocks, slots, replicas))

    def _call(
        self, work: Any, mode: int, data: Labelled, order: np.ndarray, batch_size: int, optimizer: str,
        out: np.ndarray | None = None, before: Sums = NO_SUMS,
    ) -> Sums:  # fmt: skip
        """Run compiled code over the rows `order`; return what it adds to the sums of those before."""
        arrays, now, samples = self._arrays, self._arrays["now"], data.samples
        if not samples.direct:
            data, samples = data.picked(order) if len(data.y) else data, samples.converted(order, self.dtype)
            order = np.arange(len(order))
        training = mode == workspace.UPDATE
        shift, scale = samples.shift_and_scale()
        stateful = training and optimizer == self.optimizer.kernel
        stepping = stateful or mode == workspace.DESCEND
        if data.weights is None:
            arrays["w"][:] = 1
        totals, settings = arrays["totals"], arrays["settings"]
        totals[workspace.FACTOR :: workspace.TOTALS] = 1
        totals[[workspace.ERROR, workspace.HITS, workspace.PENALTY]] = before[1:]
        settings[: workspace.SETTINGS] = self._settings(stateful)
        ws = workspace.Workspace(
            layers=arrays["layers"], now=now, P=self.P, G=arrays.gradient() if training else self.none,
            m=self._slot("m") if stateful else self.none, v=self._slot("v") if stateful else self.none,
            A=arrays["A"], S=arrays["S"], R=arrays["R"], sums=arrays["sums"], e=arrays["e"], right=arrays["right"],
            labels=arrays["labels"], targets=arrays["targets"], w=arrays["w"],
            order=np.ascontiguousarray(order, np.intp),
            y=data.y if self.network.of_classes else _NO_ROWS,
            Y=self.none if self.network.of_classes or not len(data.y) else data.y.ravel(),
            weights=self.none if data.weights is None else data.weights,
            shift=shift, scale=scale, settings=settings, rates=self._rates,
            dropout=self._dropout if stepping else _NO_RATES, totals=totals,
        )  # fmt: skip
        now[workspace.BATCH_SIZE], now[workspace.MODE], now[workspace.STEP] = batch_size, mode, self.steps
        now[workspace.X_ADDRESS], now[workspace.X_ROWS] = samples.X.ctypes.data, len(samples.X)
        now[workspace.X_ROW_BYTES] = samples.X.strides[0] if len(samples.X) else 0
        now[workspace.BAD_ROW], now[workspace.KEY] = 0, self.key
        now[workspace.WATCH], now[workspace.DIVERGED] = self.watch, 0
        flat_out = self.none if out is None else out.reshape(-1)
        try:
            with threads.crew(arrays.shape.workers) as now[workspace.WORKERS]:
                self._run(work, ws, samples.X.dtype, self.network.loss, optimizer, flat_out, 0, len(order))
        finally:  # Ctrl-C is heard between the compiled call and the next line: its steps are taken all the same
            if stepping:
                self.steps = int(now[workspace.STEP])
        if now[workspace.BAD_ROW]:
            samples.reject(int(now[workspace.BAD_ROW]) - 1, self.dtype)
        if now[workspace.DIVERGED]:
            raise Diverged(self.steps)
        return Sums(before.rows + len(order), float(totals[0]), int(totals[1]), float(totals[2]))

    def _run(self, *arguments: Any) -> None:
        """In a place of its own: the profiler runs it between two readings of a clock."""
        build.run(*arguments)

    def _settings(self, clipped: bool) -> np.ndarray:
        settings, numbers, network = np.zeros(workspace.SETTINGS), self.optimizer.numbers, self.network
        settings[: len(numbers)] = numbers
        settings[workspace.L1], settings[workspace.L2] = network.l1, network.l2
        settings[workspace.L1_SHARE] = network.l1_share
        settings[workspace.ALPHA], settings[workspace.NUMBER] = network.alpha, network.number
        settings[workspace.SMOOTHING] = network.label_smoothing
        settings[workspace.CLIP_VALUE] = network.clip_value if clipped else np.inf
        settings[workspace.CLIP_NORM] = network.clip_norm if clipped else np.inf
        return settings
