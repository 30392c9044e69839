"""The command ``fastbp warmup``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ..data.checks import DTYPES
from ..kernels.activations import ACTIVATIONS
from ..kernels.library.compiling import compiling
from ..kernels.losses import LOSSES
from ..kernels.optimizers import OPTIMIZERS

CHOICES = {
    "dtypes": ("float32", DTYPES),
    "optimizers": (",".join(OPTIMIZERS), OPTIMIZERS),
    "activations": ("relu", ACTIVATIONS),
    "losses": ("cross_entropy", LOSSES),
}  # what of models is asked for: the default, and all there are


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    warmup = commands.add_parser(
        "warmup",
        help="compile kernels ahead",
        description="Compile the kernels that training and prediction need into the cache folder (NUMBA_CACHE_DIR), "
        "for images and for users who may not write there.",
        allow_abbrev=False,
    )
    for name, (default, known) in CHOICES.items():
        text = f"those of the models, separated by commas: {', '.join(known)}; default: {default}"
        warmup.add_argument(f"--{name}", metavar="NAMES", help=text)
    warmup.add_argument(
        "--for", dest="purpose", choices=list(PURPOSES), help="what is to be used, with its defaults, instead"
    )
    warmup.add_argument("--timings", action="store_true", help="print how long each kernel took, the longest first")
    warmup.add_argument("--layer-norm", action="store_true", help="compile layer normalization, too")
    warmup.set_defaults(run=run)


def _estimators() -> Iterator[Any]:
    from .. import sklearn

    yield from (sklearn.MLPClassifier(), sklearn.MLPRegressor())
    yield from (sklearn.TabularClassifier(), sklearn.TabularRegressor())


def _command() -> Iterator[Any]:
    from .. import Model

    yield from (Model([1, 1, 2]), Model([1, 1, 1], loss="squared_error"))
    yield Model([1, 1, 1], loss="squared_error", dtype="float64")


PURPOSES: dict[str, Callable[[], Iterator[Any]]] = {
    "mlp-classifier": lambda: islice(_estimators(), 1),
    "mlp-regressor": lambda: islice(_estimators(), 1, 2),
    "tabular-classifier": lambda: islice(_estimators(), 2, 3),
    "tabular-regressor": lambda: islice(_estimators(), 3, 4),
    "train": _command,
}  # what it is for, and models that stand for it


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from ..execution.warmup import warmup

    given = {name: names for name in CHOICES if (names := getattr(options, name)) is not None}
    if options.purpose:
        if given or options.layer_norm:
            wrong = next(iter(given), "layer-norm")
            raise ValueError(f"--{wrong} can't be given with --for {options.purpose}, which has its own")
        warmup(*PURPOSES[options.purpose]())
    else:
        names = {name: given.get(name, default).split(",") for name, (default, _) in CHOICES.items()}
        warmup(**names, layer_norm=options.layer_norm)
    if options.timings:
        for seconds, name in sorted(compiling.times, reverse=True):
            print(f"{seconds:8.3f} s  {name}")
    return 0
