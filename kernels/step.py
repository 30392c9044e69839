"""The phases of a minibatch step after its rows are gathered: forward with the loss, backward with the update.

A phase is a number of tasks, in any order and on any worker. A task writes tiles that no other task of its phase reads
or writes, and nothing is summed across tasks, so the bits do not depend on the number of workers.
"""

from ._jit import ZERO, inline
from .dropout import drop, undo_scaling
from .gather import ask_ahead
from .linear import (
    bias_backward,
    linear_backward_input,
    linear_backward_params,
    linear_forward,
    transpose_rows,
)
from .normalization import layer_norm, layer_norm_backward_input, layer_norm_backward_params
from .pointer import call
from .simd import lanes
from .tile import HALF, ROWS, VECTORS
from .workspace import (
    ACTIVATE,
    B_AT,
    BATCH,
    BATCH_ROWS,
    BLOCKS,
    DERIVE,
    DESCEND,
    DRAW,
    EVALUATE,
    G_AT,
    GAIN_BACKWARD,
    IN,
    LOSS,
    MODE,
    OTHER,
    OUT,
    OUTPUT,
    PREDICT,
    RATE,
    RELU,
    W_AT,
    WORKERS,
    X_AT,
    F,
    pad,
    workspace_at,
)

TASK_PRODUCTS = 2_000_000  # multiplications of a task, some 35 us: more are split
ROW_SHARES = 4  # tasks a worker where rows are normalized: one that comes late holds up less


@inline
def _columns(layers, l, L):
    """Columns of layer l's output, those that fill up its last panel, too."""
    return pad(layers[l, OUT], L)


@inline
def _layer(ws, l):
    """W and b of layer l, its input and its output."""
    W_at, b_at, columns = ws.layers[l, W_AT], ws.layers[l, B_AT], _columns(ws.layers, l, lanes(ws.A))
    x_at, h_at, h_size = ws.layers[l, X_AT], ws.layers[l + 1, X_AT], columns * ws.now[BATCH_ROWS]
    return ws.P[W_at:b_at], ws.P[b_at : b_at + columns], ws.A[x_at:h_at], ws.A[h_at : h_at + h_size]


