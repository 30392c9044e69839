"""``fastbp train`` on data that are read in pieces: more rows than memory holds."""

from __future__ import annotations

import argparse
import fnmatch
import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import networks, pictures
from .arguments import resumed, wanted_checkpoint
from .files import PARTS, is_pattern
from .networks import new_model
from .output import plain, r2_line
from .tables import target

if TYPE_CHECKING:
    from ..data.sources.source import Source
    from ..training.history import History
    from .summary import Summary

HELD_OUT = 0.2


def wanted(options: argparse.Namespace) -> bool:
    """Return whether the data are to be read in pieces: with --memory, a pattern of files or a folder of parts."""
    data = options.data
    return options.memory is not None or (data is not None and (is_pattern(data) or _holds_parts_alone(data)))


def _check(options: argparse.Namespace) -> None:
    """Raise ValueError for options that data in pieces do not go with."""
    for name, given in (
        ("--report", options.report is not None),
        ("--mpi", options.mpi),
        (f"--recipe {options.recipe}", options.recipe not in (None, "plain")),
        ("--max-bytes", options.max_bytes is not None),
    ):
        if given:
            raise ValueError(f"{name} needs data in memory, not in pieces, as --memory, a pattern or a folder asks for")
    if options.header is False:
        raise ValueError("--no-header: CSV that is read in pieces needs first lines that name the columns")


def train(options: argparse.Namespace) -> int:
    """Train on a source, and save the model; return the exit status."""
    _check(options)
    pictures.check(options)
    checkpoint = wanted_checkpoint(options)
    from ..data.sources.view import View
    from .summary import Summary

    name = Path(options.data).name or str(options.data)
    source = _source(options)
    summary = Summary(source, options.seed, HELD_OUT, options.task, options.data)
    scale = summary.target_scale()
    names = summary.target.class_names
    model = new_model(options, summary.columns, names, source.feature_names, summary.scaling(), scale)
    if not options.quiet:
        _announce(name, source, summary)
    rows = View(source, options.seed, HELD_OUT, False, summary.numbered(), summary.train)
    test = View(source, options.seed, HELD_OUT, True, summary.numbered(), summary.test)
    given: dict[str, Any] = {
        "X": rows,
        "callbacks": () if checkpoint is None else checkpoint,
        "resume": resumed(options),
    }
    if options.plot is not None:
        given["validation_data"] = test

    def draw(history: History, batch_size: int, seconds: float) -> None:
        if options.plot is not None:
            pictures.draw(history, options.plot)

    return networks.train(
        options, model, scale, summary.train, summary.target.doubts, given, lambda _: _result(model, test, scale), draw
    )


def _ending(path: str) -> str | None:
    """Return the pattern of the parts in a folder, or None if it is no folder of parts."""
    if not os.path.isdir(path):
        return None
    return next((each for each in PARTS if glob.glob(os.path.join(glob.escape(path), each))), None)


def _holds_parts_alone(path: str) -> bool:
    """Return whether a folder holds parts and nothing else, but for files whose names begin with a dot or underline."""
    ending = _ending(path)
    pattern = None if ending is None else ending.replace("X*", "*")
    return pattern is not None and all(
        fnmatch.fnmatch(name, pattern) for name in os.listdir(path) if not name.startswith((".", "_"))
    )


def _source(options: argparse.Namespace) -> Source:
    """Return the source that --data names, with the column of --target, by default the last."""
    from ..data.sources import columns, parquet, parts, paths
    from ..data.sources.source import MEMORY

    data, memory = options.data, options.memory or MEMORY
    ending = _ending(data)
    if ending == "X*.npy":
        if options.target is not None:
            raise ValueError("--target is for columns with names; of .npy parts the files y*.npy are the target")
        return parts.Npy(data, memory=memory)
    if os.path.isdir(data) and ending is None:
        raise ValueError(f"{data}: has no parts: {', '.join(PARTS)}; of other folders leave out --memory")
    found = paths.found("--data", data, ending or "*").paths
    with open(found[0], "rb") as file:
        start = file.read(4)
    if start in (b"PK\x03\x04", b"\x93NUM"):
        raise ValueError(f"{found[0]}: --memory is for Parquet, CSV, or a folder of X*.npy and y*.npy")
    if start == b"PAR1":
        schema = columns.pyarrow("pyarrow.parquet").read_schema(found[0])
        return parquet.Parquet(found, target(options, schema.names), memory=memory)
    delimiter, names = parts.header(found[0])
    return parts.Csv(found, target(options, names), delimiter=delimiter, memory=memory)


def _announce(name: str, source: Source, summary: Summary) -> None:
    """Print what the data are, and how they were read where that was guessed."""
    names = summary.target.class_names
    what = f"{len(names)} classes" if names else "a number to predict"
    print(f"data: {plain(name)}, {summary.train:,} rows to train on, {summary.test:,} to test, {what}")
    pieces = f"{len(source):,} piece{'s' * (len(source) > 1)}"
    print(f"read in {pieces}, within {source.memory / 1e6:,.0f} MB for rows")
    for remark in summary.target.remarks:
        print(plain(remark))


def _result(model: Any, test: Source, scale: Any) -> str:
    """Return the line on how well the rows held out are predicted."""
    if scale is None:
        return f"test accuracy: {100 * model.evaluate(test)['accuracy']:.2f} %"
    y = np.concatenate([part.y for piece in range(len(test)) for part in test._read(piece, features=False)])
    z = model.predict(test).astype(np.float64)
    error, spread = float(np.mean((z - y) ** 2)), float(np.var(y))
    return r2_line(1 - error / spread if np.ptp(y) else None, error**0.5 * scale.deviation)
