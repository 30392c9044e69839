"""The command ``fastbp warmup``."""

from __future__ import annotations

import argparse

from ..checks import DTYPES
from ..network import ACTIVATIONS, LOSSES
from ..optim import OPTIMIZERS


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command's arguments."""
    warmup = commands.add_parser(
        "warmup",
        help="compile the kernels ahead",
        description="Compile what training and predicting need into the cache folder (NUMBA_CACHE_DIR), for images "
        "and for users who may not write there.",
        allow_abbrev=False,
    )
    for option, default, known in (
        ("--dtypes", "float32", DTYPES),
        ("--optimizers", ",".join(OPTIMIZERS), OPTIMIZERS),
        ("--activations", "relu", ACTIVATIONS),
        ("--losses", "cross_entropy", LOSSES),
    ):
        text = f"of the models to come, separated by commas: {', '.join(known)}; default: %(default)s"
        warmup.add_argument(option, metavar="NAMES", type=lambda names: names.split(","), default=default, help=text)
    warmup.add_argument("--layer-norm", action="store_true", help="some of the models have layer normalization")
    warmup.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    from ..ahead import warmup

    warmup(options.dtypes, options.optimizers, options.activations, options.losses, options.layer_norm)
    return 0
