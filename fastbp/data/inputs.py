"""What a layer takes in, as plain loops read it: dense rows, or the entries of sparse ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.specification import bfloat16, paper, scaling, sparse
from .samples import Samples

Run = Callable[..., Any]  # runs a plain loop: run(loop, flop, *arguments)


class DenseInputs:
    """Inputs x of shape (rows, columns)."""

    rectifies = True  # whether `linear` can go on to ReLU

    def __init__(self, x: np.ndarray) -> None:
        self._x = x

    @property
    def rows(self) -> np.ndarray:
        """The array x."""
        return self._x

    def scale(self, run: Run, s: np.ndarray) -> None:
        """Multiply x by trained scales of the columns."""
        run(scaling.scale_inputs, self._x.size, self._x, s)

    def linear(self, run: Run, t: np.ndarray, W: np.ndarray, b: np.ndarray, rectified: bool) -> None:
        """Fill t with x W + b, or with max(0, t) of it (eqs. 7, 40)."""
        run(paper.linear_relu if rectified else paper.linear, 2 * len(t) * W.size, t, self._x, W, b)

    def backward(self, run: Run, dW: np.ndarray, db: np.ndarray, dt: np.ndarray) -> None:
        """Fill dW and db with the gradients of W and b (eqs. 52, 53)."""
        run(paper.linear_backward_params, 2 * len(dt) * dW.size, dW, db, self._x, dt)

    @staticmethod
    def input_backward(run: Run, dx: np.ndarray, dt: np.ndarray, W: np.ndarray) -> None:
        """Fill dx with dE/dt W^T (eq. 32)."""
        run(paper.linear_backward_input, 2 * dx.size * dt.shape[1], dx, dt, W)

    def rms(self) -> float:
        """Return the root mean square of the inputs."""
        return float(np.sqrt(np.square(self._x, dtype=np.float64).sum() / self._x.size))


class RoundedInputs(DenseInputs):
    """Inputs x whose products are of numbers rounded to bfloat16."""

    rectifies = False

    def linear(self, run: Run, t: np.ndarray, W: np.ndarray, b: np.ndarray, rectified: bool) -> None:
        """Fill t with x W + b (eq. 7)."""
        run(bfloat16.linear_bfloat16, 2 * len(t) * W.size, t, rounded(run, self._x), rounded(run, W), b)

    def backward(self, run: Run, dW: np.ndarray, db: np.ndarray, dt: np.ndarray) -> None:
        """Fill dW and db with the gradients of W and b (eqs. 52, 53); that of b is not rounded."""
        x, d = rounded(run, self._x), rounded(run, dt)
        run(bfloat16.linear_backward_params_bfloat16, 2 * len(dt) * dW.size, dW, x, d)
        run(paper.linear_backward_params, dt.size, dW[:0], db, np.empty((len(dt), 0), dt.dtype), dt)

    @staticmethod
    def input_backward(run: Run, dx: np.ndarray, dt: np.ndarray, W: np.ndarray) -> None:
        """Fill dx with dE/dt W^T (eq. 32)."""
        run(bfloat16.linear_backward_input_bfloat16, 2 * dx.size * dt.shape[1], dx, rounded(run, dt), rounded(run, W))


def rounded(run: Run, x: np.ndarray) -> np.ndarray:
    """Return float32 rounded to bfloat16."""
    found = np.empty(x.shape, x.dtype)
    run(bfloat16.round_bfloat16, x.size, found.reshape(-1), np.ascontiguousarray(x).reshape(-1))
    return found


class SparseInputs:
    """Inputs of some rows of a sparse X: their entries, by row and column, and the offsets that a shift adds to all.

    Nothing has the size of dense rows.
    """

    rectifies = False

    def __init__(self, samples: Samples, rows: np.ndarray, dtype: np.dtype) -> None:
        X: Any = samples.X
        shift, scale = samples.shift_and_scale()
        numbers, self._columns, self._ends = X[rows].entries()
        with np.errstate(over="ignore", invalid="ignore"):
            self._x = (numbers * scale[self._columns] if scale.size else numbers).astype(dtype)
            self._offsets = (-shift * scale if np.any(shift) else np.empty(0)).astype(dtype)
        self._size = len(rows) * X.shape[1]
        finite = np.isfinite(self._x)
        if not finite.all():
            row = np.searchsorted(self._ends, np.argmin(finite), side="right")
            samples.reject(int(rows[row]), dtype)

    def linear(self, run: Run, t: np.ndarray, W: np.ndarray, b: np.ndarray, rectified: bool) -> None:
        """Fill t with x W + b (eq. 7)."""
        bias = b
        if self._offsets.size:
            bias = np.empty_like(b)
            run(sparse.offset_bias, 2 * W.size, bias, self._offsets, W, b)
        run(sparse.linear_csr, 2 * self._x.size * b.size, t, self._x, self._columns, self._ends, W, bias)

    def backward(self, run: Run, dW: np.ndarray, db: np.ndarray, dt: np.ndarray) -> None:
        """Fill dW and db with the gradients of W and b (eqs. 52, 53)."""
        run(paper.linear_backward_params, dt.size, dW[:0], db, np.empty((len(dt), 0), dt.dtype), dt)
        run(sparse.linear_csr_backward_params, 2 * self._x.size * db.size, dW, self._x, self._columns, self._ends, dt)
        if self._offsets.size:
            dW += self._offsets[:, None] * db

    def rms(self) -> float:
        """Return the root mean square of the inputs, zeros included."""
        x, offsets = self._x.astype(np.float64), self._offsets.astype(np.float64)
        total = np.square(x).sum()
        if offsets.size:
            total += 2 * (x * offsets[self._columns]).sum() + len(self._ends) * np.square(offsets).sum()
        return float(np.sqrt(total / self._size))


Inputs = DenseInputs | SparseInputs


def fetched(
    samples: Samples, rows: np.ndarray, dtype: np.dtype, as_entries: bool, dense: type[DenseInputs] = DenseInputs
) -> Inputs:
    """Return the inputs of these rows of X, if not `as_entries`, as `dense`; raise ValueError if one is not finite."""
    return SparseInputs(samples, rows, dtype) if as_entries else dense(samples.converted(rows, dtype).X)
