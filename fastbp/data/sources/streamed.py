"""A source of rows on its way into a network: its parts are checked, and put together to blocks of minibatches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import checks, classes, frames, labelled
from ..samples import Labelled, Samples, Sums
from ..sparse import SparseRows
from .ahead import AT_ONCE, Ahead
from .buffer import Buffer, Rows
from .columns import Columns
from .source import Part, PieceError, Source, named, named_by

if TYPE_CHECKING:
    from ...model.model import Model

LOOKED_AT = 256  # rows of the first block that are kept, to tell whether inputs are scaled
ORDER_BYTES = 8  # of a row's number in the order of a block


class Block(NamedTuple):
    """Successive rows of a pass over a source.

    Parameters
    ----------
    data : Labelled
        Valid until the next block is asked for.
    first : int
        How many rows of the pass come before.
    last : bool
        Whether no more come.
    """

    data: Labelled
    first: int
    last: bool


class Streamed:
    """A source whose rows are checked and become what plans take.

    Parameters
    ----------
    model : Model
    source : Source
    name : str
        Of the argument, for errors.
    has_targets : bool
        Whether y and weights are wanted.
    """

    model: Model
    source: Source
    name: str
    has_targets: bool
    rows: int | None

    def __init__(self, model: Model, source: Source, name: str = "X", has_targets: bool = True) -> None:
        self.model, self.source, self.name, self.has_targets = model, source, name, has_targets
        self.class_weights: np.ndarray | None = None  # one for each class
        self.looked_at: Labelled | None = None
        self.rows = source.rows
        self.feature_names: list[str] | None = source.feature_names
        frames.check_names(model.feature_names, self.feature_names, name)
        self._ahead: Ahead[Buffer, Block] | None = None
        self._buffers: list[Buffer] = []
        self._kind: tuple[np.dtype, bool] | None = None  # dtype of X, and whether rows have weights

    def blocks(
        self, pieces: np.ndarray | None, batch_size: int, most: int | None = None, done: int = 0
    ) -> Generator[Block, None, None]:
        """Return an iterator over the rows of a pass, in blocks of whole minibatches that a thread reads ahead.

        Parameters
        ----------
        pieces : ndarray of int, optional
            The order of the pieces; by default as they are.
        batch_size : int
        most : int, optional
            Bytes that a block may have besides what `memory` allows.
        done : int
            Rows that are done already. The blocks that hold no others are left out.
        """
        order = range(len(self.source)) if pieces is None else pieces.tolist()
        if self._ahead is not None and self._ahead.reads:
            self._buffers = []
        before, self._buffers = self._buffers, []
        self._ahead = Ahead(
            lambda free: named_by(self.name, self._filled(order, batch_size, most, done, free)),
            lambda: self._buffer(self.block_rows(batch_size, most), before),
        )
        return iter(self._ahead)

    def passed(self, sums: Sums) -> None:
        """Be told that an epoch is done, with its sums; raise ValueError if its rows can't be those of the source."""
        if self._weighs and not sums.weight:
            raise ValueError(f"{self.name}: weights must not be zero for all rows")
        self.source._epoch_ended()

    def go_on(self, epochs: int) -> None:
        """Be told that so many epochs were done before, by another process."""
        for _ in range(epochs):
            self.source._epoch_ended()

    def class_counts(self) -> np.ndarray:
        """Return how many rows each class has, counted in a pass over y."""
        counts = np.zeros(classes.count(self.model.network), np.int64)
        for piece in range(len(self.source)):
            for part in self.source._read(piece, features=False):
                with named(part):
                    y = labelled.targets(self.model, part.y, len(part.X))
                    counts += classes.counts(y, self.model.network)
        return counts

    def weigh_classes(self, class_weight: Any) -> None:
        """Weigh rows by their classes; "balanced" takes a pass over y."""
        model, rows = self.model, np.ones(classes.count(self.model.network), np.int64)
        if isinstance(class_weight, str):
            checks.choice("class_weight", class_weight, ("balanced",))
            rows = self.class_counts()
        self.class_weights = classes.weights(class_weight, model.network, model.class_names, rows)

    def block_rows(self, batch_size: int, most: int | None = None) -> int:
        """Return how many rows a block has, once the first part was read; raise ValueError if memory is too small."""
        assert self._kind is not None, "a part was read"
        size = self.model.dtype.itemsize
        each = self._kind[0].itemsize * self.model.layer_sizes[0] + ORDER_BYTES
        if self.has_targets:
            of_classes = self.model.network.of_classes
            each += 8 if of_classes else size * self.model.layer_sizes[-1]
            each += size if self._weighs else 0
        room, reading = self.source.memory, self.source._reading_bytes()
        least = reading + AT_ONCE * batch_size * each
        if room < least:
            raise ValueError(
                f"{self.name}: memory must be at least {least} bytes, two minibatches of {batch_size} rows and what "
                f"reading takes, got {room}"
            )
        bytes_ = (room - reading) // AT_ONCE
        rows = max(1, (bytes_ if most is None else min(bytes_, most)) // each // batch_size) * batch_size
        return rows if self.rows is None else min(rows, -(-self.rows // batch_size) * batch_size)

    @property
    def _weighs(self) -> bool:
        return self.class_weights is not None or (self._kind is not None and self._kind[1])

    def _buffer(self, rows: int, before: list[Buffer]) -> Buffer:
        """Return a buffer for so many rows, one of the pass before if it fits: plans keep the rows of the last call."""
        assert self._kind is not None, "a part was read"
        model, y, weights = self.model, None, None
        buffer = before.pop() if before else None
        if buffer is None or len(buffer.X) != rows:
            if self.has_targets:
                outputs = model.layer_sizes[-1]
                y = np.empty(rows, np.int64) if model.network.of_classes else np.empty((rows, outputs), model.dtype)
                weights = np.empty(rows, model.dtype) if self._weighs else None
            buffer = Buffer(np.empty((rows, model.layer_sizes[0]), self._kind[0]), y, weights)
        self._buffers.append(buffer)
        return buffer

    def _filled(
        self, order: Any, batch_size: int, most: int | None, done: int, free: Callable[[], Buffer]
    ) -> Iterator[tuple[Buffer, Block]]:
        """Yield the blocks of a pass, each with the buffer that holds it."""
        buffer, first = None, -1
        for rows in self._rows_after(order, batch_size, most, done):
            if first < 0:
                size = self.block_rows(batch_size, most)
                first = done // size * size
            taken = 0
            while taken < len(rows.X):
                if buffer is not None and buffer.rows == size:
                    self._count(first + size, last=False)
                    yield buffer, self._block(buffer, first, last=False)
                    buffer, first = None, first + size
                if buffer is None:
                    buffer = free().clear()
                end = min(len(rows.X), taken + size - buffer.rows)
                buffer.take(rows.picked(taken, end))
                taken = end
        if buffer is None:
            raise PieceError(f"{self.name}: the source has fewer rows than before, {done} of them were done")
        self._count(first + buffer.rows, last=True)
        yield buffer, self._block(buffer, first, last=True)

    def _count(self, rows: int, last: bool) -> None:
        """Raise PieceError if there are not as many rows as the source said: steps of a schedule were counted by it."""
        if self.rows is not None and (rows > self.rows or (last and rows < self.rows)):
            more = "" if last else " at least"
            raise PieceError(f"{self.name}: rows must be how many the source has, got {self.rows}, it has{more} {rows}")

    def _rows_after(self, order: Any, batch_size: int, most: int | None, done: int) -> Iterator[Rows]:
        """Yield checked rows from the beginning of the block in which `done` rows are done."""
        skip = -1
        for piece in order:
            count = self.source._rows_of(piece)
            if skip > 0 and count is not None and skip >= count:
                skip -= count
                continue
            for part in self.source._read(piece):
                with named(part):
                    rows = self._checked(part)
                if skip < 0:
                    size = self.block_rows(batch_size, most)
                    skip = done // size * size
                    if count is not None and skip >= count:
                        skip -= count
                        break
                if skip < len(rows.X):
                    yield rows.picked(skip, len(rows.X))
                skip -= min(skip, len(rows.X))

    def _checked(self, part: Part) -> Rows:
        """Return the rows of a part, of the dtype that the first part had."""
        model, X = self.model, part.X
        if not isinstance(X, Columns):
            X, names = frames.as_array(X, "X")
            if isinstance(X, SparseRows):
                raise TypeError("X must be dense in a source, got a sparse array; X.toarray() makes it so")
            self._check_names(names)
            X = checks.inputs(X, model.layer_sizes[0])
        elif X.shape[1] != model.layer_sizes[0]:
            raise ValueError(f"X must have {model.layer_sizes[0]} columns, one for each input, got {X.shape[1]}")
        if self.has_targets and part.y is None:
            raise ValueError("y is missing; a piece must be a pair (X, y) or (X, y, weight), a source needs its target")
        self._require_alike(X, part.weight is not None and self.has_targets)
        if (embedding := model.network.embedding) is not None:
            X = np.asarray(X)
            labelled.check_levels(embedding, X, model.input_shift, model.input_scale, "X")
        if not self.has_targets:
            return Rows(X, None, None, part.name, part.row)
        y = labelled.targets(model, part.y, len(X))
        return Rows(X, y, self._weights(y, part.weight), part.name, part.row)

    def _require_alike(self, X: Any, weighs: bool) -> None:
        """Raise ValueError if rows can't stand beside those of the first part, by the dtype of X or by weights.

        Blocks hold float64 where the first part has 64-bit whole numbers: fractions may follow, as in chunks of a CSV.
        """
        if self._kind is None:
            whole = not isinstance(X, Columns) and X.dtype.kind in "iu" and X.dtype.itemsize == 8
            self._kind = np.dtype(np.float64) if whole else X.dtype, weighs
        dtype = self._kind[0]
        if not (np.can_cast(X.dtype, dtype, "safe") or (dtype.kind == "f" and X.dtype.kind in "biu")):
            told = "; give all pieces the same dtype, such as float64"
            raise ValueError(f"X must hold {dtype} as the pieces before, got {X.dtype}{told}")
        if weighs != self._kind[1]:
            came, due = ("has", "have none") if weighs else ("lacks", "have them")
            raise ValueError(f"the piece {came} weights of rows, those before {due}")

    def _weights(self, y: np.ndarray, weight: Any) -> np.ndarray | None:
        given = checks.weights(weight, len(y), self.model.dtype, "weight", some=False)
        if self.class_weights is None:
            return given
        each = self.class_weights[classes.of_rows(y, self.model.network)]
        both = each if given is None else each * given
        return checks.weights(both, len(y), self.model.dtype, "weight times class_weight", some=False)

    def _check_names(self, names: list[str] | None) -> None:
        """Raise ValueError if the columns of a data frame are not those of the model, or of the first piece."""
        frames.check_names(self.model.feature_names, names, "X")
        self.feature_names = self.feature_names or names
        frames.check_names(self.feature_names, names, "X")

    def _block(self, buffer: Buffer, first: int, last: bool) -> Block:
        """Return the rows of a buffer as a block; keep some of the first one."""
        model, n = self.model, buffer.rows
        samples = Samples(buffer.X[:n], model.input_shift, model.input_scale, self.name, buffer.origins())
        y = np.empty(0, np.int64) if buffer.y is None else buffer.y[:n]
        data = Labelled(samples, y, None if buffer.weights is None else buffer.weights[:n])
        if self.looked_at is None and buffer.y is not None:
            some = np.unique(np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(np.int64))
            self.looked_at = Labelled(
                Samples(buffer.X[some], model.input_shift, model.input_scale, self.name), buffer.y[some]
            )
        return Block(data, first, last)
