"""The loop over epochs: the order of the rows, running means, validation, callbacks and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks import Callback
from ..data.samples import DivergenceError, Labelled, Rates, Sums
from ..execution.plan import Plan
from ..kernels.library.compiling import compiling
from ..schedules import Schedule
from . import unscaled
from .finite import LastFinite, require_finite
from .history import History
from .progress import Progress
from .rates import of_steps
from .seen import Parameters
from .shuffling import shuffle
from .state import Place, State

if TYPE_CHECKING:
    from .checkpoints.writer import Checkpoints


@dataclass(frozen=True)
class Training:
    """One call of `Model.fit`: its checked arguments, and the loop.

    Parameters
    ----------
    data : Labelled
    validation : Labelled or None
    epochs, batch_size : int
    shuffle : bool
    progress : Progress
    schedule : Schedule, dict of {str: Schedule} or None
    callbacks : tuple of Callback
    resting : function
        Makes a context manager for callbacks, in which they may read and change the model.
    drop_last : bool
        Whether rows that fill no minibatch are left out of an epoch.
    checkpoints : Checkpoints, optional
        That are written on the way, and with which the training goes on.
    """

    data: Labelled
    validation: Labelled | None
    epochs: int
    batch_size: int
    shuffle: bool
    progress: Progress
    schedule: Schedule | dict[str, Schedule] | None = None
    callbacks: tuple[Callback, ...] = ()
    resting: Callable[[], AbstractContextManager[None]] = nullcontext
    drop_last: bool = False
    checkpoints: Checkpoints | None = None

    def run(self, model: Any, plan: Plan, shown: Parameters, random: np.random.Generator) -> History:
        """Train the plan's parameters, a copy of those `shown`, and write them back there at the end.

        Ctrl-C ends training and keeps the steps so far. A DivergenceError keeps the last finite parameters. Any other
        error restores parameters, the optimizer's state, the learning rate and `random` as they were.
        """
        with nullcontext() if self.checkpoints is None else self.checkpoints.termination:
            history = self._run(model, plan, shown, random)
        if history.loss:
            self._warn(model, plan)
        return history

    def _warn(self, model: Any, plan: Plan) -> None:
        """Warn if training failed as the inputs are not scaled."""
        unscaled.warn(model.network, plan.dtype, plan, self.data, stacklevel=4)

    def _hint(self, dtype: np.dtype) -> str:
        """Return what to do about inputs that are not scaled, or nothing."""
        return unscaled.hint(self.data, dtype)

    def _last_finite(self, model: Any, plan: Plan, flat: np.ndarray) -> LastFinite:
        """Return what keeps the last finite parameters."""
        return LastFinite(model.network, plan, flat)

    def _run(self, model: Any, plan: Plan, shown: Parameters, random: np.random.Generator) -> History:
        flat = shown.flat
        require_finite(model.network, flat, "of the model")
        before, rate = random.bit_generator.state, model.learning_rate
        last = self._last_finite(model, plan, flat)
        snapshot, kept = last.snapshot, flat.copy() if self.callbacks or self.checkpoints else None
        if self.callbacks:
            last.keep_parameters()
        state = State(model, plan, flat, shown, random, last)
        plan.watch = True
        try:
            try:
                with self.progress:
                    self._epochs(state)
            except KeyboardInterrupt:
                state.history.interrupted = True
            self._end(state)
        except DivergenceError as error:
            raise last.explained(error, model, self._hint(flat.dtype)) from None
        except BaseException:
            plan.restore(snapshot)
            random.bit_generator.state = before
            if kept is not None:
                flat[...], model.learning_rate = kept, rate
            raise
        return state.history

    def _end(self, state: State) -> None:
        """Write the parameters back, all of them even if Ctrl-C comes while they are written; run what comes last."""
        try:
            state.last.take()
        except KeyboardInterrupt:
            state.last.take()
            state.history.interrupted = True
        state.is_shown = True
        for callback in self.callbacks:
            try:
                self._tell(state, (callback,), "on_train_end", state.model)
            except KeyboardInterrupt:
                state.history.interrupted = True

    def _epochs(self, state: State) -> None:
        """Train epoch after epoch."""
        state.model.stop_training = False
        self._tell(state, self.callbacks, "on_train_begin", state.model)
        if self.checkpoints is not None:
            self.checkpoints.begin(state)
            self.progress.begin(state.place.epoch)
        while state.place.epoch < self.epochs and not state.stopped:
            epoch = state.place.epoch
            if not state.place.sums.rows:
                self._tell(state, self.callbacks, "on_epoch_begin", state.model, epoch)
            self._epoch(state)
            if self.callbacks:
                if self._keeps_epochs:
                    state.last.keep(epoch + 1)
                logs = state.history.latest() | {"epoch": epoch}
                self._tell(state, self.callbacks, "on_epoch_end", state.model, logs)
            state.place, state.stopped = Place(epoch + 1), state.model.stop_training
            self._reached(state)
        if self.checkpoints is not None:
            self.checkpoints.finish(state)

    @property
    def _keeps_epochs(self) -> bool:
        """Whether an error goes back to the last epoch, and not to before the call."""
        return any(callback._keeps_epochs for callback in self.callbacks)

    def _reached(self, state: State) -> None:
        """Write the checkpoints that are due."""
        if self.checkpoints is not None:
            self.checkpoints.reached(state)

    def _tell(self, state: State, callbacks: tuple[Callback, ...], what: str, *arguments: Any) -> None:
        """Call this method of each. Where one looks at the parameters, the plan takes them as they then are."""
        if not callbacks:
            return
        try:
            state.shown.open(None if state.is_shown else state.last.store)
            with self.resting():
                for callback in callbacks:
                    getattr(callback, what)(*arguments)
        finally:
            seen = state.shown.close()
        if seen:
            require_finite(state.model.network, state.flat, "that a callback left")
            state.plan.load(state.flat)
            state.is_shown = True
            state.last.keep_parameters()

    def _epoch(self, state: State) -> None:
        """Train one epoch, or the rest of one, validate, and append both to the history."""
        plan, place, history, classifies = state.plan, state.place, state.history, state.model.network.classifies
        start, state.is_shown = compiling.now() - place.seconds, False
        order = self._order(state)
        for sums in self._steps(state, order):
            loss, accuracy = sums.means()
            self.progress.rows(sums.rows, len(order), loss, accuracy if classifies else None)
            if sums.rows < len(order):
                place.sums, place.seconds = sums, compiling.now() - start
                self._reached(state)
        if self.validation is not None:
            scores = evaluate(plan, self.validation, classifies)
            history.val_loss.append(scores["loss"])
            history.val_accuracy += [scores["accuracy"]] if classifies else []
        history.loss.append(loss)
        history.accuracy += [accuracy] if classifies else []
        history.seconds.append(compiling.now() - start)
        self.progress.epoch(history)

    def _order(self, state: State) -> np.ndarray:
        """Return the epoch's rows in their order; at its beginning it and what is dropped are drawn."""
        n, plan, place = len(self.data.y), state.plan, state.place
        if not place.sums.rows:
            place.order_key = int(state.random.integers(2**63)) if self.shuffle else 0
            place.dropout_key = int(state.random.integers(2**63)) if plan.draws else 0
        if plan.draws:
            plan.key = place.dropout_key
        if not self.shuffle:
            return np.arange(n)[: self._rows]
        order = np.empty(n, np.int64)
        shuffle(order, place.order_key)
        return order[: self._rows]

    def _steps(self, state: State, order: np.ndarray) -> Iterator[Sums]:
        """Take the epoch's steps that are left; yield the sums so far after each compiled call."""
        due, before = self._rates(state), state.place.sums
        for end in [len(order)] if self.checkpoints is None else self.checkpoints.ends(state, len(order)):
            for sums in state.plan.train_epoch(self.data, order[:end], self.batch_size, due, before):
                yield sums
            before = sums

    @property
    def _rows(self) -> int:
        """Rows of an epoch; all of them if they do not fill one minibatch."""
        n = len(self.data.y)
        return n // self.batch_size * self.batch_size if self.drop_last and n > self.batch_size else n

    @property
    def steps_per_epoch(self) -> int:
        """Number of minibatches of an epoch."""
        return -(-self._rows // self.batch_size)

    def _rates(self, state: State) -> Rates:
        """Return what changes from step to step of the epoch."""
        first = state.plan.steps + -state.place.sums.rows // self.batch_size
        span = first, self.steps_per_epoch, self.epochs - state.place.epoch
        return of_steps(self.schedule, state.plan.optimizer.learning_rate, *span)


def evaluate(plan: Plan, data: Labelled, classifies: bool) -> dict[str, float]:
    """Return "loss", the mean error without the penalties, and for losses with classes "accuracy"."""
    loss, accuracy = plan.evaluate(data)
    return {"loss": loss} | ({"accuracy": accuracy} if classifies else {})
