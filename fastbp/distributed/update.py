"""The optimizer's step on a rank's share of the parameters, which all ranks then gather (ZeRO, stage 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.engine import code
from ..kernels.library.calls import entry_point
from ..kernels.program.state import CHUNK, lanes_of

if TYPE_CHECKING:
    from .plan import SharedPlan

TASKS = 4  # of an update, for each rank: splitting.update_tasks of the kernels


def _tasks(n: int, ranks: int) -> int:
    """Return into how many tasks an update of n parameters is split where so many workers share it."""
    return 1 if ranks == 1 else min(TASKS * ranks, -(-n // CHUNK))


def own_tasks(n: int, rank: int, ranks: int) -> range:
    """Return the numbers of the tasks that a rank does."""
    tasks = _tasks(n, ranks)
    return range(tasks * rank // ranks, tasks * (rank + 1) // ranks)


def shares(n: int, ranks: int) -> list[int]:
    """Return where each rank's share of n parameters begins, in whole chunks, and where the last ends."""
    chunks, tasks = -(-n // CHUNK), _tasks(n, ranks)
    return [min(n, chunks * (tasks * rank // ranks) // tasks * CHUNK) for rank in range(ranks + 1)]


class Update:
    """Takes the steps of a plan, with the kernels of its program's update phases.

    Parameters
    ----------
    plan : SharedPlan
    """

    plan: SharedPlan

    def __init__(self, plan: SharedPlan) -> None:
        self.plan, self._runs = plan, dict[int, list[Any]]()
        ranks, network, n = plan.ranks, plan.network, len(plan.parameters)
        self._own = own_tasks(n, ranks.rank, ranks.size)
        L = lanes_of(plan.dtype)
        self._chunks = [-(-start // CHUNK) * L for start in plan.starts]
        self._limits_norm = network.clip_norm < math.inf
        strengths = network.l1, network.l2, network.l1_per_weight, network.l2_per_weight
        self._penalized = sum(strengths) > 0

    def step(self, gradient: np.ndarray, rate: float, inverse_weight: float) -> float:
        """Take a step by a gradient, of which this rank's share is there; return the penalty before it."""
        plan, rule, network = self.plan, self.plan.optimizer.rule, self.plan.network
        state, advance = plan.buffers.reset(plan.program), plan._write_rule()
        slots = {field: plan._slot(name) for field, name in zip("mv", rule.slots, strict=False)}
        state.fill({
            "step": plan.steps, "workers": plan.ranks.size, "blocks": 1, "gradients": gradient, "factor": 1.0,
            "learning_rate": rate, "inverse_weight": inverse_weight, "advance": advance, **slots,
            "clip_value": network.clip_value, "clip_norm": network.clip_norm, **plan.factors,
        })  # fmt: skip
        if advance:
            code.entry("replay", plan.dtype)(state.fill({"begin": plan.steps, "end": plan.steps + 1}))
        state["step"] = plan.steps = plan.steps + 1
        last, penalty = state["end_phases"] - 1, 0.0
        if self._limits_norm:
            self._run(last - 1)
            state.fill({"factor": self._factor(gradient), "ready": 1})
        self._run(last)
        if self._penalized:
            penalty = self._summed(0)
        plan._running[1].view(np.uint8)[:] = plan.buffers["rule"][: rule.layout.itemsize]
        plan._running = plan.steps, plan._running[1]
        plan.all_gather(plan.parameters)
        plan._round()
        return penalty

    def _run(self, phase: int) -> None:
        """Do this rank's tasks of an update phase."""
        if phase not in self._runs:
            address = code.address("run_task", self.plan.dtype)
            self._runs[phase] = [entry_point(address, phase, task, 0) for task in self._own]
        for run in self._runs[phase]:
            run(self.plan.buffers.state)

    def _factor(self, gradient: np.ndarray) -> float:
        """Return the factor of a gradient, whose share is there, that limits its norm to the one allowed."""
        norm, most = math.sqrt(self._summed(1)), self.plan.network.clip_norm
        if not math.isinf(norm):
            return most / norm if norm > most else 1.0
        self.plan.all_gather(gradient)  # its squares are beyond the dtype
        with np.errstate(all="ignore"):
            largest = np.abs(gradient).max().astype(np.float64)
            return float(most / largest / np.sqrt(np.square(gradient / largest).sum()))

    def _summed(self, which: int) -> float:
        """Return the sum over all chunks of the penalties (0), or of the squares of the gradient (1)."""
        sums = self.plan.buffers["sums"]
        half = len(sums) // 2
        part = sums[which * half : which * half + half]
        self.plan.all_gather(part, self._chunks)
        return float(part.sum(dtype=np.float64))
