"""Training of a model: `fit` checks its arguments and runs the loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks import Checkpoint
from ..callbacks.base import check_callbacks, check_use
from ..callbacks.checkpoint import folder_path
from ..data import checks
from ..data.samples import Labelled
from ..data.sources.given import for_training
from ..training import rates
from ..training.history import History
from ..training.loop import Training
from ..training.progress import Progress

if TYPE_CHECKING:
    from ..execution.plan import Plan
    from ..schedules import Schedule
    from ..training.seen import Parameters
    from ..training.use import Use


def with_checkpoints(training: Training, model: Any, resume: Any) -> Training:
    """Return a training that goes on with the checkpoint in a folder, if any, and writes those that are asked for."""
    wanted = any(isinstance(callback, Checkpoint) for callback in training.callbacks)
    if resume is None and not wanted:
        return training
    from ..training.checkpoints import resumed, settings, writer

    where = None if resume is None else folder_path("resume", resume)
    names = "batch_size", "shuffle", "drop_last", "schedule", "epochs"
    options = {name: getattr(training, name) for name in names}
    here = settings.of_training(model, training.data, training.validation, options, training.callbacks)
    found = None if where is None else resumed.find(where, here, training.epochs)
    checkpoints = writer.Checkpoints(training.callbacks, here, training.batch_size, found)
    return replace(training, checkpoints=checkpoints)


class TrainingMixin:
    """The method of `Model` that trains."""

    feature_names: list[str] | None
    _plan: Plan
    _flat: Any  # a property of Model
    _shown: Parameters
    _random: np.random.Generator
    _use: Use

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        epochs: int = 10,
        batch_size: int = 128,
        shuffle: bool = True,
        validation_data: Any = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        class_weight: Any = None,
        validation_split: float = 0.0,
        schedule: Schedule | dict[str, Schedule] | None = None,
        callbacks: Any = (),
        drop_last: bool = False,
        resume: Any = None,
        comm: Any = None,
    ) -> History:
        """Train on X and y. A second call continues from where the first stopped.

        Parameters
        ----------
        X : array-like of shape (rows, inputs), or source
            Real numbers in an array, a memory map, a sparse array, a data frame or a list. Arrays and memory maps are
            not copied whole. Lists become an array, frames with columns of several dtypes too, and CSC and COO become
            CSR. Or a source of X and y in pieces, more than memory holds: one of
            `fastbp.data`, a function that returns a fresh iterator of (X, y) or (X, y, weight), an iterable of them,
            or an object with the methods of Keras's PyDataset.
        y : array-like of shape (rows,), or (rows, outputs) for losses of numbers
            Class numbers from 0 or class names, or what each output should be. A source brings it.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows a step; the last step of an epoch takes the rows that are left.
        shuffle : bool
            Whether each epoch takes the rows in a new random order: of a source that of its pieces and that of the rows
            of a block, which `fastbp.data` says more of.
        validation_data : (X, y), (X, y, sample_weight) or source, optional
            Evaluated after each epoch.
        verbose : {"auto", True, False, 0, 1, 2}
            0 or False is silent; 1, True or "auto" shows a progress bar in a terminal or notebook once training has
            lasted half a second; 2 prints a line an epoch.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row in errors and gradients, which are weighted means. A source brings its own.
        class_weight : dict of {class: weight} or "balanced", optional
            Weight of each class's rows, by number or name, times `sample_weight`; "balanced" gives all classes the
            same total weight. One output of "binary_cross_entropy" has the classes 0 and 1. Rows that are held out or
            validated on are not weighted by class.
        validation_split : float
            Share of the rows, the last ones, that are held out as validation data; not of a source.
        schedule : fastbp.schedules.Schedule, or dict of {str: Schedule}, optional
            Factors of the learning rate from step to step, or in a dict those of "learning_rate", "dropout" and
            "weight_decay", which the model must have. They go on from the model's step, also after `load`.
        callbacks : fastbp.callbacks.Callback or sequence of them, optional
            Called before and after each epoch, in this order.
        drop_last : bool
            Whether an epoch leaves out the rows that fill no minibatch.
        resume : path, optional
            Folder of a `fastbp.callbacks.Checkpoint`. Training goes on with the newest checkpoint there, or begins
            where there is none, so that one script serves both; `epochs` counts from the beginning. Network, settings,
            rows, callbacks and the model's seed, if it has one, must be those of the checkpoint; epochs may be more if
            there is no schedule. X above 256 MB is compared in as much of its rows, evenly spread.
        comm : mpi4py.MPI.Intracomm, optional
            Train on all of its processes, which call `fit` alike, each with rows of its own, or with none. They count
            as joined in the order of the ranks; `batch_size` counts the rows of all. Training starts from the model of
            rank 0, and ends with the same model on every rank, to the same bits for any number of ranks. Callbacks run
            on rank 0, which alone shows progress and writes checkpoints. See `fastbp/distributed/README.md`.

        Returns
        -------
        History
            Losses, accuracies and times of the epochs of this call. Ctrl-C ends training and returns what there is;
            the model stays usable.

        Warns
        -----
        UserWarning
            If the model predicts no better than a constant would and its inputs are not scaled.

        Raises
        ------
        ValueError, TypeError
            For bad input. Parameters, optimizer state and random numbers are then as they were. Where rows of a source
            can't be used or read, the model keeps the steps before them.
        DivergenceError
            If an error, a parameter or the optimizer's state is not finite any more. Finite parameters are kept: see
            `fastbp.DivergenceError`.
        RuntimeError
            If another call, in another thread, a callback or a signal handler, is changing the model. That one goes on.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> X = np.random.default_rng(0).standard_normal((300, 4))
        >>> y = (X.sum(axis=1) > 0).astype(int)
        >>> model = fastbp.Model([4, 8, 2], seed=0)
        >>> history = model.fit(X, y, epochs=5, batch_size=32, validation_split=0.2, verbose=0)
        >>> len(history.val_loss), history.loss[-1] < history.loss[0]
        (5, True)
        """
        call = object()
        try:
            self._use.begin(call)
            if comm is not None:
                from ..distributed.fitting import fit

                return fit(
                    self, comm, X, y, epochs=epochs, batch_size=batch_size, shuffle=shuffle, verbose=verbose,
                    validation_data=validation_data, validation_split=validation_split, sample_weight=sample_weight,
                    class_weight=class_weight, schedule=schedule, callbacks=callbacks, drop_last=drop_last,
                    resume=resume,
                )  # fmt: skip
            epochs = checks.whole_number("epochs", epochs, 0)
            batch_size = checks.whole_number("batch_size", batch_size, 1)
            shuffle, drop_last = checks.flag("shuffle", shuffle), checks.flag("drop_last", drop_last)
            progress = Progress(checks.verbosity(verbose), epochs)
            model: Any = self
            data, validation, names = for_training(
                model, X, y, sample_weight, class_weight, validation_data, validation_split
            )
            schedule, callbacks = rates.checked(schedule, model), check_callbacks(callbacks)
            check_use(callbacks, self, validation is not None)
            training = Training(
                data, validation, epochs, batch_size, shuffle, progress, schedule, callbacks, self._use.resting,
                drop_last,
            )  # fmt: skip
            training = with_checkpoints(training, model, resume)
            self._plan.load(self._flat)
            history = training.run(model, self._plan, self._shown, self._random)
            if self.feature_names is None:
                self.feature_names = names if isinstance(data, Labelled) else data.feature_names
            return history
        finally:
            self._use.end(call)
