"""The loop over epochs: order of the rows, running means, validation, and what happens when it is broken off."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import schedules
from .callbacks import Callback
from .history import History
from .kernels.shuffle import shuffle
from .plan import Plan
from .progress import Progress
from .samples import Diverged, Labelled


@dataclass(frozen=True)
class Training:
    """What `Model.fit` was asked to do."""

    data: Labelled
    validation: Labelled | None
    epochs: int
    batch_size: int
    shuffle: bool
    progress: Progress
    schedule: schedules.Schedule | None = None
    callbacks: tuple[Callback, ...] = ()

    def run(self, model: Any, plan: Plan, flat: np.ndarray, random: np.random.Generator) -> History:
        """Train the plan's parameters, which are those of `flat`, and write them back there in the end.

        Ctrl-C ends training with the steps taken so far. Any other error leaves parameters, the optimizer's state and
        `random` as they were, but for an error that is not finite: then the last finite parameters stay.
        """
        history, snapshot, before = History(), plan.snapshot(), random.bit_generator.state
        kept, rate = flat.copy() if self.callbacks else None, model.learning_rate
        plan.watch = True
        try:
            with self.progress:
                self._epochs(model, plan, flat, random, history)
        except KeyboardInterrupt:
            history.interrupted = True
        except Diverged as error:
            raise self._explained(error, model, plan, flat, snapshot) from None
        except BaseException:
            plan.restore(snapshot)
            random.bit_generator.state = before
            if kept is not None:
                flat[...], model.learning_rate = kept, rate
            raise
        _store(plan, flat, history)
        if self.callbacks:
            for callback in self.callbacks:
                callback.on_train_end(model)
            plan.load(flat)
        return history

    def _epochs(self, model: Any, plan: Plan, flat: np.ndarray, random: np.random.Generator, history: History) -> None:
        model.stop_training = False
        for callback in self.callbacks:
            callback.on_train_begin(model)
        for epoch in range(self.epochs):
            for callback in self.callbacks:
                callback.on_epoch_begin(model, epoch)
            if self.callbacks:
                plan.load(flat)
            self._epoch(plan, random, history, epoch, model.network.classifies)
            if self.callbacks:
                plan.store(flat)
                logs = history.latest() | {"epoch": epoch}
                for callback in self.callbacks:
                    callback.on_epoch_end(model, logs)
                plan.load(flat)
            if model.stop_training:
                return

    def _epoch(self, plan: Plan, random: np.random.Generator, history: History, epoch: int, classifies: bool) -> None:
        start, n = time.perf_counter(), len(self.data.y)
        if self.shuffle:
            order = np.empty(n, np.intp)
            shuffle(order, random.integers(2**63))
        else:
            order = np.arange(n)
        if plan.draws:
            plan.key = int(random.integers(2**63))
        for sums in plan.train_epoch(self.data, order, self.batch_size, self._rates(plan, epoch)):
            loss, accuracy = sums.loss / sums.rows, sums.hits / sums.rows
            self.progress.rows(sums.rows, n, loss, accuracy if classifies else None)
        if self.validation is not None:
            scores = evaluate(plan, self.validation, classifies)
            history.val_loss.append(scores["loss"])
            history.val_accuracy += [scores["accuracy"]] if classifies else []
        history.loss.append(loss)
        history.accuracy += [accuracy] if classifies else []
        history.seconds.append(time.perf_counter() - start)
        self.progress.epoch(history)

    def _rates(self, plan: Plan, epoch: int) -> np.ndarray | None:
        """Return the learning rate of each of the epoch's steps, or None where it is the same for all."""
        if self.schedule is None:
            return None
        steps = -(-len(self.data.y) // self.batch_size)
        return schedules.rates(self.schedule, plan.optimizer.learning_rate, epoch, steps, self.epochs)

    @staticmethod
    def _explained(error: Diverged, model: Any, plan: Plan, flat: np.ndarray, snapshot: object) -> Diverged:
        """Return the error with where and why; leave in `flat` and the optimizer's state what was finite last."""
        reached = np.empty_like(flat)
        plan.store(reached)
        layers = model.network.views(reached)
        broken = [number for number, layer in enumerate(layers, 1) if not all(np.isfinite(a).all() for a in layer)]
        sizes = [float(np.abs(W).max()) for W, *_ in layers]
        if broken:
            where = f"the parameters of layer {broken[0]} are no finite numbers any more; those of before stay"
            plan.load(flat)
        else:
            flat[...] = reached
            where = f"the largest weights are those of layer {int(np.argmax(sizes)) + 1}, up to {max(sizes):.3g}"
        if broken or not all(np.isfinite(state).all() for state in plan.get_slots().values()):
            plan.restore(snapshot)
        remedy = f"lower learning_rate (now {model.learning_rate:g}), set clip_norm, or scale the inputs"
        error.args = (f"{error}: {where}. To go on, {remedy}",)
        return error


def _store(plan: Plan, flat: np.ndarray, history: History) -> None:
    try:
        plan.store(flat)
    except KeyboardInterrupt:  # half of the parameters would be those of before
        plan.store(flat)
        history.interrupted = True


def evaluate(plan: Plan, data: Labelled, classifies: bool) -> dict[str, float]:
    """Return the mean error of the plan's parameters, without the penalty, and the share of rows that are right."""
    loss, right = plan.evaluate(data)
    return {"loss": loss} | ({"accuracy": right / len(data.y)} if classifies else {})
