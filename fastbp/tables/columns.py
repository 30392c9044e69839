"""The columns of a table, and the numbers that a network takes for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data import assembled, checks
from ..data.sparse import SparseRows
from . import column as single
from . import scaling
from .column import Column
from .described import DescribedColumns, distinct
from .given import found, training_rows
from .kinds import decisions
from .scaling import Scales
from .table import Table, called, table

VERSION = 1  # of the configuration


class Columns:
    """What a table's columns are, and how they become the inputs of a network; `fit` makes it.

    Attributes
    ----------
    n_columns, n_outputs : int
        Columns of the table that was fitted, and inputs of the network.
    names : list of str or None
        The names of the columns, None where they have none.
    input_names : list of str
        What each input tells, such as "age", "age is missing" and "city = Oslo".
    is_number : ndarray of shape (n_outputs,), bool
        Which inputs are numbers, and not codes of categories or of gaps.
    embedded : list of int
        How many levels each column has whose levels `codes` numbers.
    described : tuple
        Name, kind, what became and a note for each column; it prints as a table.
    """

    def __init__(self, columns: Sequence[Column], names: Sequence[str] | None, scales: Scales) -> None:
        self._columns, self._scales = tuple(columns), scales
        self.names: list[str] | None = None if names is None else list(names)
        called_so = self.names or [f"column {i}" for i in range(len(columns))]
        self.n_columns: int = len(self._columns)
        each = list(zip(self._columns, called_so, strict=True))
        self.input_names: list[str] = distinct([text for column, name in each for text in column.inputs(name)])
        self.n_outputs: int = len(self.input_names)
        self.is_number: np.ndarray = np.array([one for column in columns for one in column.is_number], bool)
        self.embedded: list[int] = [c.levels.count for c in columns if c.levels is not None and c.levels.embedded]
        embedded = [name for column, name in each if column.levels is not None and column.levels.embedded]
        self.embedded_names: list[str] = distinct([*self.input_names, *embedded])[self.n_outputs :]
        self.described: DescribedColumns = DescribedColumns(column.described(name) for column, name in each)

    @property
    def scales(self) -> Scales:
        """The centre and the factor of each input."""
        return self._scales

    @property
    def becoming_inputs(self) -> list[tuple[str, Column]]:
        """The columns that become inputs, in their order, each with its name or what stands for that."""
        return [(one.name, column) for one, column in zip(self.described, self._columns, strict=True) if column.width]

    def __repr__(self) -> str:
        return f"<Columns: {self.n_columns} columns become {self.n_outputs} inputs>"

    @classmethod
    def fit(
        cls,
        X: Any,
        train: Any,
        *,
        categorical_features: Any = None,
        numerical_features: Any = None,
        max_categories: int = 1000,
        embed_above: int | None = None,
    ) -> Columns:
        """Find out what the columns of a table are, and on which scales they become inputs.

        Numbers stay; a gap becomes the median, and where X has gaps another input tells them. Two levels become 1 and
        -1, others an input of 0 and 1 for each; gaps and unseen values are 0. Dates become day, month and weekday.
        Text that holds numbers, dates, or true and false is read. Identifiers and columns without a value are left out,
        constant columns stay, as zeros. Identifiers are text, all different, and whole numbers of a named column, all
        different and without a gap, if the name says so ("id", "customer number"), or if at least 50 begin within the
        first tenth of their count and leave out less than half, as numbers of rows do, unless the name tells a time
        (such as "age" or "year"). Text of digits counts as whole numbers, floats do not.

        Each input is centred at its median and divided by the difference of its quartiles, else by half its range, else
        multiplied by 0. Then z / sqrt(1 + (z / 3)^2) takes outliers in.

        Parameters
        ----------
        X : data frame, array or list of rows
            Of pandas, polars or Arrow; numbers or objects.
        train : array of int
            The numbers of the rows whose medians, quartiles and ranges are taken. Levels are those of all rows; those
            that are embedded are of these rows alone.
        categorical_features : list of names or numbers of columns, or mask, optional
            Columns that hold categories whatever their cells, also those of numbers, and of which none is left out.
        numerical_features : list of names or numbers of columns, or mask, optional
            Columns that hold numbers, of which none is taken for identifiers.
        max_categories : int
            Levels at most: of more the commonest stay, and one is for all others, also unseen ones.
        embed_above : int, optional
            Categories of more levels become no inputs: `codes` numbers their levels.

        Returns
        -------
        Columns

        Raises
        ------
        TypeError
            Where X is no table, or a column holds neither numbers, booleans, text, categories nor dates.
        ValueError
            Where X is empty, has repeated names, infinite numbers, or no column to learn from; or an option is wrong.

        Examples
        --------
        >>> from fastbp.tables.columns import Columns
        >>> X = [[31, "Oslo", True], [None, "Rome", False], [45, "Oslo", True], [52, "Bonn", True]]
        >>> columns = Columns.fit(X, [0, 1, 2, 3])
        >>> columns.input_names[:3]
        ['column 0', 'column 0 is missing', 'column 1 = Bonn']
        >>> columns.transform(X).shape
        (4, 6)
        """
        most = checks.whole_number("max_categories", max_categories, 2)
        if embed_above is not None:
            checks.whole_number("embed_above", embed_above, 1)
        given = table(X)
        rows = training_rows(train, given.rows)
        decided = decisions(given, categorical_features, numerical_features)
        columns = [single.fit(one, given.called(i), rows, most, embed_above) for i, one in enumerate(decided)]
        bare = cls(columns, given.names, Scales(np.empty(0), np.empty(0)))
        if not bare.n_outputs and not bare.embedded:
            raise ValueError(f"X must have a column to learn from, all are left out:\n{bare.described}")
        scales = [
            scaling.fit_levels(column.numbered(decision.cells, what)[rows], column.width) if column.is_one_hot
            else scaling.fit(column.values(decision.cells, what)[rows])
            for column, decision, what in zip(columns, decided, map(given.called, range(given.columns)), strict=True)
            if column.width
        ]  # fmt: skip
        return cls(columns, given.names, scaling.joined(scales))

    def transform(self, X: Any, dtype: Any = "float32", name: str = "X") -> np.ndarray:
        """Return the inputs that the network takes for the rows of a table.

        Columns are found by name, in any order and among others, if both tables have names; else by place. Those that
        are left out need not be there.

        Parameters
        ----------
        X : data frame, array or list of rows
        dtype : {"float32", "float64"}
            Of the result; the computation is in float64.
        name : str
            What errors call X.

        Returns
        -------
        ndarray of shape (rows, n_outputs)

        Raises
        ------
        ValueError
            Where columns are missing or of another number, X has no rows, or a cell is not of its column's kind.
        TypeError
            Where X is no table.
        """
        kind = checks.dtype(dtype)
        rows, parts = self._parts(X, name)
        return assembled.dense(rows, self.n_outputs, kind, parts)

    def inputs(self, X: Any, dtype: Any = "float32", name: str = "X") -> np.ndarray | SparseRows:
        """Return what `transform` does, as sparse rows where dense ones take far more memory.

        Parameters
        ----------
        X, dtype, name
            As for `transform`.

        Returns
        -------
        ndarray or SparseRows of shape (rows, n_outputs)
            Of equal numbers.

        Raises
        ------
        ValueError, TypeError
            As `transform` does.
        """
        kind = checks.dtype(dtype)
        rows, parts = self._parts(X, name)
        return assembled.rows_of(rows, self.n_outputs, kind, list(parts))

    def codes(self, X: Any, name: str = "X") -> np.ndarray:
        """Return the numbers of the levels of the columns that are to be embedded.

        Parameters
        ----------
        X : data frame, array or list of rows
        name : str
            What errors call X.

        Returns
        -------
        ndarray of shape (rows, len(embedded)), int32
            From 1 in the order of the levels; 0 where a value is missing or was not among the rows that train.

        Raises
        ------
        ValueError, TypeError
            As `transform` does.
        """
        given, places = self._found(X, name)
        found = np.empty((given.rows, len(self.embedded)), np.int32)
        wanted = [i for i, c in enumerate(self._columns) if c.levels is not None and c.levels.embedded]
        for out, i in zip(found.T, wanted, strict=True):
            cells = given.cells(places[i])  # type: ignore[arg-type]  # a used column has a place
            out[:] = self._columns[i].numbered(cells, called(i, self.names, given.name))
        return found

    def to_config(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that `transform` needs, without pickle.

        Returns
        -------
        config : dict
            As JSON can hold it.
        arrays : dict of str to ndarray
            float64: what stands in for gaps, centres and factors.
        """
        parts = [single.to_config(column) for column in self._columns]
        config = {"version": VERSION, "names": self.names, "columns": [config for config, _ in parts]}
        fill = np.concatenate([fill for _, fill in parts])
        return config, {"fill": fill, "center": self._scales.center.copy(), "factor": self._scales.factor.copy()}

    @classmethod
    def from_config(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Columns:
        """Return the columns that `to_config` gave: `transform` returns the same bits.

        Parameters
        ----------
        config : dict
        arrays : dict of str to ndarray

        Returns
        -------
        Columns

        Raises
        ------
        ValueError
            Where they are not what `to_config` gave, or a newer version did.
        """
        try:
            if config["version"] != VERSION:
                raise ValueError(f"version {VERSION} is expected, got {config['version']!r}")
            fill, center, factor = (np.array(arrays[key], np.float64) for key in ("fill", "center", "factor"))
            columns, place = single.all_from_config(config["columns"], fill)
            names = checks.names("names", config["names"], len(columns))
            found = cls(columns, names, Scales(center, factor))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"config must be what Columns.to_config gave: {type(error).__name__}: {error}") from None
        if fill.shape != (place,) or not (center.shape == factor.shape == (found.n_outputs,)):
            raise ValueError(
                f"arrays must hold {place} fillings and {found.n_outputs} scales, as Columns.to_config gave"
            )
        if not all(np.isfinite(array).all() for array in (fill, center, factor)):
            raise ValueError("arrays must hold finite numbers, as Columns.to_config gave")
        return found

    def _found(self, X: Any, name: str = "X") -> tuple[Table, list[int | None]]:
        """Return a table, and the place of each column in it, None where it is not needed."""
        given = table(X, name)
        return given, found(given, self.names, [column.used for column in self._columns])

    def _parts(self, X: Any, name: str) -> tuple[int, Iterator[assembled.Part]]:
        """Return the number of rows of a table, and column after column what it becomes."""
        given, places = self._found(X, name)
        return given.rows, self._scaled(given, places)

    def _scaled(self, given: Table, places: list[int | None]) -> Iterator[assembled.Part]:
        at = 0
        for i, (column, place) in enumerate(zip(self._columns, places, strict=True)):
            what, here = called(i, self.names, given.name), slice(at, at + column.width)
            scales, at = Scales(self._scales.center[here], self._scales.factor[here]), here.stop
            if not column.width:
                continue
            cells = given.cells(place)  # type: ignore[arg-type]  # a used column has a place
            if column.is_one_hot:
                yield assembled.Part(here, scaling.of_levels(scales), column.numbered(cells, what))
                continue
            values = column.values(cells, what)
            scaling.scale(values, scales)
            yield assembled.Part(here, values)
