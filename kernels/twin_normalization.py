"""Layer normalization's kernels called with the plain arguments of their twins: see twins.py."""

from contextlib import contextmanager

import numpy as np

from . import normalization
from .simd import LINE
from .tile import ROWS
from .twins import _batch, _from_batch, _from_vector, _vector
from .workspace import batch_rows, padded


def _deviations(r):
    """1 / the deviation of each row in all lanes of a vector, and NaN in the rows beyond."""
    R = np.full((batch_rows(len(r), r.dtype), LINE // r.itemsize), np.nan, r.dtype)
    R[: len(r)] = r[:, None]
    return R


@contextmanager
def layer_norm(n, u, r, t, g, c):
    """Over t itself."""
    T, U, R, G, C = _batch(t), _batch(np.full_like(u, np.nan)), _deviations(r), _vector(g), _vector(c)
    shape = batch_rows(len(t), t.dtype), 0, padded(len(t), ROWS), len(g)
    yield lambda: normalization.layer_norm(T, U, R.ravel(), G, C, *shape)
    _from_batch(n, T)
    _from_batch(u, U)
    r[...] = R[: len(r), 0]
    if (R[: len(r)] != r[:, None]).any():
        raise ValueError("the lanes of a row differ")


@contextmanager
def layer_norm_backward_params(du, dg, dc, dn, u, g):
    """The gradients, written out; over dn itself."""
    D, U, G = _batch(dn), _batch(u), _vector(g)
    gradients = np.full_like(G, np.nan), np.full_like(G, np.nan)
    shape = batch_rows(len(dn), dn.dtype), len(dn), 0, len(g)
    yield lambda: normalization.layer_norm_backward_params(D, G, G, *gradients, U, *shape, 0.0, False)
    _from_batch(du, D)
    for out, gradient in zip((dg, dc), gradients, strict=True):
        _from_vector(out, gradient)


@contextmanager
def layer_norm_backward_input(dt, du, u, r):
    """Over du itself."""
    D, U, R = _batch(du), _batch(u), _deviations(r)
    shape = batch_rows(len(du), du.dtype), 0, padded(len(du), ROWS), du.shape[1]
    yield lambda: normalization.layer_norm_backward_input(D, U, R.ravel(), *shape)
    _from_batch(dt, D)
