"""Plain loops: launches on Numba's threads, without the cases in which its layers end the process; which are whose.

Here are an optimizer's steps by plain loops, too.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from itertools import repeat
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numba.core import config

from ..kernels.compiler.jit import PlainLoop
from ..kernels.compiler.signals import held
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.entries.optimizer import Optimizer
from ..kernels.specification import paper, pointwise, products
from . import threads

_ADVICE = {
    "workqueue": "under this layer a call of plain loops on one thread keeps all others serial: install an OpenMP "
    "runtime (Debian and Ubuntu: apt install libgomp1; macOS: brew install libomp)",
}
_SPINS = {
    "GOMP_SPINCOUNT": "20000"
}  # turns, less than a millisecond; the default of 300,000 occupies a core for several
_started = False
_layer: str | None = None  # which never changes once a layer runs
_one_launch = threading.Lock()  # the workqueue layer aborts the process if two threads launch at once
_forked_from_openmp = False  # GNU OpenMP aborts a child that runs in parallel after its parent did


def _after_fork() -> None:
    global _forked_from_openmp, _one_launch
    _one_launch = threading.Lock()
    _forked_from_openmp = layer() == "omp"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def layer() -> str | None:
    """Return the threading layer in use: "omp", "tbb", "workqueue", or None before the first parallel launch."""
    global _layer
    if _layer is None:
        with contextlib.suppress(ValueError):
            _layer = numba.threading_layer()
    return _layer


def _start() -> int:
    """Return how many threads Numba uses, and start them, with less spinning after each launch than by default.

    GNU OpenMP reads from the environment, when it is loaded, how long its threads spin before they sleep. Settings of
    the user are respected.
    """
    global _started
    if _started:
        return numba.get_num_threads()
    ours = {} if {"OMP_WAIT_POLICY", *_SPINS} & os.environ.keys() else _SPINS
    os.environ.update(ours)
    try:
        return held(numba.get_num_threads)
    finally:
        _started = True
        for name in ours:
            del os.environ[name]


def launch(loop: PlainLoop, *args: Any, n_threads: int | None = None) -> Any:
    """Run a plain loop on at most `n_threads` threads; return its result."""
    n = threads.limit(n_threads)
    if n == 1 or _forked_from_openmp:
        return loop.serial(*args)
    before = _start()
    locked = layer() not in ("omp", "tbb") and _one_launch.acquire(blocking=False)
    if not locked and layer() not in ("omp", "tbb"):
        return loop.serial(*args)
    try:
        numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))  # which a file of settings may limit, too
        return loop.parallel(*args)
    finally:
        numba.set_num_threads(before)
        if locked:
            _one_launch.release()


def simd_bits() -> int:
    """Return the width in bits of the vectors that Numba's code uses on this CPU."""
    from ..kernels.machine.registers import FEATURES

    if "+avx512f" in FEATURES:
        return 512
    return 256 if "+avx" in FEATURES else 128


def describe() -> dict[str, Any]:
    """Return the threading layer or None, and advice or None."""
    try:
        _start()  # loads the layer
    except (ValueError, ImportError) as error:  # the one that NUMBA_THREADING_LAYER names is not installed
        why = " ".join(str(error).split())
        return {"layer": None, "advice": f"{why} (NUMBA_THREADING_LAYER={config.THREADING_LAYER})"}
    return {"layer": layer(), "advice": _ADVICE.get(layer() or "")}


# ---- which loops -----------------------------------------------------------------------------------------------------

OUTPUTS = {
    "softmax": paper.softmax,
    "logistic": pointwise.ACTIVATION_LOOPS["logistic"],
    "identity": pointwise.ACTIVATION_LOOPS["identity"],
    "exp": products.exponential,
}


class RunningNumbers:
    """What an optimizer changes once in each step, such as powers of its coefficients."""

    def __init__(self) -> None:
        self._at: tuple[int, dict[str, float]] = 0, {}

    def after(self, steps: int, optimizer: Optimizer) -> dict[str, float]:
        """Return the running numbers by name as they are in the step of this number."""
        rule = optimizer.rule
        if not rule.advance:
            return {}
        at, numbers = self._at
        if at != steps - 1 or not at:
            at, numbers = 0, dict(rule.running)
        moving = SimpleNamespace(**numbers, **{name: getattr(optimizer, name) for name in rule.fields})
        for step in range(at + 1, steps + 1):
            before = moving.__dict__.copy()
            rule.advance(moving, step)
            if moving.__dict__ == before and step < steps:  # nor will later steps change them
                break
        self._at = steps, {name: getattr(moving, name) for name in numbers}
        return self._at[1]


@functools.cache
def of_activation(activation: Activation) -> tuple[Any, Any]:
    """Return the loops of F and F' of an activation, built in or a user's."""
    if not activation.is_own:
        return pointwise.ACTIVATION_LOOPS[activation.name], pointwise.DERIVATIVE_LOOPS[activation.name]
    return pointwise.activation_loop(activation), pointwise.derivative_loop(activation)


@functools.cache
def of_loss(loss: Loss) -> Any:
    """Return the loop of E and dE/dt of a loss of numbers, built in or a user's."""
    return pointwise.loss_loop(loss) if loss.is_own else pointwise.LOSS_LOOPS[loss.name]


class PlainStep:
    """Steps of a plan's optimizer: the running numbers after the last one are remembered."""

    def __init__(self) -> None:
        self._running = RunningNumbers()

    def take(self, plan: Any, gradient: np.ndarray, rate: float, decaying: float) -> None:
        """Take the step of this number from `gradient`, at a learning rate, with some factor of the decay."""
        rule, optimizer = plan.optimizer.rule, plan.optimizer
        settings = {name: float(getattr(optimizer, name)) for name in rule.fields}
        settings |= self._running.after(plan.steps, optimizer)
        kind = plan.dtype.type if rule.name in ("sgd", "momentum", "nesterov") else float  # 1 - b2 would lose digits
        kinds, work = plan.network.kinds, 2 * rule.flop
        states = zip(*map(kinds, plan.slots.values()), strict=True) if plan.slots else repeat(())
        for (W, factor, decay, sigma), (dW, *_), state in zip(kinds(plan.flat), kinds(gradient), states, strict=False):
            more = {"weight_decay": settings["weight_decay"] * decaying * decay} if rule.decays else {}
            with np.errstate(over="ignore"):  # an infinite step is found afterwards
                *numbers, alpha = map(kind, (*(settings | more).values(), rate))
            given = W, *(vector for vector, *_ in state), dW, tuple(numbers)
            if sigma == 1:
                plan._run(pointwise.UPDATE_LOOPS[rule.name], work * W.size, *given, kind(alpha * factor), plan.steps)
                continue
            loop, own = pointwise.GROUP_UPDATE_LOOPS[rule.name], (kind(factor), plan.dtype.type(sigma))
            plan._run(loop, work * W.size, *given, alpha, plan.steps, *own)
