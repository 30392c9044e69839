"""The loop over epochs: the order of the rows, running means, validation, callbacks and errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..callbacks import Callback
from ..data.samples import DivergenceError, Labelled
from ..execution.plan import Plan
from ..kernels.library.compiling import compiling
from ..schedules import Schedule, rates
from . import unscaled
from .finite import LastFinite, require_finite
from .history import History
from .progress import Progress
from .shuffling import shuffle


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
    schedule : Schedule or None
    callbacks : tuple of Callback
    resting : function
        Makes a context manager for callbacks, in which they may read and change the model.
    drop_last : bool
        Whether rows that fill no minibatch are left out of an epoch.
    """

    data: Labelled
    validation: Labelled | None
    epochs: int
    batch_size: int
    shuffle: bool
    progress: Progress
    schedule: Schedule | None = None
    callbacks: tuple[Callback, ...] = ()
    resting: Callable[[], AbstractContextManager[None]] = nullcontext
    drop_last: bool = False

    def run(self, model: Any, plan: Plan, flat: np.ndarray, random: np.random.Generator) -> History:
        """Train the plan's parameters, a copy of `flat`, and write them back to `flat` at the end.

        Ctrl-C ends training and keeps the steps so far. A DivergenceError keeps the last finite parameters. Any other
        error restores parameters, the optimizer's state, the learning rate and `random` as they were.
        """
        require_finite(model.network, flat, "of the model")
        history, before, rate = History(), random.bit_generator.state, model.learning_rate
        last = LastFinite(model.network, plan, flat)
        snapshot, kept = last.snapshot, flat.copy() if self.callbacks else None
        plan.watch = True
        try:
            try:
                with self.progress:
                    self._epochs(model, plan, last, random, history)
            except KeyboardInterrupt:
                history.interrupted = True
            self._end(model, plan, last, history)
        except DivergenceError as error:
            raise last.explained(error, model, unscaled.hint(self.data, flat.dtype)) from None
        except BaseException:
            plan.restore(snapshot)
            random.bit_generator.state = before
            if kept is not None:
                flat[...], model.learning_rate = kept, rate
            raise
        if history.loss:
            unscaled.warn(model.network, flat.dtype, plan, self.data, stacklevel=3)
        return history

    def _end(self, model: Any, plan: Plan, last: LastFinite, history: History) -> None:
        """Write the parameters back, all of them even if Ctrl-C comes while they are written; run what comes last."""
        try:
            last.take()
        except KeyboardInterrupt:
            last.take()
            history.interrupted = True
        for callback in self.callbacks:
            try:
                with self.resting():
                    callback.on_train_end(model)
            except KeyboardInterrupt:
                history.interrupted = True
        if self.callbacks:
            self._reload(model, plan, last)

    @staticmethod
    def _reload(model: Any, plan: Plan, last: LastFinite) -> None:
        """Give the plan the parameters as callbacks leave them."""
        require_finite(model.network, last.flat, "that a callback left")
        plan.load(last.flat)

    def _epochs(self, model: Any, plan: Plan, last: LastFinite, random: np.random.Generator, history: History) -> None:
        """Train epoch after epoch. Around each callback the parameters move from the plan to the model and back."""
        model.stop_training = False
        self._tell("on_train_begin", model)
        for epoch in range(self.epochs):
            self._tell("on_epoch_begin", model, epoch)
            if self.callbacks:
                self._reload(model, plan, last)
            self._epoch(plan, random, history, epoch, model.network.classifies)
            if self.callbacks:
                last.take(epochs=epoch + 1)
                self._tell("on_epoch_end", model, history.latest() | {"epoch": epoch})
                self._reload(model, plan, last)
            if model.stop_training:
                return

    def _tell(self, what: str, *arguments: Any) -> None:
        """Call this method of each callback."""
        if self.callbacks:
            with self.resting():
                for callback in self.callbacks:
                    getattr(callback, what)(*arguments)

    def _epoch(self, plan: Plan, random: np.random.Generator, history: History, epoch: int, classifies: bool) -> None:
        """Train one epoch, validate, and append both to `history`."""
        start, n = compiling.now(), len(self.data.y)
        if self.shuffle:
            order = np.empty(n, np.int64)
            shuffle(order, int(random.integers(2**63)))
        else:
            order = np.arange(n)
        order = order[: self._rows]
        if plan.draws:
            plan.key = int(random.integers(2**63))
        for sums in plan.train_epoch(self.data, order, self.batch_size, self._rates(plan, epoch)):
            loss, accuracy = sums.means()
            self.progress.rows(sums.rows, len(order), loss, accuracy if classifies else None)
        if self.validation is not None:
            scores = evaluate(plan, self.validation, classifies)
            history.val_loss.append(scores["loss"])
            history.val_accuracy += [scores["accuracy"]] if classifies else []
        history.loss.append(loss)
        history.accuracy += [accuracy] if classifies else []
        history.seconds.append(compiling.now() - start)
        self.progress.epoch(history)

    @property
    def _rows(self) -> int:
        """Rows of an epoch; all of them if they do not fill one minibatch."""
        n = len(self.data.y)
        return n // self.batch_size * self.batch_size if self.drop_last and n > self.batch_size else n

    def _rates(self, plan: Plan, epoch: int) -> np.ndarray | None:
        """Return the learning rate of each step of the epoch, or None if it is constant."""
        if self.schedule is None:
            return None
        steps = -(-self._rows // self.batch_size)
        return rates(self.schedule, plan.optimizer.learning_rate, plan.steps, steps, self.epochs - epoch)


def evaluate(plan: Plan, data: Labelled, classifies: bool) -> dict[str, float]:
    """Return "loss", the mean error without the penalties, and for losses with classes "accuracy"."""
    loss, accuracy = plan.evaluate(data)
    return {"loss": loss} | ({"accuracy": accuracy} if classifies else {})