@inline
def _at_least(tasks, products, groups):
    """Into how many chunks to split each group, for so many tasks or more: of a task that comes late, others wait."""
    return (max(tasks, products // TASK_PRODUCTS) + groups - 1) // groups


@inline
def _forward_split(layers, now, l, L):
    """Columns and rows of a forward task, and how many of each: the last layer's tasks are whole rows.

    One worker takes all in one, unless an activation follows that wants a task's columns while they are in cache.
    """
    columns, rows = _columns(layers, l, L), pad(now[BATCH], HALF)
    if now[WORKERS] == 1 and layers[l, F] != OTHER:
        return columns, 1, rows, 1
    width = columns if l == layers.shape[0] - 2 else VECTORS * L
    groups = (columns + width - 1) // width
    chunks = 1 if now[WORKERS] == 1 else _at_least(4 * now[WORKERS], layers[l, IN] * columns * now[BATCH], groups)
    unit = L if l == layers.shape[0] - 2 else ROWS  # the loss takes LANES rows at a time
    chunk = max(unit, pad(rows // chunks, unit))
    return width, groups, chunk, (rows + chunk - 1) // chunk


@inline
def forward_tasks(layers, now, l, L):
    """Tasks of layer l's forward phase."""
    _, groups, _, chunks = _forward_split(layers, now, l, L)
    return groups * chunks


@inline
def _activate(ws, l, start, end, first, last):
    """h <- F(t) of layer l over t itself, some of it dropped in training, in rows first:last, columns start:end."""
    L, rows, at, O = lanes(ws.A), ws.now[BATCH_ROWS], ws.layers[l + 1, X_AT], ws.layers[l, OUT]
    columns = _columns(ws.layers, l, L)
    for j in range(start, end, L):
        call(ws.layers[l, ACTIVATE], ws.A, at + j * rows + first * L, at + j * rows + last * L, O - j)
        if ws.dropout.size and ws.now[MODE] < EVALUATE:
            h, number = ws.A[at : at + columns * rows], ws.now[DRAW] * ws.layers.shape[0] + l
            drop(ws.now, ws.dropout[l], number, h, columns, j, first, last)


def forward(pointer, l, task, worker):
    """h <- F(x W + b) of layer l; on the last layer t, and on to z, or to E and dE/dt               (eqs. 42-47)

    On a layer that is normalized t, too: the next phase goes on.
    """
    ws = workspace_at(pointer)
    W, b, x, h = _layer(ws, l)
    rows, B, O = ws.now[BATCH_ROWS], ws.now[BATCH], ws.layers[l, OUT]
    last_layer = l == ws.layers.shape[0] - 2
    L = lanes(ws.A)
    width, _, chunk, chunks = _forward_split(ws.layers, ws.now, l, L)
    first = task % chunks * chunk
    last = min(first + chunk, pad(B, HALF))
    start = task // chunks * width
    W_rows = W.size // b.size
    end, I = min(start + width, O), ws.layers[l, IN]
    linear_forward(h, x, W, b, rows, first, last, start, end, I, W_rows, ws.layers[l, F] == RELU)
    if ws.layers[l, F] == OTHER and not ws.layers[l, G_AT]:
        _activate(ws, l, start, end, first, last)
    if last_layer:
        call(ws.now[OUTPUT] if ws.now[MODE] == PREDICT else ws.now[LOSS], pointer, first, last, worker)


@inline
def _backward_split(layers, now, l, L):
    """Inputs and columns of a backward task, and how many of each.

    With dE/dx to compute, a task is a few inputs and all columns: it needs whole rows of W. Without, it keeps to
    columns as the forward phase does, so that W stays in one core's cache.
    """
    inputs, columns = pad(layers[l, IN], L), _columns(layers, l, L)
    if now[WORKERS] == 1:
        return inputs, columns, 1, 1
    if l:
        return VECTORS * L, columns, (inputs + VECTORS * L - 1) // (VECTORS * L), 1
    width = VECTORS * L
    groups = (columns + width - 1) // width
    chunks = _at_least(8 * now[WORKERS], layers[l, IN] * columns * now[BATCH], groups)
    height = max(L, pad((layers[l, IN] + chunks - 1) // chunks, L))  # whole panels: of few outputs inputs are the lanes
    return height, width, (layers[l, IN] + height - 1) // height, groups


@inline
def backward_tasks(layers, now, l, L):
    """Tasks of layer l's backward phase; the last one does the biases."""
    _, _, chunks, groups = _backward_split(layers, now, l, L)
    return chunks * groups + 1


def backward(pointer, l, task, worker):
    """dE/dW or dE/db of layer l, or their descent; above layer 0 also dE/dt of the layer below   (eqs. 48-54)

    That overwrites the layer's input x: nothing after this task needs these columns. Where the layer below is
    normalized it is dE/du, and the next phase goes on.
    """
    ws = workspace_at(pointer)
    W, b, x, dt = _layer(ws, l)
    L, rows, B, I, O = lanes(ws.A), ws.now[BATCH_ROWS], ws.now[BATCH], ws.layers[l, IN], ws.layers[l, OUT]
    descend, rate = ws.now[MODE] == DESCEND, ws.settings[RATE]
    W_at, b_at = ws.layers[l, W_AT], ws.layers[l, B_AT]
    dW, db = ws.G[W_at:b_at], ws.G[b_at : b_at + b.size]
    W_rows = W.size // b.size
    height, width, chunks, groups = _backward_split(ws.layers, ws.now, l, L)
    if task == chunks * groups:
        bias_backward(b, db, dt, rows, B, rate, descend)
        return
    share = ws.S.size // ws.now[WORKERS]
    WT = ws.S[worker * share : (worker + 1) * share]
    first, start = task % chunks * height, task // chunks * width
    last, end = min(first + height, W_rows), min(start + width, O)
    asks = l == 0 and ws.now[WORKERS] == 1 and ws.now[BLOCKS] == 1
    strip = VECTORS * L if l else L if asks else last - first  # short where each asks for some of the next rows
    for i in range(first, last, strip):
        below = min(i + strip, last)
        if l:
            transpose_rows(WT, W, i, below, W_rows, b.size)
        last_row = min(below, pad(I, HALF))
        linear_backward_params(W, dW, x, dt, rows, B, i, last_row, start, end, W_rows, rate, descend)
        if asks:
            ask_ahead(ws, i // L, W_rows // L)
        if l:
            F_below = ws.layers[l - 1, F]
            if F_below == OTHER:
                for j in range(i, below, L):
                    at = ws.layers[l, X_AT] + j * rows
                    if ws.dropout.size:
                        undo_scaling(ws.now, ws.dropout[l - 1], x, j, 0, pad(B, HALF))
                    call(ws.layers[l - 1, DERIVE], ws.A, at, at + pad(B, HALF) * L, I - j)
                    if ws.dropout.size:
                        number = ws.now[DRAW] * ws.layers.shape[0] + l - 1
                        drop(ws.now, ws.dropout[l - 1], number, x, pad(I, L), j, ZERO, pad(B, HALF))
            linear_backward_input(x, dt, WT, rows, pad(B, HALF), i, below - i, O, b.size, F_below)
            if ws.layers[l - 1, G_AT]:
                call(ws.now[GAIN_BACKWARD], pointer, l - 1, i, below)


# ---- layers that are normalized: phases of their own, whose tasks are whole rows -----------------------------------


@inline
def _normalized(ws, l):
    """What layer l's t has become by now, and its u and r: parts of A, as `build.parts` says."""
    L, rows, part = lanes(ws.A), ws.now[BATCH_ROWS], ws.A.size // 4
    at, size = ws.layers[l + 1, X_AT], _columns(ws.layers, l, L) * rows
    u_at, r_at = at + part, at + 3 * part
    return ws.A[at : at + size], ws.A[u_at : u_at + size], ws.A[r_at : r_at + rows * L]


@inline
def _gain(ws, l, flat):
    """Layer l's g and c, or their gradients, in a flat vector as long as all parameters."""
    at, columns = ws.layers[l, G_AT], _columns(ws.layers, l, lanes(ws.A))
    return flat[at : at + columns], flat[at + columns : at + 2 * columns]


@inline
def _row_split(now):
    """Rows of a task."""
    tasks = 1 if now[WORKERS] == 1 else ROW_SHARES * now[WORKERS]
    return max(ROWS, pad((now[BATCH] + tasks - 1) // tasks, ROWS))


@inline
def row_tasks(now):
    """Tasks of the two phases below."""
    return (now[BATCH] + _row_split(now) - 1) // _row_split(now)


@inline
def _task_rows(now, task):
    return task * _row_split(now), min((task + 1) * _row_split(now), pad(now[BATCH], HALF))


def normalize(pointer, l, task, worker):
    """h <- F(n), n being t of layer l normalized"""
    ws = workspace_at(pointer)
    t, u, r = _normalized(ws, l)
    g, c = _gain(ws, l, ws.P)
    first, last = _task_rows(ws.now, task)
    layer_norm(t, u, r, g, c, ws.now[BATCH_ROWS], first, last, ws.layers[l, OUT])
    _activate(ws, l, 0, ws.layers[l, OUT], first, last)


def gain_backward(pointer, l, first, last):
    """dE/dg and dE/dc of layer l, or their descent, and dE/du, of dE/dn in columns first:last, which are panels"""
    ws = workspace_at(pointer)
    dn, u, _ = _normalized(ws, l)
    g, c = _gain(ws, l, ws.P)
    dg, dc = _gain(ws, l, ws.G)
    rows, rate, descend = ws.now[BATCH_ROWS], ws.settings[RATE], ws.now[MODE] == DESCEND
    layer_norm_backward_params(dn, g, c, dg, dc, u, rows, ws.now[BATCH], first, last, rate, descend)


def normalize_backward(pointer, l, task, worker):
    """dE/dt of layer l, of dE/du"""
    ws = workspace_at(pointer)
    du, u, r = _normalized(ws, l)
    first, last = _task_rows(ws.now, task)
    layer_norm_backward_input(du, u, r, ws.now[BATCH_ROWS], first, last, ws.layers[l, OUT])
