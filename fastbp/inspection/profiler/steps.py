"""Training steps with a clock around each kernel: `profile`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba.core import event

from ...data import checks, members
from ...data.labelled import labelled
from ...data.samples import Labelled
from ...exchange.estimators import taken
from ...execution import threads
from ...kernels.compiler import jit
from ...kernels.machine import clock
from ...training.shuffling import shuffle
from .clocked_plan import ClockedPlan
from .costs import Cost, Step, cost
from .peaks import Machine, measure
from .result import Compiling, KernelTimes, Profile, StepTimes
from .shares import Share
from .vectorized import counts

SLICE_SECONDS = 0.05  # of steps with clocks, then of as many without, so that both meet the same machine
WARM_STEPS = 3


def profile(
    model: Any, X: Any, y: Any, *, batch_size: int | None = None, steps: int | None = None, seconds: float = 1.0
) -> Profile:
    """Take training steps with a clock around each kernel, and compare each with what this machine can do.

    The steps are those that `Model.fit` takes, of the same compiled code, on a copy: the model stays as it is.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        A Model with kernels "fast"; estimators of scikit-learn or of fastbp.sklearn, fitted or not. Estimators are
        profiled as the Model that `Model.from_sklearn` makes of them.
    X, y
        As for `Model.fit`, or for the estimator's; all rows are one minibatch where they are fewer than batch_size.
    batch_size : int, optional
        Rows a step, by default 128, or those of an estimator.
    steps : int, optional
        With clocks; as many are taken without.
    seconds : float
        How long to go on with clocks where no number of steps is given.

    Returns
    -------
    Profile
        Times of each kernel, which `print` shows as a table.

    Raises
    ------
    ValueError, TypeError
        For bad input.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X, y = np.zeros((640, 784), np.float32), np.zeros(640, int)
    >>> model = fastbp.Model([784, 128, 10], seed=0)
    >>> print(fastbp.profile(model, X, y, batch_size=64))  # doctest: +SKIP
    """
    model, X, y, usual = taken(model, X, y)
    batch_size = usual or 128 if batch_size is None else checks.whole_number("batch_size", batch_size, 1)
    steps = None if steps is None else checks.whole_number("steps", steps, 1)
    seconds = checks.above_zero("seconds", seconds)
    if model.kernels != "fast":
        raise ValueError(f"model must compute with kernels 'fast' to be profiled, got {model.kernels!r}")
    members.refuse(model.network, "a profile")
    jit.check_compiler()
    if not clock.KNOWN:
        raise ValueError("profiling needs a clock that is known for x86-64 and aarch64 only")
    data, n_threads = labelled(model, X, y), threads.limit(model.n_threads)
    batch_size = min(batch_size, len(data.y))
    hits, compiling = jit.cache_hits(), event.TimingListener()
    with event.install_listener("numba:compile", compiling):
        plan = ClockedPlan(model.network, model.dtype, model.optimizer, model.n_threads)
        state = model.get_state()
        before = measure(n_threads, model.dtype, model.network.precision)
        _alternate(plan, state, data, batch_size, steps, seconds)
        machine = before.best(measure(n_threads, model.dtype, model.network.precision))
        kernels, slices = _kernels(plan, batch_size, machine)
    compiled = Compiling(compiling.duration if compiling.done else 0.0, jit.cache_hits() - hits)
    return Profile(machine, kernels, _step_times(plan, kernels), compiled, slices)


def _alternate(
    plan: ClockedPlan, state: dict[str, Any], data: Labelled, batch_size: int, steps: int | None, seconds: float
) -> None:
    """Take steps with clocks and without in turns, each time from where the model stands."""
    batches = _whole_batches(len(data.y), batch_size)

    def take(count: int, clocks: bool) -> None:
        plan.load(state["parameters"])
        plan.set_slots(state["optimizer"])
        plan.steps, plan.clocks = state["steps"], clocks
        for _ in plan.train_epoch(data, np.concatenate([next(batches) for _ in range(count)]), batch_size):
            pass

    most = len(data.y) // batch_size
    for clocks in (False, True, False, True):  # the first compiles, and tells how much is written in a step
        plan.reset()
        take(min(most, WARM_STEPS), clocks)
    rate, turn = plan.steps_done[True] / plan.seconds[True], False
    plan.reset()
    while plan.steps_done[True] < steps if steps else plan.seconds[True] < seconds:
        count = max(1, int(SLICE_SECONDS * rate))
        count = min(count, steps - plan.steps_done[True]) if steps else count
        for clocks in (turn, not turn):
            take(count, clocks)
        rate, turn = plan.steps_done[True] / plan.seconds[True], not turn


def _whole_batches(rows: int, batch_size: int) -> Iterator[np.ndarray]:
    """Yield minibatches of shuffled rows without end; what is left of an order of all rows is not taken."""
    order, random = np.arange(rows), np.random.default_rng(0)
    while True:
        shuffle(order, int(random.integers(2**63)))
        yield from (order[at : at + batch_size].copy() for at in range(0, rows - batch_size + 1, batch_size))


def _kernels(plan: ClockedPlan, batch_size: int, machine: Machine) -> tuple[list[KernelTimes], np.ndarray]:
    """Return what each kernel took, the longest first, and the last records with their numbers in that list."""
    shape, steps = plan.buffers.shape, plan.steps_done[True]
    copies = shape.workers if shape.replicas else 1
    step = Step(plan.network, batch_size, plan.dtype, shape.blocks, plan.descends, copies, plan.entries)
    each = {key: cost(*key, step) for key in plan.shares}
    costs: dict[tuple[str, int | None], Cost] = {}
    taken: dict[tuple[str, int | None], Share] = {}
    for key, share in plan.shares.items():
        row = each[key].name, each[key].layer
        costs[row] = costs[row].plus(each[key]) if row in costs else each[key]
        taken[row] = taken.get(row, Share()).plus(share)
    ordered = sorted(taken, key=lambda row: -taken[row].time)
    rows = [
        KernelTimes.of(costs[row], taken[row], plan.ticks_a_second, steps, machine, counts(row[0], plan.dtype))
        for row in ordered
    ]
    numbers = {key: ordered.index((known.name, known.layer)) for key, known in each.items()}
    which = [numbers[plan.kernels[number]] for number in plan.records[:, 1].astype(int).tolist()]
    return rows, np.column_stack([plan.records[:, 0], which, plan.records[:, 2:]])


def _step_times(plan: ClockedPlan, kernels: list[KernelTimes]) -> StepTimes:
    count, of_kernels = plan.steps_done[True], sum(kernel.seconds for kernel in kernels)
    seconds = plan.seconds[True]
    return StepTimes(
        count, seconds / count, of_kernels / count, (seconds - of_kernels) / count,
        plan.seconds[False] / plan.steps_done[False],
    )  # fmt: skip
