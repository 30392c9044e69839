"""The command ``fastbp train``."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..files.table import NoNumberError
from ..tables import reading
from . import networks, pictures, pieces, ranks, tables
from .arguments import (
    add_checkpoint,
    add_data,
    add_header,
    add_max_bytes,
    add_memory,
    hidden_sizes,
    resumed,
    wanted_checkpoint,
    whole,
)
from .networks import REGRESSION_RATE, SMALL, new_model
from .output import plain, r2_line

if TYPE_CHECKING:
    from ..files.datasets import Dataset
    from ..files.scales import TargetScale
    from ..model.model import Model
    from ..training.history import History

HELD_OUT = 0.2
TASKS = ("classification", "regression")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    train = commands.add_parser(
        "train",
        help="train a network and save it",
        description="Train a network, test it and save it. Folders of MNIST include a test set; "
        "of other data a fifth of the rows is held out.",
        allow_abbrev=False,
    )
    add, by_rows = train.add_argument, f"default: {{}} below {SMALL:,} rows, else {{}}; by td-s {{}}"
    task = "whether the target is classes or a number to predict; default: its values decide"
    target = "column of a CSV that holds the labels, or numbers: its name, or its number from 0; default: the last"
    hidden = 'units of the hidden layers, such as 128,64 or 128-64, or "none"; default: 128, or 256,256,256 by td-s'
    recipe = "how: a plain network for numbers alone, or for tables RealMLP-TD-S or the stronger RealMLP-TD"
    add_data(train)
    add_memory(train)
    add("--target", metavar="COLUMN", help=target)
    add_header(train)
    add("--task", choices=TASKS, help=task)
    add_max_bytes(train)
    add("--recipe", choices=("plain", "td-s", "td"), help=recipe)
    add("--hidden", metavar="UNITS", type=hidden_sizes, help=hidden)
    add("--epochs", metavar="N", type=whole(1), help=f"passes over the data; {by_rows.format(20, 10, 256)}")
    add("--batch-size", metavar="N", type=whole(1), help=f"rows a step; {by_rows.format(16, 32, 256)}")
    rate = f"default: 0.1, or {REGRESSION_RATE} for a number to predict; by td-s 0.04 and 0.07"
    add("--learning-rate", metavar="RATE", type=float, help=rate)
    add(
        "--seed",
        metavar="N",
        type=whole(0),
        default=0,
        help="fixes initial weights, shuffling and the rows held out; default: 0",
    )
    add("--save", metavar="PATH", default="fastbp-model.safetensors", help="file of the model; default: %(default)s")
    add_checkpoint(train)
    add("--mpi", action="store_true", help="train on all processes that mpiexec started; needs the extra mpi")
    add("--plot", metavar="FILE", help="draw the learning curve: .png, .svg, .pdf, ...; needs the extra plot")
    add("--report", metavar="FILE.html", help="write a page about the training and its result; needs the extra plot")
    add("--quiet", action="store_true", help="print only the result")
    train.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    if options.data is None:
        _check_without_data(options)
    if pieces.wanted(options):
        return pieces.train(options)
    return ranks.run(options, _train) if options.mpi else _train(options)


def _check_without_data(options: argparse.Namespace) -> None:
    """Raise ValueError for options that say how data are read, where the digits of this package are learned."""
    for name, given in (
        ("--memory", options.memory is not None),
        ("--target", options.target is not None),
        ("--header" if options.header else "--no-header", options.header is not None),
        ("--max-bytes", options.max_bytes is not None),
        ("--task regression", options.task == "regression"),
        (f"--recipe {options.recipe}", options.recipe not in (None, "plain")),
    ):
        if given:
            raise ValueError(f"{name} needs --data, as the digits of this package are classes and in memory")


def _train(options: argparse.Namespace) -> int:
    from ..files import scales

    pictures.check(options)
    checkpoint = wanted_checkpoint(options)
    if (data := _numbers(options)) is None:
        if options.mpi:
            raise ValueError("--mpi trains networks of numbers alone, not the recipe for tables")
        return tables.train(options, checkpoint)
    scale = scales.target_scale(data.y) if data.task == "regression" else None
    model = new_model(options, data.X.shape[1], data.class_names, data.feature_names, scales.scaling(data.X), scale)
    if not options.quiet:
        _announce(data)
    learned = data if scale is None else _on_scale(data, scale)
    pictured = pictures.Pictures(options, learned)
    if checkpoint is not None:
        callbacks = *pictured.arguments.get("callbacks", ()), checkpoint
        pictured.arguments |= {"callbacks": callbacks, "resume": resumed(options)}

    def draw(history: History, batch_size: int, seconds: float) -> None:
        pictured.write(model, history, batch_size, seconds, options.seed)

    given = ranks.arguments(learned.X, learned.y, ranks.world(options), pictured.arguments)
    told = partial(_result, data=data, scale=scale)
    return networks.train(options, model, scale, len(data.X), data.doubts, given, told, draw)


def _numbers(options: argparse.Namespace) -> Dataset | None:
    """Return data of numbers alone, or None for a table that is to be learned by the recipe for tables."""
    if options.recipe in ("td-s", "td") or _is_parquet(options.data):
        return None
    try:
        return _training_data(options)
    except NoNumberError as error:
        if options.recipe == "plain" or options.header is False:
            raise
        if not reading.available():
            raise ValueError(f"{error}; tables of text and gaps need pip install 'fastbp[tables]'") from None
        return None


def _is_parquet(path: str | None) -> bool:
    if path is None or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _training_data(options: argparse.Namespace) -> Dataset:
    from ..files import datasets

    if options.data is None:
        data = datasets.digits()
    else:
        how = {"header": options.header, "task": options.task, "max_bytes": options.max_bytes}
        data = datasets.read(options.data, options.target, **how)
    if len(data.class_names) == 1:
        raise ValueError(f"{data.name}: all rows have the label {data.class_names[0]!r}, two classes are needed")
    return data if data.X_test is not None else datasets.split(data, HELD_OUT, options.seed)


def _announce(data: Dataset) -> None:
    """Print what the data are, and how they were read where that was guessed."""
    rows = f"{len(data.X):,} rows to train on, {len(data.X_test):,} to test"  # type: ignore[arg-type]
    target = f"{len(data.class_names)} classes" if data.class_names else "a number to predict"
    print(f"data: {plain(data.name)}, {rows}, {target}")
    for remark in data.remarks:
        print(plain(remark))


def _on_scale(data: Dataset, scale: TargetScale) -> Dataset:
    """Return the data set as the network learns it."""
    assert data.y_test is not None, "rows were held out"
    return replace(data, y=scale.standardized(data.y), y_test=scale.standardized(data.y_test))


def _result(model: Model, data: Dataset, scale: TargetScale | None) -> str:
    """Return the line on how well the rows held out are predicted."""
    if scale is None:
        return f"test accuracy: {100 * model.evaluate(data.X_test, data.y_test)['accuracy']:.2f} %"
    assert data.y_test is not None, "rows were held out"
    return r2_line(*scale.score(model.predict(data.X_test), data.y_test))
