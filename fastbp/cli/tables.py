"""``fastbp train`` and ``fastbp predict`` on tables with text, gaps, dates and the like."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.library.compiling import compiling
from . import pictures
from .arguments import resumed
from .networks import divergence_told
from .output import INTERRUPTED, plain, r2_line

if TYPE_CHECKING:
    from ..callbacks import Checkpoint
    from ..files.datasets import Dataset
    from ..tabular import fitting
    from ..tabular.fitting import Member
    from ..tabular.model import TableModel

HELD_OUT = 0.2
_POSITION = re.compile(r"\d{1,9}", re.ASCII)
_KINDS = {"classification": "classes", "regression": "numbers"}


@dataclass
class _Data:
    """A table read from a file: rows that have a target, and which are held out."""

    X: Any
    y: np.ndarray
    classes: np.ndarray | None
    target: str
    left_out: int
    train: np.ndarray
    test: np.ndarray

    def rows(self, which: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the table and the targets of some rows: classes, or numbers."""
        from ..tabular import rows

        y = self.y[which]
        return rows.picked(self.X, which), y if self.classes is None else self.classes[y]


def train(options: argparse.Namespace, checkpoint: Checkpoint | None) -> int:
    """Train on a table by the recipe for tables, and save the model; return the exit status."""
    from ..tabular import fitting, importance, rows
    from ..tabular.model import TableModel
    from ..tabular.recipe import Recipe

    data = _read(options)
    given = {"hidden_layer_sizes": options.hidden and tuple(options.hidden), "n_epochs": options.epochs}
    given |= {"batch_size": options.batch_size, "learning_rate": options.learning_rate, "recipe": options.recipe}
    recipe = Recipe(
        None if data.classes is None else len(data.classes), **{k: v for k, v in given.items() if v is not None}
    )
    table = fitting.Table(rows.picked(data.X, data.train), data.y[data.train])
    _check(options, data, table)
    if not options.quiet:
        _announce(options, data)
    start = compiling.now()
    how: dict[str, Any] = {"verbose": not options.quiet, "checkpoint": checkpoint, "resume": resumed(options)}
    with divergence_told():
        members = fitting.fit(table, recipe, np.random.default_rng(options.seed), **how)
    seconds = compiling.now() - start
    model = TableModel(members, data.classes, data.target)
    model.save(options.save)
    if not options.quiet:
        print("\n".join(map(plain, str(model.columns).splitlines())))
    if members[0].interrupted:
        print(f"fastbp: interrupted in epoch {len(members[0].losses) + 1} of {recipe.n_epochs}", file=sys.stderr)
    X, y = data.rows(data.test)
    if data.classes is None:
        error, spread = importance.error(model, X, y), float(y.std())
        print(r2_line(1 - error**2 / spread**2 if np.ptp(y) else None, error))
    else:
        print(f"test accuracy: {100 * (1 - importance.error(model, X, y)):.2f} %")
    print(f"training time: {seconds:.2f} seconds")
    print(f"model saved: {plain(options.save)}")
    _draw(options, data, model, seconds)
    return INTERRUPTED if members[0].interrupted else 0


def predict(model: TableModel, options: argparse.Namespace) -> int:
    """Print the class and its probability, or the number, of each row of a table; return the exit status."""
    from ..data import frames
    from ..tables import reading

    if options.data == "-":
        raise ValueError("a model of a table reads a file of CSV or Parquet, not standard input")
    if options.header is False:
        raise ValueError(
            f"--no-header: the model finds columns by name, which the first line of {options.data} must tell"
        )
    X = reading.read(options.data, options.max_bytes)
    if options.target is not None:
        frame = frames.as_frame(X, str(options.data))
        X = frame.drop(target(options, frame.columns)).to_native()
    if model.classes is None:
        sys.stdout.writelines(f"{number:.6g}\n" for number in model.predict(X))
        return 0
    probabilities, names = model.predict_proba(X), [plain(str(name)) for name in model.classes.tolist()]
    for row, c in zip(probabilities, probabilities.argmax(axis=1), strict=True):
        sys.stdout.write(f"{names[c]}\t{row[c]:.6f}\n")
    return 0


