"""The loop over epochs: order of the rows, running means, validation, and what happens when it is broken off."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from .history import History
from .kernels.shuffle import shuffle
from .plan import Plan
from .progress import Progress
from .samples import Labelled


@dataclass(frozen=True)
class Training:
    """What `Model.fit` was asked to do."""

    data: Labelled
    validation: Labelled | None
    epochs: int
    batch_size: int
    shuffle: bool
    progress: Progress

    def run(self, plan: Plan, random: np.random.Generator) -> History:
        """Train the plan's parameters.

        Ctrl-C ends training with the steps taken so far. Any other error leaves the optimizer's state and `random` as
        they were; the parameters that the plan was loaded from are not touched here.
        """
        history, snapshot, before = History(), plan.snapshot(), random.bit_generator.state
        try:
            with self.progress:
                for _ in range(self.epochs):
                    self._epoch(plan, random, history)
        except KeyboardInterrupt:
            history.interrupted = True
        except BaseException:
            plan.restore(snapshot)
            random.bit_generator.state = before
            raise
        return history

    def _epoch(self, plan: Plan, random: np.random.Generator, history: History) -> None:
        start, n = time.perf_counter(), len(self.data.y)
        order = np.arange(n)
        if self.shuffle:
            shuffle(order, random.integers(2**63))
        total, hits, done = 0.0, 0, 0
        for sums in plan.train_epoch(self.data, order, self.batch_size):
            total, hits, done = total + sums.loss, hits + sums.hits, done + sums.rows
            self.progress.rows(done, n, total / done, hits / done)
        if self.validation is not None:
            scores = evaluate(plan, self.validation)
            history.val_loss.append(scores["loss"])
            history.val_accuracy.append(scores["accuracy"])
        history.loss.append(total / n)
        history.accuracy.append(hits / n)
        history.seconds.append(time.perf_counter() - start)
        self.progress.epoch(history)


def evaluate(plan: Plan, data: Labelled) -> dict[str, float]:
    """Return the mean error of the plan's parameters, without the penalty, and the share of rows that are right."""
    loss, right = plan.evaluate(data)
    return {"loss": loss, "accuracy": right / len(data.y)}
