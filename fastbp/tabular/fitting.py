"""Networks for a table: which rows each trains and validates on, and the mean of their outputs."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from ..callbacks import Checkpoint
from ..data import checks
from ..data.sparse import SparseRows
from ..execution import threads
from ..model.model import Model
from ..tables.columns import Columns
from ..training.history import History
from .recipe import Recipe, Rows


@dataclass
class Member:
    """A network with what turns a table into its inputs, and its outputs into targets.

    Parameters
    ----------
    columns : Columns
    model : Model
    mean, deviation : float
        Of the targets that it was trained on; 0 and 1 for classes.
    best_epoch : int or None
        From 1; None without validation.
    errors, losses : ndarray
        Validation error and training loss after each epoch.
    interrupted : bool
        Whether Ctrl-C ended its training.
    limits : (float, float) or None
        What numbers are clipped to.
    """

    columns: Columns
    model: Model
    mean: float
    deviation: float
    best_epoch: int | None
    errors: np.ndarray
    losses: np.ndarray
    interrupted: bool = False
    limits: tuple[float, float] | None = None

    def history(self, of_classes: bool) -> History:
        """Return the curves as `Model.fit` does."""
        validated = {"val_accuracy": (1 - self.errors)} if of_classes else {"val_loss": self.errors**2 / 2}
        lists = {name: values.tolist() for name, values in validated.items()}
        return History(loss=self.losses.tolist(), interrupted=self.interrupted, **lists)

    def outputs(self, X: Any, of_classes: bool) -> np.ndarray:
        """Return probabilities of shape (rows, classes), or numbers of shape (rows, 1)."""
        if not of_classes:
            return self._numbers(X)
        z = self.model.predict_proba(inputs_of(self.columns, X, self.model.dtype)).astype(np.float64)
        return np.asarray(z / z.sum(axis=1, keepdims=True))

    def _numbers(self, X: Any) -> np.ndarray:
        z = self.model.predict(inputs_of(self.columns, X, self.model.dtype))
        numbers = z.astype(np.float64).reshape(-1, 1) * self.deviation + self.mean
        return numbers if self.limits is None else np.clip(numbers, *self.limits)


def inputs_of(columns: Columns, X: Any, dtype: Any, name: str = "X") -> np.ndarray | SparseRows:
    """Return the columns of the network's X: inputs, then the numbers of levels that it embeds."""
    if not columns.embedded:
        return columns.inputs(X, dtype, name)
    inputs = columns.transform(X, dtype, name)
    return np.hstack([inputs, columns.codes(X, name).astype(inputs.dtype)])


@dataclass(frozen=True)
class Table:
    """A table to learn from, its targets and weights, all checked.

    Parameters
    ----------
    X : data frame or array
    y : ndarray of shape (rows,)
        Class numbers, or numbers.
    weights : ndarray of shape (rows,) or None
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None


def fit(
    table: Table,
    recipe: Recipe,
    random: np.random.Generator,
    *,
    validation: Table | None = None,
    validation_fraction: float = 0.2,
    n_folds: int | None = None,
    categorical_features: Any = None,
    numerical_features: Any = None,
    max_categories: int = 1000,
    verbose: Any = 0,
    checkpoint: Checkpoint | None = None,
    resume: Any = None,
) -> list[Member]:
    """Return networks trained on a table: one, or one for each fold.

    Rows are split at random. Without folds the share `validation_fraction` validates, or the rows of `validation`.
    Folds train side by side, one a thread; where fewer are left than threads, these share them. The bits are the same
    for any number of threads.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    random : Generator
        Of the split, the first weights and the order of the rows.
    validation : Table, optional
        Rows that validate; then all rows of the table train.
    validation_fraction : float
    n_folds : int, optional
        Number of networks, each validated on the rows of its fold.
    categorical_features, numerical_features, max_categories
        As for `Columns.fit`.
    verbose : {"auto", True, False, 0, 1, 2}
        As for `Model.fit`, of a single network; folds are silent.
    checkpoint : Checkpoint, optional
        Of a single network.
    resume : path, optional
        As for `Model.fit`, of a single network.

    Returns
    -------
    list of Member

    Raises
    ------
    ValueError, TypeError
        Where the table has no column to learn from, or an option is wrong.
    KeyboardInterrupt
        By Ctrl-C while folds train. A single network ends with its epoch instead, and says so.
    """
    n = len(table.y)
    if n_folds is None:
        splits = [_holdout(n, 0.0 if validation else validation_fraction, random)]
    else:
        splits = list(_folds(n, n_folds, random))
    seeds = random.integers(2**63, size=len(splits))

    def member(number: int, alone: Recipe, telling: tuple[Any, ...] = (0, None, None)) -> Member:
        train, held = splits[number]
        columns = Columns.fit(
            table.X, train, categorical_features=categorical_features, numerical_features=numerical_features,
            max_categories=max_categories, embed_above=recipe.part("embed_above"),
        )  # fmt: skip
        rows = _inputs(columns, table, recipe, "X")
        after = rows.picked(held) if validation is None else _inputs(columns, validation, recipe, "X_val")
        one = _trained(columns, rows.picked(train), after, alone, int(seeds[number]), *telling)
        one.model.n_threads = recipe.n_threads
        return one

    if n_folds is None:
        return [member(0, recipe, (verbose, checkpoint, resume))]
    if checkpoint is not None or resume is not None:
        raise ValueError("checkpoint and resume are of a single network: leave n_folds out")
    return _side_by_side(member, len(splits), recipe)


def _side_by_side(member: Callable[[int, Recipe], Member], count: int, recipe: Recipe) -> list[Member]:
    """Return so many networks, trained as many at a time as there are threads; these share the rest among them."""
    most, stop, found = threads.limit(recipe.n_threads), threading.Event(), list[Member]()
    whole = count // min(count, most) * min(count, most)
    for numbers in filter(None, (range(whole), range(whole, count))):
        workers = min(len(numbers), most)
        alone = replace(recipe, n_threads=most // workers, stop=stop)
        with ThreadPoolExecutor(workers) as pool:
            try:
                found += pool.map(member, numbers, repeat(alone))
            except BaseException:  # Ctrl-C, too: the others end with their epoch
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return found


def outputs(members: list[Member], X: Any, of_classes: bool) -> np.ndarray:
    """Return the mean of the networks' outputs: probabilities (rows, classes), or numbers (rows,)."""
    total = np.mean([member.outputs(X, of_classes) for member in members], axis=0)
    return total if of_classes else total[:, 0]


