"""A trained model of a table: it takes rows as people have them, and gives classes or numbers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import fitting
from .fitting import Member


class TableModel:
    """Networks with the columns that they take, and the classes that they tell apart.

    `fastbp.load` gives it for a file of a tabular estimator or of ``fastbp train``. It needs no scikit-learn.

    Parameters
    ----------
    members : list of Member
        Their outputs are averaged.
    classes : ndarray or None
        In the order of the outputs; None for numbers.
    target : str or None
        Name of the column that was learned.
    """

    members: list[Member]
    classes: np.ndarray | None
    target: str | None

    def __init__(self, members: list[Member], classes: np.ndarray | None, target: str | None = None) -> None:
        self.members, self.classes, self.target = members, classes, target

    @property
    def columns(self) -> Any:
        """Name, kind, what became and a note of each column; prints as a table."""
        return self.members[0].columns.described

    def predict(self, X: Any) -> np.ndarray:
        """Return the class, or the expected number, of each row.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)
            Columns are found by name where both tables have names.

        Returns
        -------
        ndarray of shape (rows,)

        Raises
        ------
        ValueError, TypeError
            Where a column is missing or of another kind; names it.
        """
        outputs = fitting.outputs(self.members, X, self.classes is not None)
        return outputs if self.classes is None else self.classes[outputs.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (rows, classes).

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)

        Returns
        -------
        ndarray of shape (rows, classes)

        Raises
        ------
        AttributeError
            Where the model predicts numbers.
        ValueError, TypeError
            As `predict` does.
        """
        if self.classes is None:
            raise AttributeError("a model of numbers has no probabilities")
        return fitting.outputs(self.members, X, True)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file, which `fastbp.load` reads; it holds columns, networks and classes.

        Parameters
        ----------
        path : str or path-like
            A file there is replaced.

        Raises
        ------
        OSError
            If the file cannot be written. What was there is left as it was.
        """
        from . import saved

        saved.save(self, path)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to an ONNX file that takes raw columns; needs the extra `onnx`.

        Each column that is used is an input of its name ("column 0" without names) and of shape (rows, 1). Columns of
        text and categories, also of numbers that are categories, take text, and "" is a gap. All others take float64,
        and NaN is a gap: numbers as they are, booleans as 1 and 0, dates as days since 1970-01-01, with the time as a
        fraction. What fills gaps, levels and scales are part of the file, as is the mean of several networks.

        The outputs are "predictions" of shape (rows,) and, for classes, "probabilities" of shape (rows, classes). Where
        a column has such a name, an underscore is added to the output's.

        Parameters
        ----------
        path : str or path-like
            A file there is replaced.

        Raises
        ------
        ImportError
            If onnx is not installed.
        ValueError
            If columns are embedded, as with recipe="td", an activation is your own, classes are not text, numbers or
            booleans, or a column's name is empty.
        OSError
            If the file cannot be written. What was there is left as it was.
        """
        from ..exchange import onnx_tables

        onnx_tables.to_onnx(self, path)

    def __repr__(self) -> str:
        what = "numbers" if self.classes is None else f"{len(self.classes)} classes"
        networks = "a network" if len(self.members) == 1 else f"{len(self.members)} networks"
        return f"<fastbp.TableModel: {networks}, {self.members[0].columns.n_columns} columns, {what}>"
