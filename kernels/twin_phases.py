"""Phases of a step, which take a workspace, called with the plain arguments of their twins: see twins.py."""

from contextlib import contextmanager
from functools import partial

import numpy as np

from . import update
from ._jit import jit
from .build import activation_pass, gather_phase, phase
from .gather import gather_tasks
from .minibatch import limit_norm
from .pointer import call, pointer_to
from .simd import LINE, lanes
from .tile import ROWS
from .twins import _batch, _from_batch, _from_vector, _vector
from .workspace import (
    B_AT,
    BATCH,
    BATCH_ROWS,
    BLOCKS,
    CLIP_NORM,
    CLIP_VALUE,
    DECAY,
    EPSILON,
    L1,
    L2,
    MU,
    NU,
    RATE,
    READY,
    SETTINGS,
    STEP,
    TOTALS,
    W_AT,
    WORDS,
    WORKERS,
    X_ADDRESS,
    X_AT,
    X_ROWS,
    Workspace,
    batch_rows,
    borrow,
    labels_dtype,
    layout,
    padded,
)  # fmt: skip


def _workspace(dtype, **given):
    """A workspace for one worker; all arrays not given are empty."""
    kinds = {
        **dict.fromkeys(("order", "y"), np.intp),
        "labels": labels_dtype(dtype),
        **dict.fromkeys(("shift", "scale", "settings", "rates", "dropout", "totals"), np.float64),
    }
    arrays = {name: np.empty(0, kinds.get(name, dtype)) for name in Workspace._fields}
    arrays |= {"layers": layout([1, 1], 1, dtype)[0], "now": np.zeros(2 * WORDS, np.intp)}
    ws = Workspace(**(arrays | given))
    ws.now[WORKERS] = ws.now[BLOCKS] = 1
    return ws


@jit
def _run(phase, ws, tasks):
    """Do the tasks of the phase at an address one after the other."""
    pointer = pointer_to(borrow(ws))
    for task in range(tasks):
        call(phase, pointer, 0, task, 0)


@jit
def _gather(phase, ws):
    _run(phase, ws, gather_tasks(ws.now))


@contextmanager
def gather(x, X, order, shift, scale):
    """Into a network of x's dtype, from an X of any."""
    B, I = x.shape
    layers, _, size = layout([I, 1], batch_rows(B, x.dtype), x.dtype)
    A = np.zeros(size, x.dtype)
    A[: layers[1][X_AT]] = _batch(np.full_like(x, np.nan))
    shift, scale = shift.astype(np.float64), scale.astype(np.float64)
    ws = _workspace(
        x.dtype, layers=layers, A=A, order=order.astype(np.intp), shift=shift, scale=scale,
        w=np.empty(batch_rows(B, x.dtype), x.dtype),
    )  # fmt: skip
    ws.now[BATCH], ws.now[BATCH_ROWS] = B, batch_rows(B, x.dtype)
    ws.now[X_ADDRESS], ws.now[X_ROWS] = X.ctypes.data, len(X)
    yield partial(_gather, gather_phase(X.dtype, x.dtype)[0], ws)
    _from_batch(x, A[: layers[1][X_AT]])


# ---- updates -------------------------------------------------------------------------------------------------------

SETTING = {
    "learning_rate": RATE, "alpha": RATE, "mu": MU, "b1": MU, "rho": MU, "b2": NU, "eps": EPSILON, "decay": DECAY,
}  # fmt: skip
SLOT = {"W": "P", "m": "m", "v": "v", "dW": "G"}


def _parameters(vectors, settings, biases):
    """A workspace of one layer and its vectors by `SLOT`; the latter half of the parameters may be biases."""
    flat = {slot: _vector(vector) for slot, vector in vectors.items()}
    size, dtype = len(flat["G"]), flat["G"].dtype
    layers, numbers = layout([1, 1], 1, dtype)[0], np.zeros(SETTINGS)
    layers[0, B_AT], layers[1, W_AT] = size // 2 // LINE * LINE if biases else size, size
    for word, number in {CLIP_VALUE: np.inf, CLIP_NORM: np.inf, **settings}.items():
        numbers[word] = number
    sums = np.empty(update.sums_size(size, dtype), dtype)
    given = {"P": np.zeros_like(flat["G"]), **flat}
    return _workspace(dtype, layers=layers, settings=numbers, sums=sums, totals=np.ones(TOTALS), **given)


@contextmanager
def optimizer(kernel, names, *arguments):
    """An update by one of the plain loops' arguments, of these names."""
    given = dict(zip(names, arguments, strict=True))
    vectors = {SLOT[name]: vector for name, vector in given.items() if name in SLOT}
    ws = _parameters(vectors, {SETTING[name]: number for name, number in given.items() if name in SETTING}, True)
    ws.now[STEP] = given.get("step", 0)
    yield partial(_run, phase(kernel, ws.P.dtype)[0], ws, 1)
    for slot in vectors.keys() - {"G"}:
        _from_vector(vectors[slot], getattr(ws, slot))


@jit
def _penalize(phase, ws):
    _run(phase, ws, 1)
    return update.sum_of(ws.sums, 0)


@contextmanager
def penalize(dW, W, decay, l1):
    """All parameters are weights."""
    ws = _parameters({"P": W, "G": dW}, {L1: l1, L2: decay}, False)
    yield partial(_penalize, phase(update.UPDATES["gradient"], W.dtype)[0], ws)
    _from_vector(dW, ws.G)


@jit
def _limit(phase, ws):
    ws.now[READY] = 0
    _run(phase, ws, 1)
    limit_norm(ws.now, ws.sums, ws.settings, ws.totals)
    _run(phase, ws, 1)


@contextmanager
def limit(dW, value, norm):
    """By value while the squares are summed, by norm where the gradient is used."""
    ws = _parameters({"G": dW}, {CLIP_VALUE: value, CLIP_NORM: norm}, True)
    yield partial(_limit, phase(update.UPDATES["gradient"], dW.dtype)[0], ws)
    _from_vector(dW, ws.G)


# ---- passes over panels --------------------------------------------------------------------------------------------


@jit
def _over_panels(address, H, rows, last, columns):
    """A pass of activation.py over all panels, one after the other."""
    L = lanes(H)
    for j in range(0, columns, L):
        call(address, H, j * rows, j * rows + last * L, columns - j)


@contextmanager
def passes(functions, out, given):
    """One after the other over `given` itself, behind which there is room for a derivative."""
    h, rows, last = _batch(given), batch_rows(len(given), given.dtype), padded(len(given), ROWS)
    H, addresses = np.append(h, np.full_like(h, np.nan)), [activation_pass(f, given.dtype)[0] for f in functions]

    def run():
        for address in addresses:
            _over_panels(address, H, rows, last, given.shape[1])

    yield run
    _from_batch(out, H[: h.size])
