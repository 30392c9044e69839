"""The command ``fastbp warmup``."""

from __future__ import annotations

import argparse

from ..data.checks import DTYPES
from ..kernels.activations import ACTIVATIONS
from ..kernels.losses import LOSSES
from ..kernels.optimizers import OPTIMIZERS


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command's arguments."""
    warmup = commands.add_parser(
        "warmup",
        help="compile kernels ahead",
        description="Compile the kernels that training and prediction need into the cache folder (NUMBA_CACHE_DIR), "
        "for images and for users who may not write there.",
        allow_abbrev=False,
    )
    for option, default, known in (
        ("--dtypes", "float32", DTYPES),
        ("--optimizers", ",".join(OPTIMIZERS), OPTIMIZERS),
        ("--activations", "relu", ACTIVATIONS),
        ("--losses", "cross_entropy", LOSSES),
    ):
        text = f"those of the models, separated by commas: {', '.join(known)}; default: %(default)s"
        warmup.add_argument(option, metavar="NAMES", type=lambda names: names.split(","), default=default, help=text)
    warmup.add_argument("--layer-norm", action="store_true", help="compile layer normalization, too")
    warmup.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from ..execution.warmup import warmup

    warmup(options.dtypes, options.optimizers, options.activations, options.losses, options.layer_norm)
    return 0
