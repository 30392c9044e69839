"""A step with a clock around each kernel: the same phases, clocked, for `train` to call instead.

`train` calls phases by the addresses in `now`, so that it is the same compiled code with clocks and without. A phase
that is one kernel is called, as it is, by another that reads the clock before and after. The phases that call several
kernels are compiled once more from their own source, a reading before and after each call: a kernel that is added
there is clocked without a word here.

Each worker writes its records, kernel and layer, first and last tick, one after the other into an area of its own.
"""

import ast
import inspect
import re
import sys

import numpy as np
from numba import carray, types

from . import build, workspace
from ._jit import inline
from .block import block
from .clock import ticks
from .convert import at_address
from .pointer import call
from .step import backward, forward, normalize, normalize_backward
from .workspace import RECORDS, own, workspace_at

PHASES = ("GATHER", "UPDATE_ALL", "NORM")  # each one kernel, called by `train` or `block`
SEVERAL = {
    "FORWARD": forward,
    "BACKWARD": backward,
    "NORMALIZE": normalize,
    "NORMALIZE_BACKWARD": normalize_backward,
    "BLOCK": block,
}  # likewise, each of several kernels
USED, AREA, ADDRESSES, BEGIN = 0, 1, 2, 16  # of an area: words used, words there are, the phases, the first record
RECORD = 3  # words
MOST_LAYERS = 1 << 20
KERNELS = [("train", name) for name in PHASES]  # what is clocked: by the number in a record, who calls it and what


@inline
def _area(now, worker):
    """A worker's words; worker 0 has the first."""
    size = carray(at_address(now[RECORDS], types.intp), BEGIN)[AREA]
    return carray(at_address(now[RECORDS] + 8 * worker * size, types.intp), size)


@inline
def note(now, worker, kernel, l, start):
    """Write a record that ends now; what finds no room is only counted."""
    end, area = ticks(), _area(now, worker)
    at = area[USED]
    area[USED] = at + RECORD
    if at + RECORD <= area.size:
        area[at], area[at + 1], area[at + 2] = kernel * MOST_LAYERS + l, start, end


@inline
def own_clocked(ws, worker, slot):
    """`own`, the worker's area being the first that a phase finds there."""
    mine = own(ws, worker, slot)
    mine.now[RECORDS] += 8 * worker * _area(ws.now, 0).size
    return mine


def _around(number):
    def around(pointer, l, task, worker):
        now = workspace_at(pointer).now
        start = ticks()
        call(_area(now, worker)[ADDRESSES + number], pointer, l, task, worker)
        note(now, worker, number, l, start)

    around.__name__ = around.__qualname__ = f"{PHASES[number].lower()}_clocked"
    return around


def _called(expression):
    """Name of what an expression calls: a function, or the word where an address stands; None where it is no call."""
    if not isinstance(expression, ast.Call):
        return None
    name = ast.unparse(expression.func)
    # of "ws.now[OUTPUT] if ... else ws.now[LOSS]" the last: in training nothing is put out
    return re.findall(r"(\w+)\]", ast.unparse(expression.args[0]))[-1] if name == "call" else name


class _Clocks(ast.NodeTransformer):
    """Sets a reading of the clock before and after each call of a kernel that stands as a statement.

    What a module keeps to itself is no kernel: there the clocks are set within, and the worker is handed on.
    """

    def __init__(self, phase, names):
        self.phase, self.names = phase, names

    def visit_Expr(self, node):
        called = _called(node.value)
        if called is None or called in PHASES or called in SEVERAL:  # these have clocks of their own
            return node
        if called.startswith("_"):
            self.names[called] = _with_clocks(self.names[called].py_func, self.phase, "worker")
            node.value.args.append(ast.Name("worker", ast.Load()))
            return node
        if (self.phase, called) not in KERNELS:
            KERNELS.append((self.phase, called))
        number = KERNELS.index((self.phase, called))
        return [*_parsed("_began = ticks()"), node, *_parsed(f"note(ws.now, worker, {number}, l, _began)")]


def _parsed(text):
    return ast.parse(text).body


def _with_clocks(function, phase, *more):
    """A function of a phase, compiled from its own source with clocks, `more` arguments behind its own."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.increment_lineno(ast.parse("".join(lines)), first - 1)
    definition = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    definition.args.args += [ast.arg(name) for name in more]
    names = {**vars(sys.modules[function.__module__]), "ticks": ticks, "note": note, "own": own_clocked}
    tree = ast.fix_missing_locations(_Clocks(phase, names).visit(tree))
    exec(compile(tree, function.__code__.co_filename, "exec"), names)
    return names[function.__name__]


def _phase_with_clocks(phase):
    clocked = _with_clocks(phase, phase.__name__)
    clocked.__name__ = clocked.__qualname__ = f"{phase.__name__}_clocked"
    return clocked


CLOCKED = {getattr(workspace, name): _around(number) for number, name in enumerate(PHASES)}
CLOCKED |= {getattr(workspace, name): _phase_with_clocks(phase) for name, phase in SEVERAL.items()}


def areas(workers, words):
    """Return room for so many words of records for each worker, for `set_clocks`."""
    return np.zeros((workers, BEGIN + words), np.intp)


def set_clocks(now, records, dtype):
    """Put clocked phases in the places of those in `now`, for a network of this dtype; empty `records`.

    Returns what `remove_clocks` needs.
    """
    before = now[list(CLOCKED)]
    for number, name in enumerate(PHASES):
        records[:, ADDRESSES + number] = now[getattr(workspace, name)]
    for word, phase in CLOCKED.items():
        if now[word]:
            now[word] = build.phase(phase, dtype)[0]
    records[:, USED], records[:, AREA] = BEGIN, records.shape[1]
    now[RECORDS] = records.ctypes.data
    return before


def remove_clocks(now, before):
    """Put the phases back."""
    now[list(CLOCKED)] = before


def read(records):
    """Return what has been written as an array of (worker, kernel, layer, start, end), and how many words it took."""
    found = []
    for worker, area in enumerate(records):
        rows = area[BEGIN : min(area[USED], len(area))]
        rows = rows[: len(rows) // RECORD * RECORD].reshape(-1, RECORD)
        kernel, layer = np.divmod(rows[:, 0], MOST_LAYERS)
        found.append(np.column_stack([np.full(len(rows), worker), kernel, layer, rows[:, 1:]]))
    return np.concatenate(found), int((records[:, USED] - BEGIN).sum())
