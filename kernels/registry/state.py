"""A small network in memory, and its kernels called on it one after the other: what adapters.py is made of.

Its arrays are as hard as a network's may be. They hold NaN until something is put there, also in the rows that fill up
a minibatch. Columns that fill up the last panel hold zeros, and must still do so when something is taken from there.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.registry import CPUDispatcher

from ..activations import IDENTITY
from ..compiler.jit import compiled_for
from ..engine import code, compilation
from ..entries.activation import Activation
from ..entries.records import Layout, Record, Table, address, aligned
from ..entries.typed import Array, DType, Fields
from ..library.calls import entry_point
from ..machine.calls import address_of, call
from ..machine.records import record_at, record_type
from ..machine.registers import HALF
from ..program.layout import parameter_table, place_activations
from ..program.phases import Kernel, Stack
from ..program.state import NO_ROW, STATE, batch_rows, lanes_of, padded

STEP = Layout("step", dict.fromkeys(("kernel", "layer", "first", "last", "start", "end"), "i8"))
STEPS = Layout("steps", {"status": "i8", "state": "i8", "steps": Table(STEP), "n_steps": "i8"})
_state_at = record_at(STATE)
Step = tuple[Any, int, int, int, int, int]  # a kernel, its layer, first and last rows or inputs, and columns


def run_steps(r: Fields) -> None:
    """Call kernels one after the other: an entry point."""
    s = _state_at(r.state, r)
    for k in range(r.n_steps):
        step = r.steps[k]
        call(step.kernel, s, step.layer, step.first, step.last, step.start, step.end, 0)


@functools.cache
def _runner(dtype):
    """Compile `run_steps`; return a Python function, and what keeps it."""
    signature = types.void(record_type(STEPS, numba.from_dtype(dtype)))
    dispatcher = compiled_for(signature, run_steps)
    return entry_point(address_of(dispatcher, signature)), dispatcher


@functools.cache
def _compiled(kernel, dtype):
    """Compile a kernel of a program, or a function of a kernel's signature."""
    if isinstance(kernel, Kernel):
        return compilation.compile_kernel(kernel, dtype)
    return compilation.compile_as_kernel(kernel, dtype)


def _address(kernel, dtype):
    """Return where it lies: of a kernel of a program what a model calls, in the library or else compiled."""
    return code.kernel(kernel, dtype) if isinstance(kernel, Kernel) else _compiled(kernel, dtype)[0]


def poisoned(n: int, dtype: DType) -> Array:
    """Return an array of NaN that begins a cache line."""
    array = aligned(n, dtype)
    array[:] = np.nan
    return array


class Run:
    """Steps (kernel, layer, first, last, start, end), ready to be done by one compiled call.

    Attributes
    ----------
    state : State
        On which they compute.
    kernels : list
        What is called: each a `Kernel` of the program, or a function of kernels.py.
    """

    state: "State"

    def __init__(self, state: "State", steps: Sequence[Step], told: Callable[[], Any] | None = None) -> None:
        self.state, self._told = state, told
        self.kernels: list[Any] = list(dict.fromkeys(kernel for kernel, *_ in steps))
        self._steps, self._record = STEP.new(len(steps)), Record(STEPS)
        for record, (kernel, *numbers) in zip(self._steps, steps, strict=True):
            for name, value in zip(STEP.fields, (_address(kernel, state.dtype), *numbers), strict=True):
                record[name] = value
        self._record.fill({"state": state.record.address, "steps": self._steps, "n_steps": len(steps)})
        self._enter = _runner(state.dtype)[0]

    def __call__(self) -> Any:
        """Compute; return what there is to tell, mostly None."""
        self._enter(self._record)
        return self._told() if self._told else None

    @property
    def dispatchers(self) -> list[CPUDispatcher]:
        """What Numba compiles each of the kernels to, for one signature: it has assembly, which a library has not."""
        return [_compiled(kernel, self.state.dtype)[1] for kernel in self.kernels]


