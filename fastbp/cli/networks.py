"""The network that ``fastbp train`` makes for plain numbers, its training, and what is told and saved after it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..kernels.library.compiling import compiling
from .output import INTERRUPTED, complain, plain

if TYPE_CHECKING:
    from ..files.scales import TargetScale
    from ..model.model import Model
    from ..training.history import History

SMALL = 10_000  # rows below which the defaults are more epochs and smaller batches
REGRESSION_RATE = 0.01


def new_model(
    options: argparse.Namespace, columns: int, class_names: list[str], feature_names: list[str] | None,
    scaling: tuple[Any, Any], scale: TargetScale | None,
) -> Model:  # fmt: skip
    """Return the untrained model: one output for each class, or one for the target's number.

    Parameters
    ----------
    options : argparse.Namespace
    columns : int
        Of X.
    class_names : list of str
        Empty for a number.
    feature_names : list of str or None
    scaling : (shift, scale)
        Of the inputs.
    scale : TargetScale or None
        Of numbers to predict.
    """
    from .. import Model

    if scale is None:
        task = {"class_names": class_names, "learning_rate": options.learning_rate}
    else:
        rate = REGRESSION_RATE if options.learning_rate is None else options.learning_rate
        task = {"loss": "squared_error", "dtype": scale.dtype, "learning_rate": rate}
    return Model(
        [columns, *([128] if options.hidden is None else options.hidden), len(class_names) or 1],
        seed=options.seed,
        input_shift=scaling[0],
        input_scale=scaling[1],
        feature_names=feature_names,
        **task,
    )


def train(
    options: argparse.Namespace, model: Model, scale: TargetScale | None, rows: int, doubts: list[str],
    given: dict[str, Any], result: Callable[[Model], str], draw: Callable[[History, int, float], None],
) -> int:  # fmt: skip
    """Train a network, save it and tell the result; return the exit status.

    Parameters
    ----------
    options : argparse.Namespace
    model : Model
    scale : TargetScale or None
        On which the network learns numbers; what is saved predicts them as they were.
    rows : int
        That it is trained on.
    doubts : list of str
        About the data, which are worth a second look.
    given : dict
        Arguments of `Model.fit`: the rows, callbacks and the like. Of the ranks of `comm`, 0 saves and tells.
    result : function of the model that is saved
        Returns the line on how well it predicts.
    draw : function of the history, the rows a batch and the seconds of training
        Draws the pictures that the options ask for.
    """
    epochs, batch_size = _lengths(options, rows)
    if not options.quiet:
        _announce(model, epochs, batch_size)
    for doubt in doubts:
        complain(doubt)
    comm, start = given.get("comm"), compiling.now()
    with divergence_told():
        history = model.fit(epochs=epochs, batch_size=batch_size, verbose=not options.quiet, **given)
    seconds = compiling.now() - start
    if comm is not None and comm.rank:
        return 0
    final = model if scale is None else scale.restored(model)
    final.save(options.save)
    if history.interrupted:
        print(f"fastbp: interrupted in epoch {len(history.loss) + 1} of {epochs}", file=sys.stderr)
    print(result(final))
    print(f"training time: {seconds:.2f} seconds")
    print(f"model saved: {plain(options.save)}")
    draw(history, batch_size, seconds)
    return INTERRUPTED if history.interrupted else 0


@contextmanager
def divergence_told() -> Iterator[None]:
    """Turn an ArithmeticError of a training in this block into a ValueError of one line, which names the option."""
    try:
        yield
    except ArithmeticError as error:
        raise ValueError(f"training diverged, nothing was saved: {error}; --learning-rate sets it") from None


def _announce(model: Model, epochs: int, batch_size: int) -> None:
    """Print what is trained, and how long."""
    sizes = "-".join(map(str, model.layer_sizes))
    print(f"network: {sizes}, {epochs} epochs in batches of {batch_size}", flush=True)


def _lengths(options: argparse.Namespace, rows: int) -> tuple[int, int]:
    """Return the numbers of epochs and of rows a batch, by default as the number of rows asks for."""
    epochs, batch_size = (20, 16) if rows < SMALL else (10, 32)
    return options.epochs or epochs, options.batch_size or batch_size
