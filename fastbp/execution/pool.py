"""Plans kept between calls: to make one takes longer than to predict a few rows of a small network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ..network import Network
from .plan import Plan

KEPT_BYTES = 4_000_000  # most memory of the parameters that a plan which is kept has copies of


class PlanPool:
    """Plans of one model, each used by one thread at a time. Several threads may ask at once."""

    def __init__(self) -> None:
        self._idle: list[Plan] = []

    @contextmanager
    def plan(
        self, network: Network, dtype: np.dtype, n_threads: int | None, make: Callable[[], Plan]
    ) -> Iterator[Plan]:
        """Yield a plan for these settings, which holds the parameters of an earlier call; `make` makes one.

        A plan in whose use an error arose is not kept.
        """
        try:
            plan = self._idle.pop()
        except IndexError:
            plan = make()
        if (plan.n_threads, plan.dtype) != (n_threads, dtype) or plan.network != network:
            plan = make()
        yield plan
        forget = getattr(plan, "forget", lambda: network.n_parameters)
        if forget() * dtype.itemsize <= KEPT_BYTES:
            self._idle.append(plan)


class LoadedPlans:
    """Plans that keep a model's parameters, packed and rounded, as long as these are known not to change.

    Each is used by one thread at a time. Several threads may ask at once.
    """

    def __init__(self) -> None:
        self._idle: list[tuple[Plan, object]] = []

    @contextmanager
    def plan(
        self, mark: object, n_threads: int | None, make: Callable[[], Plan], read: Callable[[], np.ndarray]
    ) -> Iterator[Plan]:
        """Yield a plan that holds the present parameters.

        `mark` is equal as long as they are unchanged, or None if that is not known. `make` makes a plan,
        `read` returns the parameters. A plan in whose use an error arose is not kept.
        """
        try:
            plan, loaded = self._idle.pop()
        except IndexError:  # as many threads at once as never before
            plan, loaded = make(), None
        plan.n_threads = n_threads
        if mark is None or loaded != mark:
            plan.load(read())
        yield plan
        self._idle.append((plan, mark))
