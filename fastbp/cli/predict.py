"""The command ``fastbp predict``."""

from __future__ import annotations

import argparse
import io
import sys
from typing import Any

import numpy as np

from . import tables
from .arguments import add_header, add_max_bytes
from .output import complain, plain


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    predict = commands.add_parser(
        "predict",
        help="predict rows with a saved model",
        description="Print class and probability of each row, separated by a tab, or the predicted numbers of a model "
        "for numbers. Columns of a CSV with a header are found by name, among any others, and else by position.",
        allow_abbrev=False,
    )
    predict.add_argument("model", metavar="MODEL", help="file that train saved")
    data = (
        "CSV (or .csv.gz), .npz with X, IDX file of images, or - for standard input; for a model of a table a file of "
    )
    predict.add_argument("data", metavar="DATA", help=data + "CSV, TSV (or .csv.gz, .tsv.gz) or Parquet")
    target = "column that holds labels and is left out: its name, or its number from 0"
    predict.add_argument("--target", metavar="COLUMN", help=target)
    add_header(predict)
    add_max_bytes(predict)
    predict.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from ..files import datasets, models

    model: Any = models.load(options.model)
    if not hasattr(model, "layer_sizes"):
        return tables.predict(model, options)
    doubts: list[str] = []
    source = _standard_input() if options.data == "-" else options.data
    known = model.layer_sizes[0], model.feature_names, options.target
    settings = {"header": options.header, "doubts": doubts, "max_bytes": options.max_bytes}
    X = datasets.read_inputs(source, *known, **settings)
    for doubt in doubts:
        complain(doubt)
    if not hasattr(model, "predict_proba"):
        for numbers in model.predict(X).reshape(len(X), -1):
            sys.stdout.write("\t".join(f"{number:.6g}" for number in numbers) + "\n")
        return 0
    probabilities = model.predict_proba(X)
    if probabilities.shape[1] == 1 and not model.network.of_classes:  # one output is the probability of class 1
        probabilities = np.hstack([1 - probabilities, probabilities])
    names = model.class_names or []
    if len(names) != probabilities.shape[1]:
        names = [str(c) for c in range(probabilities.shape[1])]
    names = [plain(name) for name in names]
    for row, c in zip(probabilities, probabilities.argmax(axis=1), strict=True):
        sys.stdout.write(f"{names[c]}\t{row[c]:.6f}\n")
    return 0


def _standard_input() -> io.BufferedReader:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return io.BufferedReader(io.BytesIO(sys.stdin.buffer.read()))
