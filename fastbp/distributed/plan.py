"""The plan of a training on several ranks: each computes blocks of a minibatch, and owns a share of the parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..data.samples import CONSTANT, NO_SUMS, DivergenceError, Labelled, Rates, Sums
from ..execution import programs
from ..execution.fast_plan import FIRST_FLOP, FastPlan
from ..kernels.entries.records import aligned
from . import blocks
from .ranks import Ranks
from .rows import BadRowError, Joined, fill_up, gathered
from .sums import OrderedSum
from .update import Update, shares

SLICE_BYTES = 8_000_000  # of X that travels at once, but at least a minibatch
NO_ROW = -1.0


class _Minibatch(NamedTuple):
    """A minibatch, where its rows are among those that arrived, and the weight of each of its blocks."""

    rows: np.ndarray  # their numbers among all rows
    at: np.ndarray
    weights: list[float]


class SharedPlan(FastPlan):
    """A plan as `execution.plan.Plan` describes it. All ranks call its methods in the same order.

    The optimizer's state of the other ranks' shares is zero, and takes no memory.

    Parameters
    ----------
    home : FastPlan
        The model's plan. It has steps and optimizer's state before and after, and while callbacks run.
    ranks : Ranks
    """

    home: FastPlan
    ranks: Ranks
    starts: list[int]
    share: slice
    slots: dict[str, np.ndarray]
    steps: int
    factors: dict[str, float]

    def __init__(self, home: FastPlan, ranks: Ranks) -> None:
        self.home, self.ranks = home, ranks
        super().__init__(home.network, home.dtype, home.optimizer, ranks.threads(home.n_threads))
        self.starts = shares(len(self.parameters), ranks.size)
        self.share = slice(self.starts[ranks.rank], self.starts[ranks.rank + 1])
        self._gradients = OrderedSum(ranks, self.starts, self.dtype)
        self._update = Update(self)
        self._made = programs.training, self.optimizer.rule.name, False  # the program of a step
        self._dtype = np.dtype(np.float32)  # in which rows travel
        self.factors = {"dropping": 1.0, "decaying": 1.0}  # of the present step

    @property
    def optimizer(self) -> Any:
        """The model's optimizer, whose learning rate may be set."""
        return self.home.optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self.home.optimizer = value

    def _count_steps(self) -> None:
        """Do nothing: a step is several compiled calls here, and is counted where the update is made."""

    # ---- the optimizer's state: a share here, whole in `home` --------------------------------------------------------

    def take_over(self) -> None:
        """Take steps and this rank's share of the optimizer's state from rank 0's `home`, which gives up the state."""
        comm, home = self.ranks.comm, self.home
        self.steps, names = comm.bcast((home.steps, [*home.slots]))
        self.slots = {}
        for name in names:
            whole = home.slots.get(name) if self.ranks.rank == 0 else None
            whole = aligned(len(self.parameters), self.dtype) if whole is None else whole
            comm.Bcast(whole)
            self._slot(name)[self.share] = whole[self.share]
        home.slots = {}

    def give_back(self) -> None:
        """Give `home` of every rank the steps and the whole of the optimizer's state."""
        self.home.steps, self.home.slots = self.steps, {}
        for name, mine in self.slots.items():
            whole = self.home._slot(name)
            whole[self.share] = mine[self.share]
            self.all_gather(whole)

    def all_gather(self, whole: np.ndarray, starts: list[int] | None = None) -> None:
        """Fill a vector as long as the parameters, of which each rank has its share."""
        fill_up(self.ranks, whole, self.starts if starts is None else starts)

    def get_slots(self, last: bool = False) -> dict[str, np.ndarray]:
        """Return copies of the whole of the optimizer's state."""
        self.give_back()
        try:
            return self.home.get_slots(last)
        finally:
            self.home.slots = {}

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Set the optimizer's state, of which this rank keeps its share."""
        self.home.set_slots(slots)
        self.slots = {}
        for name, whole in self.home.slots.items():
            self._slot(name)[self.share] = whole[self.share]
        self.home.slots = {}

    def snapshot(self, over: Any = None) -> Any:
        """Return a copy of the step count and this rank's share of the optimizer's state."""
        return self.steps, {name: state[self.share].copy() for name, state in self.slots.items()}

    def restore(self, snapshot: Any) -> None:
        """Restore a `snapshot`."""
        self.steps, slots = snapshot
        self.slots = {}
        for name, state in slots.items():
            self._slot(name)[self.share] = state

    def state_is_finite(self) -> bool:
        """Return whether all of the optimizer's state is finite."""
        with np.errstate(all="ignore"):
            fine = all(np.isfinite(state[self.share]).all() for state in self.slots.values())
            if not self.ranks.any(not fine):
                return True
            return all(np.isfinite(state).all() for state in self.get_slots().values())  # without what fills up panels

    # ---- passes over rows --------------------------------------------------------------------------------------------

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: Rates = CONSTANT,
        sums: Sums = NO_SUMS,
    ) -> Iterator[Sums]:  # fmt: skip
        """Train one epoch, or the rest of one; yield the sums so far after the rows that travel at once."""
        assert isinstance(data, Joined)
        n, batch_size = len(order), min(batch_size, len(order))
        self._intake = programs.Intake(data.own.samples, self.network)
        most = max(np.diff(blocks.bounds(size)).max() for size in {batch_size, n % batch_size or batch_size})
        self._allocate(int(most), self._workers(int(most), int(most)), 1)
        self._dtype = data.dtype
        row_bytes = max(1, data.own.samples.X.shape[1] * data.dtype.itemsize)
        some = min(SLICE_BYTES / row_bytes, FIRST_FLOP / (6 * self.network.n_parameters))
        step = self._whole_batches(some, batch_size)
        for at in range(sums.rows, n, step):
            arrived, minibatches = self._fetched(data, order[at : min(n, at + step)], batch_size)
            for number, minibatch in enumerate(minibatches, at // batch_size):
                rate, dropping, decaying = rates.now(number, self.optimizer.learning_rate)
                self.factors = {"dropping": dropping, "decaying": decaying}
                sums = self._step(data, arrived, minibatch, rate, sums)
            yield sums

    def _fetched(self, data: Joined, rows: np.ndarray, batch_size: int) -> tuple[Labelled, list[_Minibatch]]:
        """Have the rows of some minibatches travel to the ranks that compute them."""
        ends = [*range(batch_size, len(rows), batch_size), len(rows)]
        parts = [(end - (end - 1) % batch_size - 1, end) for end in ends]
        computing = np.concatenate([blocks.computing(end - first, self.ranks.size) for first, end in parts])
        arrived, at = data.fetch(rows, computing)
        weights = self._block_weights(arrived, [at[first:end] for first, end in parts])
        return arrived, [
            _Minibatch(rows[first:end], at[first:end], each) for (first, end), each in zip(parts, weights, strict=True)
        ]

    def _block_weights(self, arrived: Labelled, places: list[np.ndarray]) -> list[list[float]]:
        """Return the sum of the rows' weights in each block of some minibatches."""
        bounds, w = [blocks.bounds(len(at)) for at in places], arrived.weights
        if w is None:
            return [np.diff(each).astype(float).tolist() for each in bounds]
        mine = {
            (number, block): float(w[at[each[block] : each[block + 1]]].sum(dtype=np.float64))
            for number, (at, each) in enumerate(zip(places, bounds, strict=True))
            for block in self._blocks_of(len(each) - 1)
        }
        found: dict[tuple[int, int], float] = {}
        for one in self.ranks.comm.allgather(mine):
            found |= one
        return [[found[number, block] for block in range(len(each) - 1)] for number, each in enumerate(bounds)]

    def _blocks_of(self, count: int) -> range:
        return blocks.share(count, self.ranks.rank, self.ranks.size)

    def _step(self, data: Joined, arrived: Labelled, minibatch: _Minibatch, rate: float, before: Sums) -> Sums:
        """Take the step of a minibatch; return the sums of its rows and of those before."""
        count, weight = len(minibatch.weights), sum(minibatch.weights)
        inverse = 1.0 / weight if weight else 0.0
        factors = [each * inverse for each in minibatch.weights]
        even = len(set(factors)) == 1
        told = np.zeros((count, 3))
        told[:, 2] = NO_ROW
        for block in self._blocks_of(count):
            gradient = self._gradients.room()
            told[block] = self._computed(arrived, minibatch, block, gradient)
            if not even:
                np.multiply(gradient, self.dtype.type(factors[block]), out=gradient)
            self._gradients.add(block, gradient)
        gradient = self._gradients.total(count)
        if even and factors[0] != 1.0:
            gradient[self.share] *= self.dtype.type(factors[0])
        told = self._told(told)
        self._require_good_rows(data, told[:, 2])
        error, correct = sum(told[:, 0].tolist()), sum(told[:, 1].tolist())
        if not math.isfinite(error):
            self.steps += 1  # it counts, although its update is not made
            raise self.ranks.all_raise(DivergenceError(self.steps))
        rows, penalty = len(minibatch.rows), self._update.step(gradient, rate, inverse)
        return before.plus(
            Sums(rows, error * inverse * rows, penalty * rows, error, weight if data.weighs else 0.0, correct)
        )

    def _computed(
        self, arrived: Labelled, minibatch: _Minibatch, block: int, gradient: np.ndarray
    ) -> tuple[float, float, float]:
        """Fill a block's gradient; return its sums of w e, and of w where rows are right, and a bad row or NO_ROW."""
        first, last = blocks.bounds(len(minibatch.rows))[block : block + 2]
        fields = {
            "descends": False, "updates": False, "watches": False, "gradients": gradient, "row": first,
            "clip_value": np.inf, "clip_norm": np.inf, **self.factors,
        }  # fmt: skip
        here = minibatch.at[first:last]
        try:
            sums = self._call("train", self._made, arrived, here, last - first, fields)
        except BadRowError as bad:
            row = minibatch.rows[first:last][np.flatnonzero(here == bad.row)[0]]
            return 0.0, 0.0, float(row)
        return sums.weighted_error, sums.correct, NO_ROW

    @property
    def program(self) -> Any:
        """The program of a step, compiled."""
        return self._assembled(self._made, self._dtype)

    def _told(self, told: np.ndarray) -> np.ndarray:
        """Return what all ranks tell of their blocks."""
        size = self.ranks.size
        own = self._blocks_of(len(told))
        starts = np.array([*(blocks.share(len(told), rank, size).start for rank in range(size)), len(told)])
        return gathered(self.ranks, told[own.start : own.stop], starts)

    def _require_good_rows(self, data: Joined, bad: np.ndarray) -> None:
        """Raise ValueError on every rank if rows are not finite: it names the first, and the rank that handed it."""
        if (bad == NO_ROW).all():
            return
        row = int(bad[bad != NO_ROW].min())
        with self.ranks.together():
            number = row - int(data.starts[self.ranks.rank])
            if 0 <= number < len(data.own.y):
                data.own.samples.reject(number, self.dtype)

    def evaluate(self, data: Labelled) -> tuple[float, float]:
        """Return the weighted mean of the errors, and the accuracy, of the rows of all ranks."""
        assert isinstance(data, Joined)
        out = np.empty((len(data.own.y), 2), self.dtype)
        with self.ranks.together():
            if len(out):
                self._in_blocks("loss", data.own, out)
        if data.own.weights is not None:
            out[:, 1] *= data.own.weights
        loss, correct = gathered(self.ranks, out, data.starts).sum(axis=0, dtype=np.float64)
        total = data.total()
        return float(loss / total), float(correct / total)
