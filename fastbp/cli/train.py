"""The command ``fastbp train``."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from . import pictures
from .arguments import hidden_sizes, whole
from .output import INTERRUPTED, plain

if TYPE_CHECKING:
    from ..files.datasets import Dataset

SMALL = 10_000  # rows below which the defaults are more epochs and smaller batches
HELD_OUT = 0.2


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command's arguments."""
    train = commands.add_parser(
        "train",
        help="train a network and save it",
        description="Train a network, test it and save it. Folders of MNIST include a test set; "
        "of other data a fifth of the rows is held out.",
        allow_abbrev=False,
    )
    add, by_rows = train.add_argument, f"default: {{}} below {SMALL:,} rows, else {{}}"
    data = "folder of MNIST's IDX files, CSV (or .csv.gz), or .npz with X and y; default: the digits of this package"
    target = "column of a CSV that holds the labels: its name, or its number from 0; default: the last"
    hidden = 'units of the hidden layers, such as 128,64 or 128-64, or "none"; default: 128'
    add("--data", metavar="PATH", help=data)
    add("--target", metavar="COLUMN", help=target)
    add("--hidden", metavar="UNITS", type=hidden_sizes, default=[128], help=hidden)
    add("--epochs", metavar="N", type=whole(1), help=f"passes over the data; {by_rows.format(20, 10)}")
    add("--batch-size", metavar="N", type=whole(1), help=f"rows a step; {by_rows.format(16, 32)}")
    add("--learning-rate", metavar="RATE", type=float, help="default: 0.1")
    add(
        "--seed",
        metavar="N",
        type=whole(0),
        default=0,
        help="fixes initial weights, shuffling and the rows held out; default: 0",
    )
    add("--save", metavar="PATH", default="fastbp-model.safetensors", help="file of the model; default: %(default)s")
    add("--plot", metavar="FILE", help="draw the learning curve: .png, .svg, .pdf, ...; needs the extra plot")
    add("--report", metavar="FILE.html", help="write a page about the training and its result; needs the extra plot")
    add("--quiet", action="store_true", help="print only the result")
    train.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from .. import Model
    from ..files import datasets, models

    models.check_writable(options.save)
    pictures.check(options)
    data = _training_data(options)
    usual = (20, 16) if len(data.X) < SMALL else (10, 32)
    epochs, batch_size = options.epochs or usual[0], options.batch_size or usual[1]
    shift, scale = datasets.scaling(data.X)
    model = Model(
        [data.X.shape[1], *options.hidden, len(data.class_names)],
        learning_rate=options.learning_rate,
        seed=options.seed,
        input_shift=shift,
        input_scale=scale,
        feature_names=data.feature_names,
        class_names=data.class_names,
    )
    if not options.quiet:
        rows = f"{len(data.X):,} rows to train on, {len(data.X_test):,} to test"  # type: ignore[arg-type]
        print(f"data: {plain(data.name)}, {rows}, {len(data.class_names)} classes")
        sizes = "-".join(map(str, model.layer_sizes))
        print(f"network: {sizes}, {epochs} epochs in batches of {batch_size}", flush=True)
    pictured = pictures.Pictures(options, data)
    start = time.perf_counter()
    try:
        history = model.fit(
            data.X, data.y, epochs=epochs, batch_size=batch_size, verbose=not options.quiet, **pictured.arguments
        )
    except ArithmeticError as error:
        raise ValueError(f"training diverged, nothing was saved: {error}; --learning-rate sets it") from None
    seconds = time.perf_counter() - start
    model.save(options.save)
    if history.interrupted:
        print(f"fastbp: interrupted in epoch {len(history.loss) + 1} of {epochs}", file=sys.stderr)
    print(f"test accuracy: {100 * model.evaluate(data.X_test, data.y_test)['accuracy']:.2f} %")
    print(f"training time: {seconds:.2f} seconds")
    print(f"model saved: {plain(options.save)}")
    pictured.write(model, history, batch_size, seconds, options.seed)
    return INTERRUPTED if history.interrupted else 0


def _training_data(options: argparse.Namespace) -> Dataset:
    from ..files import datasets

    data = datasets.digits() if options.data is None else datasets.read(options.data, options.target)
    if len(data.class_names) < 2:
        raise ValueError(f"{data.name}: all rows have the label {data.class_names[0]!r}, two classes are needed")
    return data if data.X_test is not None else datasets.split(data, HELD_OUT, options.seed)
