"""The loop over epochs on several ranks: callbacks run on rank 0, and what they change goes to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..callbacks import Callback, Checkpoint, EarlyStopping, ReduceLearningRate
from ..data.samples import DivergenceError
from ..execution.plan import Plan
from ..training import unscaled
from ..training.finite import LastFinite, require_finite
from ..training.history import History
from ..training.loop import Training
from ..training.seen import Parameters
from ..training.state import State
from .plan import SharedPlan
from .ranks import Ranks
from .rows import Joined

_LOOK_AT_NO_STATE = Checkpoint, EarlyStopping, ReduceLearningRate  # of the optimizer


class _LastFinite(LastFinite):
    """As its base, where each rank has a share of the optimizer's state."""

    plan: SharedPlan

    def _check(self) -> None:
        try:
            super()._check()
        except DivergenceError as error:
            raise self.plan.ranks.all_raise(error) from None

    def check(self) -> None:
        """Check the plan's parameters and state, if this was not done since the last step: all ranks do."""
        if self._checked != self.plan.steps:
            self._check()

    def _state_is_finite(self) -> bool:
        return self.plan.state_is_finite()


@dataclass(frozen=True)
class SharedTraining(Training):
    """One call of `Model.fit` on all ranks.

    Parameters
    ----------
    plan : SharedPlan
    """

    plan: Any = None

    @property
    def ranks(self) -> Ranks:
        """The ranks."""
        return self.plan.ranks

    def run(self, model: Any, plan: Plan, shown: Parameters, random: np.random.Generator) -> History:
        """Train from the parameters, state and random numbers of rank 0; all ranks end with the same."""
        with self.ranks.guarded():
            self._send(model)
            self.ranks.comm.Bcast(shown.flat)
            self.plan.take_over()
            self.plan.load(shown.flat)
            try:
                with self.ranks.together():
                    require_finite(model.network, shown.flat, "of the model")
                history = super().run(model, self.plan, shown, random)
            except BaseException as error:
                if error is self.ranks.common:
                    self.plan.give_back()
                raise
            self.plan.give_back()
            return history

    def _epochs(self, state: State) -> None:
        try:
            super()._epochs(state)
        except KeyboardInterrupt as error:
            if error is not self.ranks.common:
                raise InterruptedError("interrupted by Ctrl-C") from None
            raise

    def _tell(self, state: State, callbacks: tuple[Callback, ...], what: str, *arguments: Any) -> None:
        """Call this method of each callback on rank 0, whose model is whole meanwhile; all ranks go on as it does."""
        if all(type(callback) is Checkpoint for callback in callbacks):
            return
        assert isinstance(state.last, _LastFinite)
        state.last.check()
        whole = not all(type(callback) in _LOOK_AT_NO_STATE for callback in callbacks)
        if whole:
            self.plan.give_back()
        with self.ranks.together():
            if self.ranks.rank == 0:
                try:
                    super()._tell(state, callbacks, what, *arguments)
                except KeyboardInterrupt:
                    raise InterruptedError("a callback was interrupted by Ctrl-C") from None
        self._send(state.model)
        state.is_shown = self.ranks.comm.bcast(state.is_shown)
        if state.is_shown:
            self.ranks.comm.Bcast(state.flat)
            state.plan.load(state.flat)
            state.last.keep_parameters()
        if whole:
            self.plan.take_over()

    def _added(self, logs: dict[str, Any], measured: dict[str, float]) -> dict[str, float]:
        """Return the metrics that callbacks have added on rank 0."""
        found: dict[str, float] = {}
        with self.ranks.together():
            if self.ranks.rank == 0:
                found = super()._added(logs, measured)
        return self.ranks.comm.bcast(found)

    def _send(self, model: Any) -> None:
        """Send learning rate, random numbers and whether to stop from rank 0 to all."""
        told = model.learning_rate, getattr(model, "stop_training", False), model._random.bit_generator.state
        rate, model.stop_training, state = self.ranks.comm.bcast(told)
        if model.learning_rate != rate:
            model.learning_rate = rate
        model._random.bit_generator.state = state

    def _last_finite(self, model: Any, plan: Plan, flat: np.ndarray) -> LastFinite:
        return _LastFinite(model.network, plan, flat)

    def _warn(self, model: Any, plan: Plan) -> None:
        own = self._own
        if self.ranks.rank == 0 and own is not None:
            unscaled.warn(model.network, plan.dtype, plan, own)

    def _hint(self, dtype: np.dtype) -> str:
        own = self._own
        found = self.ranks.comm.allgather("" if own is None else unscaled.hint(own, dtype))
        return next(filter(None, found), "")

    @property
    def _own(self) -> Any:
        """The rows of this rank, or None if it has none."""
        assert isinstance(self.data, Joined)
        return self.data.own if len(self.data.own.y) else None
