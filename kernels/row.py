"""A few rows through all layers straight from the model's own parameters: nothing is packed, each weight is read once.

Here W is row-major, as the model has it: the sum over i runs down its rows, vectors of columns side by side in
registers, in the same order as in the tiles of linear.py, so both give the same bits.
"""

from numba import prange

from ._jit import inline, jit, kernel
from .atomic import atomic_add, atomic_publish
from .crew import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .loss import softmax_row
from .simd import lanes, load, outer_add, prefetch, store, zeros
from .values import fma, has_nan, where_less
from .workspace import ARRIVED, BATCH, FIRST, LAYER, TASKS

W_WORD = FIRST  # where the present layer's W begins
BACK = BATCH  # whether a task's columns are taken from the last
AHEAD = 2  # rows of W asked for before they are needed: the CPU's own fetching ends at each page
ROOM = 16  # elements behind the parameters that the last vector may reach into
WIDE = 8  # vectors of a row of W that are summed at once: neighbours in memory, which the CPU fetches ahead


@inline
def _columns(width, t, h, at, x, x_at, flat, W, b, j, I, O, rectify):
    """h[at + j:] <- F(x W + b) for the columns of one tile."""
    L = lanes(h)
    t = load(flat, b + j, 0, L, t)
    for i in range(I):
        for v in range(width):
            prefetch(flat, W + (i + AHEAD) * O + j + v * L)
        t = outer_add(t, x, x_at + i, 0, flat, W + i * O + j, L)
    if rectify:
        t = where_less(t, 0, -0.0, t + 0.0)
    store(h, at + j, 0, L, t)


@jit
def linear_row(h, at, x, x_at, flat, W, I, O, rectify, task, tasks, back):
    """One task's share of h <- F(x W + b), or of x W + b, for one row                    (eqs. 4, 6-8, 42-44)

    h     out (>= at + O + a vector,)   what follows the O values is undefined
    x     in  (>= x_at + I,)
    flat  in  (>= W + I O + O + a vector,)  W (I, O) row-major, then b (O,)
    back      whether the last columns come first: the same bits
    """
    L, b = lanes(h), W + I * O
    vectors = (O + L - 1) // L
    j, end = vectors * task // tasks * L, vectors * (task + 1) // tasks * L
    tiles = (end - j) // (WIDE * L)
    for k in range(tiles):
        j_k = j + (tiles - 1 - k if back else k) * WIDE * L
        _columns(WIDE, zeros(h, 1, WIDE), h, at, x, x_at, flat, W, b, j_k, I, O, rectify)
    j += tiles * WIDE * L
    while j + 4 * L <= end:
        _columns(4, zeros(h, 1, 4), h, at, x, x_at, flat, W, b, j, I, O, rectify)
        j += 4 * L
    while j < end:
        _columns(1, zeros(h, 1, 1), h, at, x, x_at, flat, W, b, j, I, O, rectify)
        j += L


@jit
def _is_finite(x):
    """Whether each element is a finite number."""
    L, check, tail = lanes(x), zeros(x, 1, 1), False
    for i in range(0, x.size - L + 1, L):
        check = fma(load(x, i, 0, 0, check), 0.0, check)
    for i in range(x.size // L * L, x.size):
        tail = tail or x[i] * 0 != 0
    return not (tail or has_nan(check))


@jit
def _layers(z, x, flat, sizes, h, tasks, now):
    """One worker's part in all layers: the first to come leads, the others help (crew.py)."""
    half, last = h.size // 2, sizes.size - 2
    worker, turns = atomic_add(now, ARRIVED, 1), 0
    if worker == 0:
        now[LAYER], now[W_WORD] = 0, 0
        open_phase(now, tasks[0])
    while True:
        task = take_task(now, worker)
        if task >= 0:
            l = now[LAYER]
            at, x_at, I, O = l % 2 * half, (l + 1) % 2 * half, sizes[l], sizes[l + 1]
            if l == 0:
                linear_row(h, at, x, 0, flat, now[W_WORD], I, O, last > 0, task, tasks[l], now[BACK])
            else:
                linear_row(h, at, h, x_at, flat, now[W_WORD], I, O, l < last, task, tasks[l], now[BACK])
            finish_task(now)
        elif task == FINISHED:
            return
        elif worker > 0:
            turns = wait(turns)
        else:
            l = now[LAYER]
            await_tasks(now, tasks[l])
            if l == last:
                softmax_row(h, last % 2 * half, sizes[last + 1])
                for j in range(sizes[last + 1]):
                    z[j] = h[last % 2 * half + j]
                atomic_publish(now, TASKS, FINISHED)
                return
            now[W_WORD] += sizes[l] * sizes[l + 1] + sizes[l + 1]
            now[LAYER] = l + 1
            open_phase(now, tasks[l + 1])


@kernel
def predict_row(z, x, flat, sizes, h, tasks, now, workers):
    """z <- softmax of the network's outputs for one row                                      (eqs. 33, 42-45)

    z      out (O,)
    x      in  (I,)
    flat   in  (n + a vector,)  the parameters, W and b of layer after layer
    sizes  in  (L + 1,)         inputs, hidden units, classes
    h      scratch (2 (largest size + a vector),)
    tasks  in  (L,)             into how many each layer is split
    now    scratch (WORDS,)         kept from row to row: they take turns in where they begin
    workers                     who share the tasks

    Returns whether x is finite; z is not written otherwise.
    """
    if not _is_finite(x):
        return False
    back = not now[BACK]  # every other row: what was read last is still in the cache
    for word in range(now.size):
        now[word] = 0
    now[BACK] = back
    for _ in prange(workers):
        _layers(z, x, flat, sizes, h, tasks, now)
    return True
