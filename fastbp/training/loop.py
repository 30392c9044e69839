"""The loop over epochs: the order of the rows, running means, validation, callbacks and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks import Callback
from ..data.samples import CONSTANT, DivergenceError, Labelled, Rates, Sums
from ..data.sources.given import Rows
from ..execution.plan import Plan
from ..kernels.library.compiling import compiling
from . import feeds, rates, unscaled
from .finite import LastFinite, require_finite
from .history import History, added
from .progress import Progress
from .seen import Parameters
from .state import Place, State

if TYPE_CHECKING:
    from ..schedules import Schedule
    from .checkpoints.writer import Checkpoints


@dataclass(frozen=True)
class Training:
    """One call of `Model.fit`: its checked arguments, and the loop.

    Parameters
    ----------
    data : Labelled or Streamed
    validation : Labelled, Streamed or None
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

    data: Rows
    validation: Rows | None
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

        Ctrl-C ends training and keeps the steps so far, and so does an error on rows of a source. A DivergenceError
        keeps the last finite parameters. Any other error restores parameters, the optimizer's state, the learning rate
        and `random` as they were.
        """
        begun = plan.steps
        with nullcontext() if self.checkpoints is None else self.checkpoints.termination:
            history = self._run(model, plan, shown, random)
        doubled = plan.steps.bit_length() > begun.bit_length()  # short calls look this seldom
        if history.loss and (doubled or plan.steps - begun >= unscaled.STEPS):
            self._warn(model, plan)
        return history

    def _warn(self, model: Any, plan: Plan) -> None:
        """Warn if training failed as the inputs are not scaled."""
        if (looked_at := self._looked_at) is not None:
            unscaled.warn(model.network, plan.dtype, plan, looked_at)

    def _hint(self, dtype: np.dtype) -> str:
        """Return what to do about inputs that are not scaled, or nothing."""
        looked_at = self._looked_at
        return "" if looked_at is None else unscaled.hint(looked_at, dtype)

    @property
    def _looked_at(self) -> Labelled | None:
        """Rows that tell whether the inputs are scaled; None if nothing was read of a source."""
        return self.data if isinstance(self.data, Labelled) else self.data.looked_at

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
                state.history._interrupt()
            self._end(state)
        except DivergenceError as error:
            raise last.explained(error, model, self._hint(flat.dtype)) from None
        except BaseException as error:
            if error is state.unreadable and self._kept(state):
                raise
            plan.restore(snapshot)
            random.bit_generator.state = before
            if kept is not None:
                flat[...], model.learning_rate = kept, rate
            raise
        return state.history

    @staticmethod
    def _kept(state: State) -> bool:
        """Keep the steps that were taken before rows of a source failed; return whether there were any to keep."""
        if state.plan.steps == state.begun:
            return False
        try:
            state.last.take()
        except DivergenceError:
            return False
        return True

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
            if not isinstance(self.data, Labelled):
                self.data.go_on(state.place.epoch)
        while state.place.epoch < self.epochs and not state.stopped:
            epoch = state.place.epoch
            if not state.place.sums.rows:
                self._tell(state, self.callbacks, "on_epoch_begin", state.model, epoch)
            measured = self._epoch(state)
            if self.callbacks:
                if self._keeps_epochs:
                    state.last.keep(epoch + 1)
                logs = measured | {"epoch": epoch}
                self._tell(state, self.callbacks, "on_epoch_end", state.model, logs)
                state.history._add(self._added(logs, measured))
            state.place = Place(epoch + 1, steps=state.place.steps + self._steps_of(state.place.sums.rows))
            state.stopped = state.model.stop_training
            self._reached(state)
        if self.checkpoints is not None:
            self.checkpoints.finish(state)

    def _added(self, logs: dict[str, Any], measured: dict[str, float]) -> dict[str, float]:
        """Return the metrics that callbacks have added to `logs`."""
        return added(logs, measured)

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

    def _epoch(self, state: State) -> dict[str, float]:
        """Train one epoch, or the rest of one, and validate; append what was measured to the history and return it."""
        plan, place, classifies = state.plan, state.place, state.model.network.classifies
        start, state.is_shown = compiling.now() - place.seconds, False
        self._draw(state)
        for sums, more in self._steps(state):
            loss, accuracy = sums.means()
            self.progress.rows(sums.rows, self._rows, loss, accuracy if classifies else None)
            place.sums = sums
            if more:
                place.seconds = compiling.now() - start
                self._reached(state)
        loss, accuracy = place.sums.means()
        measured = {"loss": loss, "accuracy": accuracy}
        if self.validation is not None or not isinstance(self.data, Labelled):
            with self._reading(state):
                if not isinstance(self.data, Labelled):
                    self.data.passed(place.sums)
                if self.validation is not None:
                    scores = feeds.evaluate(plan, self.validation, classifies)
                    measured |= {f"val_{name}": score for name, score in scores.items()}
        measured["seconds"] = compiling.now() - start
        measured = {name: value for name, value in measured.items() if classifies or not name.endswith("accuracy")}
        state.history._append(measured)
        self.progress.epoch(state.history)
        return measured

    def _draw(self, state: State) -> None:
        """Draw the epoch's order and what is dropped, at its beginning."""
        plan, place = state.plan, state.place
        if not place.sums.rows:
            place.order_key = int(state.random.integers(2**63)) if self.shuffle else 0
            place.dropout_key = int(state.random.integers(2**63)) if plan.draws else 0
        if plan.draws:
            plan.key = place.dropout_key

    def _steps(self, state: State) -> Iterator[tuple[Sums, bool]]:
        """Take the epoch's steps that are left; after each call yield the sums so far, and if others follow."""
        place, key = state.place, state.place.order_key if self.shuffle else None
        before, due = place.sums, self._rates(state)
        windows = feeds.windows(self.data, key, self.batch_size, self.drop_last, before.rows)
        with self._reading(state), closing(windows):
            for window in windows:
                for sums in self._steps_of_window(state, window, due, before):
                    yield sums, not window.last or sums.rows < window.first + len(window.order)
                    before = sums

    def _steps_of_window(self, state: State, window: feeds.Window, due: Rates | None, before: Sums) -> Iterator[Sums]:
        """Take the steps of a window that are left."""
        order, first = window.order, window.first
        if 0 < len(order) < self.batch_size and first:  # so that the plan does not take it for a smaller batch_size
            order, first = np.concatenate([np.zeros(self.batch_size, np.int64), order]), first - self.batch_size
        stop = first + len(order)
        due = self._rates_without_end(state, first, stop) if due is None else due.after(self._steps_of(first))
        for end in [stop] if self.checkpoints is None else self.checkpoints.ends(state, before.rows, stop):
            done = before._replace(rows=before.rows - first)
            for sums in state.plan.train_epoch(window.data, order[: end - first], self.batch_size, due, done):
                before = sums._replace(rows=sums.rows + first)
                yield before

    @contextmanager
    def _reading(self, state: State) -> Iterator[None]:
        """Note an error on rows of a source in this block, and say that the steps before it are kept."""
        try:
            yield
        except ValueError as error:
            if not (isinstance(self.data, Labelled) and isinstance(self.validation, (Labelled, type(None)))):
                state.unreadable = error
                if steps := state.plan.steps - state.begun:
                    error.args = (f"{error}. The model keeps the {steps} steps before it",)
            raise

    def _steps_of(self, rows: int) -> int:
        """Return how many steps so many rows of an epoch are."""
        return -(-rows // self.batch_size)

    @property
    def _rows(self) -> int | None:
        """Rows of an epoch, or None if that is not known."""
        return feeds.rows_of_epoch(self.data, self.batch_size, self.drop_last)

    def _rates(self, state: State) -> Rates | None:
        """Return what changes from step to step of the epoch; None for a schedule where rows are not counted."""
        rows, rate = self._rows, state.plan.optimizer.learning_rate
        if rows is None:
            return None if self.schedule else CONSTANT
        first = state.plan.steps - self._steps_of(state.place.sums.rows)
        return rates.of_steps(self.schedule, rate, first, self._steps_of(rows), self.epochs - state.place.epoch)

    def _rates_without_end(self, state: State, first: int, stop: int) -> Rates:
        """Return what changes in the steps of some rows, of an epoch whose rows are not counted."""
        begun = state.plan.steps - self._steps_of(state.place.sums.rows)
        steps = np.arange(begun + self._steps_of(first), begun + self._steps_of(stop))
        return rates.without_end(self.schedule, state.plan.optimizer.learning_rate, steps)