def _trained(
    columns: Columns, rows: Rows, held: Rows, recipe: Recipe, seed: int, verbose: Any, checkpoint: Checkpoint | None,
    resume: Any,
) -> Member:  # fmt: skip
    """Return a network trained on some rows, validated on others if there are any."""
    mean, deviation, limits = 0.0, 1.0, None
    if recipe.classes is None:
        if recipe.part("clip_outputs"):
            limits = float(rows.y.min()), float(rows.y.max())
        mean, deviation = _scale(rows.y)
        rows, held = (part._replace(y=((part.y - mean) / deviation)[:, None]) for part in (rows, held))
    random = np.random.default_rng(seed)
    levels = {columns.n_outputs + i: count + 1 for i, count in enumerate(columns.embedded)}  # 0 is not known
    embedding = recipe.embedding(np.flatnonzero(columns.is_number).tolist(), levels)
    model = recipe.model(rows.x.shape[1], random, embedding)
    recipe.draw(model, rows.x, random)
    trained = recipe.train(model, rows, held if len(held.y) else None, verbose, checkpoint, resume)
    model.feature_names = [*columns.input_names, *columns.embedded_names]
    errors, losses = trained.validation_errors, np.array(trained.history.loss)
    interrupted = trained.history.interrupted
    return Member(columns, model, mean, deviation, trained.best_epoch, errors, losses, interrupted, limits)


def _scale(y: np.ndarray) -> tuple[float, float]:
    """Return the mean and the deviation of targets; 1 where they differ by no more than rounding.

    Raises ValueError where either is beyond float64.
    """
    largest = float(np.abs(y).max()) or 1.0
    shares = y / largest
    mean, deviation = float(shares.mean()), float(shares.std())
    if deviation <= 8 * np.finfo(np.float64).eps:
        return mean * largest, 1.0
    if not math.isfinite(4 * largest):
        raise ValueError(f"y must hold numbers that can be added within float64, got {largest:g} among them")
    return mean * largest, deviation * largest


def _inputs(columns: Columns, table: Table, recipe: Recipe, name: str) -> Rows:
    return Rows(inputs_of(columns, table.X, recipe.dtype, name), table.y, table.weights)


def _holdout(n: int, share: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on, their number rounded up, and those to validate on, in random order."""
    order = random.permutation(n)
    first = max(1, math.ceil(n * (1 - share) - 1e-9))
    return order[:first], order[first:]


def _folds(n: int, n_folds: int, random: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows to train on and to validate on of each fold; the folds are as even as can be."""
    most = checks.whole_number("n_folds", n_folds, 2, n)
    order = random.permutation(n)
    for part in np.array_split(np.arange(n), most):
        held = np.zeros(n, bool)
        held[part] = True
        yield order[~held], order[held]
