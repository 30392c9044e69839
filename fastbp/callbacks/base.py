"""The base class of callbacks of `Model.fit`."""

from __future__ import annotations

from typing import Any

from ..data import checks


class Callback:
    """Base class of callbacks: override the methods that you need, and hand objects to `Model.fit(callbacks=...)`.

    In each method `model.parameters` holds the current parameters, which may be changed. A callback ends training by
    `model.stop_training = True`. An error that it raises, in any of them, ends `fit` and restores the model as it was
    before; so do parameters that it leaves NaN or infinite.

    Examples
    --------
    >>> import fastbp
    >>> class Print(fastbp.callbacks.Callback):
    ...     def on_epoch_end(self, model, logs):
    ...         print("epoch", logs["epoch"], "done")
    >>> model = fastbp.Model([2, 4, 2], seed=0)
    >>> history = model.fit([[0, 1], [1, 0]], [0, 1], epochs=2, verbose=0, callbacks=Print())
    epoch 0 done
    epoch 1 done
    """

    _keeps_epochs = True  # whether a later DivergenceError goes back to the last epoch, and not to before the call

    def on_train_begin(self, model: Any) -> None:
        """Run before the first epoch.

        Parameters
        ----------
        model : Model
            The model that is trained.
        """

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Run before each epoch.

        Parameters
        ----------
        model : Model
            The model that is trained.
        epoch : int
            Number of the epoch, from 0.
        """

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Run after each epoch.

        Parameters
        ----------
        model : Model
            The model that is trained.
        logs : dict
            "epoch", its number from 0, and its values of the history, such as "loss" and "val_loss". All callbacks get
            the same dict one after the other: a metric of your own that one writes can be the `monitor` of the next,
            and is listed in `History.metrics`. It must be a number.
        """

    def on_train_end(self, model: Any) -> None:
        """Run after the last epoch, and after Ctrl-C.

        Parameters
        ----------
        model : Model
            The model that is trained.
        """

    def get_state(self) -> dict[str, Any]:
        """Return what a `Checkpoint` keeps of this callback, for `set_state`; by default nothing.

        An error in it ends `fit` before the first epoch; later a warning says so, and training goes on.

        Returns
        -------
        dict
            Names with numbers, text, booleans, None, arrays of numbers, and dicts, lists and tuples of these.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on as after the `get_state` that returned this; run after `on_train_begin` in `Model.fit(resume=...)`.

        Parameters
        ----------
        state : dict
            Equal to what `get_state` returned.
        """

    def _check(self, model: Any, metrics: list[str] | None) -> None:
        """Raise ValueError for what could not be done after an epoch; `metrics` are in `logs`, None if not known."""

    def _settings(self) -> dict[str, Any]:
        """Return what must be the same in a training that goes on."""
        return {}


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Return one callback or several as a tuple, none for None; raise TypeError for anything else."""
    if callbacks is None:
        return ()
    each = tuple(callbacks) if checks.is_iterable(callbacks) else (callbacks,)
    for number, callback in enumerate(each):
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks[{number}] must be a fastbp.callbacks.Callback, got {callback!r}")
    return each


def check_use(callbacks: tuple[Callback, ...], model: Any, validates: bool) -> None:
    """Raise ValueError before training if a callback could not do what it is to do after each epoch.

    Parameters
    ----------
    callbacks : tuple of Callback
    model : Model
    validates : bool
        Whether there are validation data.
    """
    own = ["loss", "accuracy"] if model.network.classifies else ["loss"]
    metrics: list[str] | None = own + [f"val_{name}" for name in own] * validates
    for callback in callbacks:
        callback._check(model, metrics)
        if not type(callback).__module__.startswith("fastbp."):
            metrics = None  # it may add to them
