"""What the first layer takes in where columns of X are embedded, as plain loops read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..kernels.specification import embedding as loops
from ..kernels.specification import paper
from .inputs import DenseInputs, Run

if TYPE_CHECKING:
    from ..embeddings import Parameters
    from ..kernels.program.embedding import Embedding as Program


class EmbeddedInputs(DenseInputs):
    """Inputs of the first layer that are made of the columns of X.

    Parameters
    ----------
    run : callable
        Runs a plain loop: run(loop, flop, *arguments).
    x : ndarray of shape (rows, columns)
        Of X.
    embedding : Embedding of kernels/program
    parameters : Parameters
    """

    def __init__(self, run: Run, x: np.ndarray, embedding: Program, parameters: Parameters) -> None:
        n, O, self._run, self._embedding, self._parameters = (
            len(embedding.numbers),
            embedding.outputs,
            run,
            embedding,
            parameters,
        )
        self._numbers = np.ascontiguousarray(x[:, embedding.numbers])
        self._levels = [_levels(x[:, column], count) for column, count in embedding.categories]
        e = np.empty((len(x), n, 1 + O), x.dtype)
        e[:, :, 0] = self._numbers
        waves = np.empty((len(x), n, O), x.dtype)
        run(loops.embed_numbers, 2 * waves.size * embedding.frequencies, waves, self._numbers, *parameters[:4])
        e[:, :, 1:] = waves
        parts = [e.reshape(len(x), -1), x[:, embedding.passed]]
        for levels, table in zip(self._levels, parameters.tables, strict=True):
            rows = np.empty((len(x), embedding.width), x.dtype)
            run(loops.embed_category, rows.size, rows, levels, table)
            parts.append(rows)
        super().__init__(np.concatenate(parts, axis=1))

    def embed_backward(self, dt: np.ndarray, W: np.ndarray, scales: np.ndarray, gradients: Parameters) -> None:
        """Fill the gradients of the parameters, from dE/dt of the first layer, its W and the scales of its inputs."""
        embedding, n, O, width = (
            self._embedding,
            len(self._embedding.numbers),
            self._embedding.outputs,
            self._embedding.width,
        )
        de = np.empty_like(self._x)
        self._run(paper.linear_backward_input, 2 * len(dt) * W.size, de, dt, W)
        if scales.size:
            de *= scales
        waves = np.ascontiguousarray(de[:, : n * (1 + O)].reshape(len(de), n, 1 + O)[:, :, 1:])
        dw, db, dV, dc, tables = gradients
        self._run(
            loops.embed_numbers_backward, 4 * waves.size * embedding.frequencies, dw, db, dV, dc, waves, self._numbers,
            *self._parameters[:3],
        )  # fmt: skip
        at = embedding.size - len(tables) * width
        for levels, table in zip(self._levels, tables, strict=True):
            self._run(
                loops.embed_category_backward,
                len(de) * width,
                table,
                np.ascontiguousarray(de[:, at : at + width]),
                levels,
            )
            at += width


def _levels(values: np.ndarray, count: int) -> np.ndarray:
    """Return level numbers below `count`; as in the fast kernels 0 for others, which X may have got since its check."""
    return np.where((values >= 0) & (values < count), values, 0).astype(np.int64)