Computing = AbstractContextManager[Run]  # of what an adapter returns


class State:
    """A `STATE` for one worker, and the arrays that it points to by their names in it.

    Parameters
    ----------
    table : records of LAYER
    dtype : numpy.dtype
    fields
        Numbers, arrays and records of the state.
    """

    record: Record
    dtype: np.dtype
    lanes: int
    table: Array
    fields: dict[str, Any]
    FILLED = ("parameters", "gradients", "m", "v")  # arrays that are filled up with zeros

    def __init__(self, table: Array, dtype: DType, **fields: Any) -> None:
        self.record, self.dtype, self.lanes = Record(STATE), np.dtype(dtype), lanes_of(dtype)
        self.table, self.fields = table, {}
        self.fill(layers=table, n_layers=len(table), members=1, workers=1, team=1, blocks=1, factor=1.0, bad_row=NO_ROW)
        self.fill(**{"clip_value": np.inf, "clip_norm": np.inf, "dropping": 1.0, "decaying": 1.0} | fields)

    def fill(self, **fields: Any) -> None:
        """Write fields of the record: numbers, and where arrays and records stand."""
        self.fields |= fields  # keeps the arrays
        for name, value in fields.items():
            if STATE.fields[name] == "i8" and not isinstance(value, (int, np.integer)):  # an address
                value = value.address if isinstance(value, Record) else address(value)
            self.record[name] = value

    @contextmanager
    def computing(self, *steps: Step, told: Callable[[], Any] | None = None, **found: Array) -> Iterator[Run]:
        """Yield what does these steps when it is called, and returns told(); then read arrays back, by their names."""
        yield Run(self, steps, told)
        for name, array in found.items():
            self.take(name, array)

    def take(self, name: str, array: Array) -> None:
        """Read the beginning of an array of the state."""
        source = self.fields[name]
        if array.ndim == 2:
            array[...] = source[: len(array), : array.shape[1]]
            return
        array[...] = source[: len(array)]
        if name in self.FILLED and source[len(array) :].any():
            raise ValueError("what fills up the last vector is no longer zero")


