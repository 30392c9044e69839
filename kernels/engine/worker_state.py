"""A worker's own state: the same network, its share of the arrays, and a minibatch of its own."""

from ..compiler.jit import inline
from ..machine.atomic import atomic_min
from ..machine.memory import part
from ..machine.records import copy_record
from ..program.state import NO_ROW


@inline
def worker_state(s, worker, slot):
    """Return the state of one worker for the block of rows that has this number.

    Its arrays are its share of those that hold the rows of a minibatch; parameters are shared.
    """
    mine, rows = s.own[worker], s.batch_rows
    slots = s.errors.size // rows
    copy_record(mine, s)
    a, y = s.activations.size // slots, s.targets.size // slots
    g, n = s.gradient_at + slot * s.parameters.size, min(s.gradients.size, s.parameters.size)
    mine.workers, mine.blocks, mine.bad_row = 1, s.blocks, NO_ROW
    mine.activations = part(s.activations, slot * a, a)
    mine.gradients = part(s.gradients, g, n)
    mine.targets = part(s.targets, slot * y, y)
    mine.errors = part(s.errors, slot * rows, rows)
    mine.correct_rows = part(s.correct_rows, slot * rows, rows)
    mine.labels = part(s.labels, slot * rows, rows)
    mine.row_weights = part(s.row_weights, slot * rows, rows)
    if s.half_rows.size:
        half, pairs = s.half_rows.size // slots, s.half_pairs.size // slots
        mine.half_rows = part(s.half_rows, slot * half, half)
        mine.half_pairs = part(s.half_pairs, slot * pairs, pairs)
    if s.sparse:
        room = s.entries.size // slots
        mine.entries = part(s.entries, slot * room, room)
        mine.entry_columns = part(s.entry_columns, slot * room, room)
        mine.entry_ends = part(s.entry_ends, slot * rows, rows)
    return mine


@inline
def pass_on_bad_row(s, mine):
    """Write the bad row of a worker's own state, if there is one, into the state that it shares with others."""
    if mine.bad_row != NO_ROW:
        atomic_min(s, "bad_row", mine.bad_row)
