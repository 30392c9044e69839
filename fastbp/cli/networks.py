"""The network that ``fastbp train`` makes for plain numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..files.scales import TargetScale
    from ..model.model import Model

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


def announce_network(model: Model, epochs: int, batch_size: int) -> None:
    """Print what is trained, and how long."""
    sizes = "-".join(map(str, model.layer_sizes))
    print(f"network: {sizes}, {epochs} epochs in batches of {batch_size}", flush=True)


def lengths(options: argparse.Namespace, rows: int) -> tuple[int, int]:
    """Return the numbers of epochs and of rows a batch, by default as the number of rows asks for."""
    epochs, batch_size = (20, 16) if rows < SMALL else (10, 32)
    return options.epochs or epochs, options.batch_size or batch_size