class Layers(State):
    """Layers of one activation, and a minibatch of B rows. The last layer is at work; there may be one below it.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, then each layer's outputs.
    B : int
    dtype : numpy.dtype
    activation : Activation
    separate : bool
        Whether the activation is a pass of its own.
    normalized : bool
        Whether the layers are normalized.
    checks : bool
        Whether what fills up panels must be zero.
    scaled : bool
        Whether inputs have scales.
    members : int
        Networks that share the layers: the rows of each stand one after the other.
    bfloat16 : bool
        Whether products are of bfloat16.
    fields
        More numbers and arrays of the state.
    """

    B: int
    rows: int
    checks: bool
    inputs: int
    outputs: int

    def __init__(
        self, sizes: Sequence[int], B: int, dtype: DType, activation: Activation = IDENTITY, separate: bool = False,
        normalized: bool = False, checks: bool = True, scaled: bool = False, members: int = 1, bfloat16: bool = False,
        **fields: Any,
    ) -> None:  # fmt: skip
        n = len(sizes) - 1
        stack = Stack([activation] * n, [separate] * n, [normalized] * n, [False] * n, scaled, members, None, bfloat16)
        table, size = parameter_table(sizes, stack, dtype)
        self.B, self.rows, self.checks = B, members * batch_rows(B, dtype), checks
        length = place_activations(table, stack, self.rows, dtype)
        arrays = {name: poisoned(size, dtype) for name in ("parameters", "gradients")}
        arrays["activations"] = poisoned(length, dtype)
        super().__init__(table, dtype, picked=B, batch=B, batch_rows=self.rows, **arrays, **fields)
        self.inputs, self.outputs = (int(table[-1][name]) for name in ("rows", "outputs"))

    def on_rows(self, kernel: Any) -> Step:
        """Return the step that computes all rows and columns of the layer's output."""
        return kernel, len(self.table) - 1, 0, padded(self.B, HALF), 0, self.outputs

    def on_inputs(self, kernel: Any, first: int = 0, last: int | None = None) -> Step:
        """Return the step that computes inputs first:last and all columns, as on the way back."""
        return kernel, len(self.table) - 1, first, self.inputs if last is None else last, 0, self.outputs

    def put(self, **arrays: Array) -> "Layers":
        """Write arrays of the layer, or with "below_" before its name of the one below; return self."""
        for name, array in arrays.items():
            view = self.view(name)
            if view.ndim == 3:
                put_matrix(view, array, 0 if name[-1] == "W" else np.nan)
            elif view.ndim == 2:
                view[: len(array)] = array[:, None]
            else:
                view[:] = 0
                view[: len(array)] = array
        return self

    def take(self, name: str, array: Array) -> None:
        """Read an array of a layer, or one of the state."""
        if name in self.fields:
            return super().take(name, array)
        view = self.view(name)
        if view.ndim == 3:
            return take_matrix(array, view, (len(view[0]) if "W" in name else len(array)) * self.checks)
        array[...] = view[: len(array), 0] if view.ndim == 2 else view[: len(array)]
        if (view[: len(array)] != array[:, None]).any() if view.ndim == 2 else view[len(array) :].any():
            raise ValueError("the lanes of a row differ, or what fills up the last vector is no longer zero")

    def view(self, name: str) -> Array:
        """Return an array of a layer where it stands: a matrix as (panels, rows, lanes), r as (rows, lanes), a vector.

        x is its input and h its output; `kept`, u and r are what it remembers; W, b, g, c, the activation's a and the
        scales s of x are its parameters, and "d" before these is their gradient. WT is the room for W^T.
        """
        layer = self.table[-2 if name.startswith("below_") else -1]
        name = name.removeprefix("below_")
        columns, rows, at = (int(layer[field]) for field in ("columns", "rows", "b"))
        if name in ("x", "h", "kept", "u", "r"):
            width = {"x": rows, "r": self.lanes}.get(name, columns)
            array = self.fields["activations"][int(layer[name]) :][: width * self.rows]
            return array.reshape((self.rows, -1) if name == "r" else (-1, self.rows, self.lanes))
        if name == "WT":
            return self.fields["transposed"].reshape(-1, columns, self.lanes)
        array = self.fields["gradients" if name[0] == "d" else "parameters"]
        if name[-1] == "W":
            return array[int(layer["W"]) : at].reshape(-1, rows, self.lanes)
        if name[-1] == "s":
            return array[int(layer["scale"]) :][:rows]
        at = {"b": at, "g": int(layer["gain"]), "c": int(layer["gain"]) + columns, "a": int(layer["slope"])}[name[-1]]
        return array[at:][:columns]


# ---- matrices in panels, (panels, rows, lanes), and back


def put_matrix(view: Array, M: Array, beyond: float) -> None:
    """Write M in panels; what is `beyond` fills the rows that M has not."""
    panels, rows, lanes = view.shape
    wide = np.full((rows, panels * lanes), beyond, view.dtype)
    wide[: len(M)] = 0
    wide[: len(M), : M.shape[1]] = M
    view[...] = wide.reshape(rows, panels, lanes).swapaxes(0, 1)


def take_matrix(M: Array, view: Array, used_rows: int) -> None:
    """Read M from panels, of which so many rows must be filled up with zeros."""
    wide = view.swapaxes(0, 1).reshape(view.shape[1], -1)
    M[...] = wide[: len(M), : M.shape[1]]
    if wide[: min(len(M), used_rows), M.shape[1] :].any() or wide[len(M) : used_rows].any():
        raise ValueError("what fills up the panels is no longer zero")


def long_vector(v: Array) -> Array:
    """Return v filled up with zeros to whole vectors."""
    long = aligned(padded(len(v), lanes_of(v.dtype)), v.dtype)
    long[: len(v)] = v
    return long