def _read(options: argparse.Namespace) -> _Data:
    """Return the table of a file, rows without a target left out, split at random."""
    from ..data import frames
    from ..tables import reading, targets
    from ..tabular import rows

    if options.header is False:
        raise ValueError(f"{options.data}: a table of text needs a first line that names its columns")
    native = reading.read(options.data, options.max_bytes)
    frame = frames.as_frame(native, str(options.data))
    name = target(options, frame.columns)
    column = frame[name].to_list()
    has = targets.has_target(column)
    left_out = int(np.count_nonzero(~has))
    X, y = rows.picked(frame.drop(name).to_native(), has), [column[i] for i in np.flatnonzero(has)]
    if len(y) < 2:
        raise ValueError(f"{options.data}: at least 2 rows with a target are needed, got {len(y)}")
    kind = _KINDS.get(options.task) or targets.classes_or_numbers(y)
    classes, numbers = (None, _numbers(y, name, options)) if kind == "numbers" else _classes(y, name, options)
    order = np.random.default_rng(options.seed).permutation(len(y))
    test = max(1, round(len(y) * HELD_OUT))
    return _Data(X, numbers, classes, name, left_out, order[test:], order[:test])


def target(options: argparse.Namespace, columns: list[str]) -> str:
    """Return the name of the target's column, given by name or number, by default the last."""
    wanted = options.target
    if wanted is None:
        return columns[-1]
    if wanted in columns:
        return str(wanted)
    if _POSITION.fullmatch(wanted) and int(wanted) < len(columns):
        return columns[int(wanted)]
    known = ", ".join(map(plain, columns[:20])) + (", ..." if len(columns) > 20 else "")
    raise ValueError(f"{options.data}: no column {wanted!r}; the columns are {known}")


def _classes(y: list[Any], name: str, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes in order, and the number of each row's."""
    kinds = {type(value) for value in y}
    values = y if len(kinds) == 1 else list(map(str, y))
    different = sorted(set(values))  # decimals and dates as such; the file keeps their text
    place = {value: i for i, value in enumerate(different)}
    numbers = np.array([place[value] for value in values], np.int64)
    classes = np.array(different if kinds <= {str, bool, int, float} else list(map(str, different)))
    if len(classes) == 1:
        raise ValueError(f"{options.data}: all rows have the {name} {classes.tolist()[0]!r}, two classes are needed")
    if len(classes) == len(y):
        raise ValueError(f"{options.data}: each {name} comes once, so there are no classes; --task regression?")
    return classes, numbers


def _numbers(y: list[Any], name: str, options: argparse.Namespace) -> np.ndarray:
    try:
        found = np.array([float(value) for value in y])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{options.data}: {name} must hold numbers for --task regression: {error}") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{options.data}: {name} must hold finite numbers, got {found[~np.isfinite(found)][0]}")
    return found


def _check(options: argparse.Namespace, data: _Data, table: fitting.Table) -> None:
    """Raise ValueError before training where rows that are held out could not be predicted after it."""
    from ..tables.columns import Columns

    columns = Columns.fit(table.X, np.arange(len(table.y)))
    try:
        columns.transform(data.X)
    except ValueError as error:
        raise ValueError(f"{options.data}: {str(error).removeprefix('X: ')}, the first row being 0") from None


def _announce(options: argparse.Namespace, data: _Data) -> None:
    """Print what the table is, and by what it is learned."""
    name, what = plain(Path(options.data).name), "a number to predict"
    if data.classes is not None:
        what = f"{len(data.classes)} classes"
    print(f"data: {name}, {len(data.train):,} rows to train on, {len(data.test):,} to test, {what}")
    if data.left_out:
        print(f"left out: {data.left_out:,} rows without {plain(data.target)}")
    print(f"target: {plain(data.target)}; recipe: RealMLP-{(options.recipe or 'td-s').upper()}")
    print("a fifth of the rows to train on chooses the epoch that is kept; no row to test does", flush=True)


def _draw(options: argparse.Namespace, data: _Data, model: TableModel, seconds: float) -> None:
    """Draw the learning curve and write the report, if asked."""
    if options.plot is None and options.report is None:
        return
    from ..tabular import importance

    member = model.members[0]
    if data.classes is not None:
        member.model.class_names = list(map(str, data.classes.tolist()))
    shown, matter = _as_learned(options, data, member), None
    if options.report is not None:
        matter = importance.importance(model, *data.rows(data.test))
    drawn = pictures.Pictures(options, shown, diagnoses=False)
    drawn.columns = None if matter is None else list(zip(model.columns, matter.tolist(), strict=True))
    drawn.write(member.model, member.history(data.classes is not None), 256, seconds, options.seed)


def _as_learned(options: argparse.Namespace, data: _Data, member: Member) -> Dataset:
    """Return the rows as the network takes them."""
    from ..files.datasets import Dataset

    x = member.columns.transform(data.X, member.model.dtype)
    y = data.y if data.classes is not None else (data.y - member.mean) / member.deviation
    names = [] if data.classes is None else list(map(str, data.classes.tolist()))
    return Dataset(
        x[data.train],
        y[data.train],
        names,
        member.columns.input_names,
        x[data.test],
        y[data.test],
        Path(options.data).name,
    )
