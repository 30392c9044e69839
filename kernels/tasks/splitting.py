"""How a phase is split into tasks: rows, columns or inputs of a layer.

A task writes tiles that no other task of its phase reads or writes, and nothing is summed across tasks, so the bits do
not depend on the number of workers.
"""

from ..compiler.jit import inline
from ..fast.panels import pad
from ..machine.registers import HALF, ROWS, VECTORS
from ..machine.tiles import lanes
from ..program import phases
from ..program.state import CHUNK

GATHER, FORWARD, BACKWARD, ROWS_PHASE, UPDATE, BLOCKS, COLUMNS, INPUTS, GROUPS, EMBEDDED = (
    phases.GATHER, phases.FORWARD, phases.BACKWARD, phases.ROWS, phases.UPDATE, phases.BLOCKS, phases.COLUMNS,
    phases.INPUTS, phases.GROUPS, phases.EMBEDDED,
)  # fmt: skip

TASK_PRODUCTS = 2_000_000  # multiplications of a task, some 35 us: more are split
ROW_SHARES = 4  # tasks per worker where rows are normalized: the others wait less for a late worker
UPDATE_SHARES = 4  # likewise of the update
ROUNDED_CHUNKS = 16  # of a task of the update whose parameters are rounded after it, in cache
SPARSE_SHARES = 8  # likewise of the first layer on sparse rows, whose tasks differ more
MEMBER_ROWS = 128  # of a task where members share the layers: many rows, and whole vectors of them
SPARSE_ROWS = 32  # of a task that one worker does alone: they stay in cache for the activation


@inline
def chunks_of(size):
    """Chunks of the parameters."""
    return (size + CHUNK - 1) // CHUNK


@inline
def _at_least(tasks, products, groups):
    """Return into how many chunks to split each group: for at least so many tasks, of some TASK_PRODUCTS at most.

    Several tasks per worker shorten the wait for a late worker.
    """
    return (max(tasks, products // TASK_PRODUCTS) + groups - 1) // groups


@inline
def gather_split(s):
    """Rows of a task of the gather phase. Entries are fetched in one: a row's stand behind those of the rows before."""
    return max(1, s.picked) if s.workers == 1 or s.sparse else pad((s.picked + 1023) // 1024, ROWS)


@inline
def forward_split(s, l):
    """Columns and rows of a forward task, and how many of each: the last layer's tasks are whole rows.

    One worker takes all in one task, unless an activation follows, which is faster on columns that are in cache.
    """
    layer, L, is_last = s.layers[l], lanes(s.parameters), l == s.n_layers - 1
    columns, rows = layer.columns, pad(s.batch, HALF)
    if s.members > 1:  # rows that stay in cache until all columns are done
        return columns, 1, MEMBER_ROWS, (rows + MEMBER_ROWS - 1) // MEMBER_ROWS
    if s.workers == 1 and not layer.separate and not s.half_rows.size:
        return columns, 1, rows, 1
    if s.sparse and l == 0:  # whole rows, so that entries are read once
        chunk = SPARSE_ROWS if s.workers == 1 else rows // (SPARSE_SHARES * s.workers)
        chunk = max(L if is_last else ROWS, pad(chunk, L if is_last else ROWS))
        return columns, 1, chunk, (rows + chunk - 1) // chunk
    width = columns if is_last else VECTORS * L
    groups = (columns + width - 1) // width
    chunks = 1 if s.workers == 1 else _at_least(4 * s.workers, layer.inputs * columns * s.batch, groups)
    unit = L if is_last else ROWS  # the loss takes LANES rows at a time
    chunk = max(unit, pad(rows // chunks, unit))
    return width, groups, chunk, (rows + chunk - 1) // chunk


@inline
def backward_split(s, l):
    """Inputs and columns of a backward task, and how many of each.

    With dE/dx to compute, a task is a few inputs and all columns: it needs whole rows of W. Without, it keeps to
    columns as the forward phase does, so that W stays in one core's cache.
    """
    layer, L = s.layers[l], lanes(s.parameters)
    if s.sparse and l == 0:  # descent of the features that the minibatch has, or nothing: the update sums the gradient
        found = s.found[0] if s.descends else 0
        height = found if s.workers == 1 else (found + SPARSE_SHARES * s.workers - 1) // (SPARSE_SHARES * s.workers)
        height = max(1, height)
        return height, layer.columns, (found + height - 1) // height, 1
    if s.workers == 1:
        return layer.rows, layer.columns, 1, 1
    if l or s.members > 1:
        return VECTORS * L, layer.columns, (layer.rows + VECTORS * L - 1) // (VECTORS * L), 1
    width = VECTORS * L
    groups = (layer.columns + width - 1) // width
    chunks = _at_least(8 * s.workers, layer.inputs * layer.columns * s.batch, groups)
    height = max(L, pad((layer.inputs + chunks - 1) // chunks, L))  # whole panels: inputs may be the lanes (linear.py)
    return height, width, (layer.inputs + height - 1) // height, groups


@inline
def row_split(s):
    """Rows of a task of a phase that takes whole rows."""
    tasks = 1 if s.workers == 1 else ROW_SHARES * s.workers
    return max(ROWS, pad((s.batch + tasks - 1) // tasks, ROWS))


@inline
def group_split(s):
    """Rows of a task of a phase that takes LANES rows at a time."""
    tasks, L = 1 if s.workers == 1 else ROW_SHARES * s.workers, lanes(s.parameters)
    return max(L, pad((s.batch + tasks - 1) // tasks, L))


@inline
def update_tasks(s):
    """Tasks of the update phase, some chunks each."""
    chunks, tasks = chunks_of(s.parameters.size), 1 if s.workers == 1 else UPDATE_SHARES * s.workers
    if s.half_weights.size:
        tasks = max(tasks, chunks // ROUNDED_CHUNKS)
    return min(tasks, chunks)


@inline
def count_tasks(s, phase):
    """Tasks of a phase for the present minibatch."""
    kind, l = phase.kind, phase.layer
    if kind == GATHER:
        size = gather_split(s)
        return (s.picked + size - 1) // size
    if kind == FORWARD:
        _, groups, _, chunks = forward_split(s, l)
        return groups * chunks + (1 if phase.closing >= 0 else 0)
    if kind == BACKWARD:
        _, _, chunks, groups = backward_split(s, l)
        return chunks * groups + 1  # and the biases
    if kind == ROWS_PHASE:
        size = row_split(s)
        return (s.batch + size - 1) // size
    if kind == COLUMNS:
        return s.layers[l].columns // lanes(s.parameters)
    if kind == INPUTS:
        return s.layers[l].rows // lanes(s.parameters)
    if kind == GROUPS:
        size = group_split(s)
        return (s.batch + size - 1) // size
    if kind == EMBEDDED:
        return s.layers[l].inputs
    return update_tasks(s) if kind == UPDATE else s.blocks
