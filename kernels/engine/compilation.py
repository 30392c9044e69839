"""What is compiled, and when: each kernel of a program once for a dtype of the network, gather once for each of X."""

from typing import NamedTuple

import numba
import numpy as np
from numba import types

from ..activations import ACTIVATIONS, INTERNAL
from ..compiler.jit import compiled_for
from ..compiler.once import once
from ..entries.loss import LINKS
from ..losses import LOSSES, POINT_LOSSES
from ..machine import points
from ..machine.calls import address_of, call, entry_point
from ..machine.records import record_type
from ..optimizers import RULES
from ..program import phases
from ..program.state import PHASE, STATE
from ..tasks import layer_kernels, row_kernels, single_row, update_kernels
from . import clocks, predict_row, replicas, row_blocks, run, training
from .parameters import PACKING, SHUFFLE, pack_parameters, shuffle_rows, unpack_parameters


def replay(s):
    """Change a rule's running numbers as the steps after `begin` did, up to `end`: an entry point."""
    for step in range(s.begin + 1, s.end + 1):
        s.step = step
        call(s.advance, s)


_ENTRY_POINTS = {
    replay: STATE,
    training.train: STATE,
    training.predict: STATE,
    replicas.train_replicas: STATE,
    pack_parameters: PACKING,
    unpack_parameters: PACKING,
    shuffle_rows: SHUFFLE,
    predict_row.row_worker: predict_row.ROW,
}  # the record that each takes
_LOSSES = {name: loss() for name, loss in (POINT_LOSSES | LOSSES).items()}
_ACTIVATIONS = ACTIVATIONS | {F.name: F for F in INTERNAL}
_MAKERS = {
    "activate": (layer_kernels.make_activate, _ACTIVATIONS),
    "derive": (layer_kernels.make_derive, _ACTIVATIONS),
    "parameter_backward": (layer_kernels.make_parameter, _ACTIVATIONS),
    "activate_row": (single_row.make_activate_row, _ACTIVATIONS),
    "output_row": (single_row.make_output_row, {link: link for link in LINKS}),
    "predict": (row_kernels.make_predict, {link: link for link in LINKS}),
    "loss": (row_kernels.make_loss_kernel, _LOSSES),
    "update": (update_kernels.make_update, RULES),
}  # of kernels made for an entry: by its name, or for what is a user's own
_PLAIN = {
    function.__name__: function
    for function in (
        layer_kernels.linear_forward, layer_kernels.bias_backward, layer_kernels.transpose_rows,
        layer_kernels.linear_backward_params, layer_kernels.linear_backward_input, layer_kernels.drop,
        layer_kernels.drop_below, layer_kernels.undo_scaling, layer_kernels.layer_norm, layer_kernels.gain_backward,
        layer_kernels.normalize_backward, row_kernels.prefetch_rows, row_blocks.row_block,
        clocks.row_block_clocked,
    )
}  # fmt: skip


def _dtype(dtype):
    return numba.from_dtype(np.dtype(dtype))


def make(kernel):
    """Return the Python function of a kernel of a program, under a name of its own."""
    if kernel.name in _PLAIN:
        return _PLAIN[kernel.name]
    if kernel.name == "gather":
        function = row_kernels.make_gather(_dtype(kernel.of))
    else:
        maker, entries = _MAKERS[kernel.name]
        function = maker(entries[kernel.of] if isinstance(kernel.of, str) else kernel.of)
    of = "gradient" if kernel.of is None else str(getattr(kernel.of, "name", kernel.of))
    function.__name__ = function.__qualname__ = f"{kernel.name}_{of}"
    return function


def is_own(kernel):
    """Whether a kernel depends on a user's functions, so that it is not kept on disk."""
    return getattr(kernel.of, "is_own", False)


@once
def compile_kernel(kernel, dtype):
    """Compile a kernel of a program for networks of this dtype; return its address and what keeps it."""
    return _made(kernel, dtype, STATE, 6)


@once
def compile_row_kernel(kernel, dtype):
    """Compile a kernel of tasks/single_row.py; as `compile_kernel`."""
    return _made(kernel, dtype, predict_row.ROW, 4)


def _made(kernel, dtype, layout, integers):
    """Make and compile a kernel that takes a record of this layout and so many integers."""
    signature = types.void(record_type(layout, _dtype(dtype)), *[types.intp] * integers)
    try:
        return _compiled(make(kernel), signature, kept=not is_own(kernel))
    except Exception as error:
        if is_own(kernel):
            raise points.refusal(error, kernel.of) from None
        raise


def compile_as_kernel(function, dtype, **how):
    """Compile a function with the signature of a kernel; as `compile_kernel`."""
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype)), *[types.intp] * 6), **how)


def _compiled(function, signature, **how):
    dispatcher = compiled_for(signature, function, **how)
    return address_of(dispatcher, signature), dispatcher


class Assembled(NamedTuple):
    """A program whose kernels are compiled: its records, and where its parts begin and end."""

    phases: np.ndarray
    kernels: np.ndarray
    ranges: dict

    def fields(self):
        """Return what a `STATE` holds of it."""
        return {"phases": self.phases, "kernels": self.kernels, **self.ranges}


@once
def assemble(whole, block, dtype):
    """Compile a program for networks of this dtype, and that of a block of rows if there is one."""
    parts = phases.parts(whole, block)
    records, addresses = PHASE.new(sum(map(len, parts))), []
    for record, phase in zip(records, (phase for part in parts for phase in part), strict=True):
        first, last = len(addresses), len(addresses) + len(phase.kernels)
        addresses += [compile_kernel(each, dtype)[0] for each in phase.all_kernels]
        closing = last if phase.closing else -1
        record["kind"], record["layer"], record["first"], record["last"] = phase.kind, phase.layer, first, last
        record["closing"] = closing
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    names = "forward", "backward", "end_backward", "end_phases"
    ranges = dict(zip(names, ends, strict=False)) | {"block_forward": ends[3], "block_end": ends[-1]}
    return Assembled(records, np.array(addresses, np.int64), ranges | step_runners(dtype))


def step_runners(dtype):
    """Return the addresses of what every program calls, by their fields of a `STATE`."""
    return {"run_task": task_runner(dtype)[0], "run_phase": phase_runner(dtype)[0]}


@once
def task_runner(dtype, function=run.run_task):
    """Compile what does one task of a phase, or another function of its kind; as `compile_kernel`."""
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype)), *[types.intp] * 3))


@once
def phase_runner(dtype):
    """Compile what does a phase with the team; as `compile_kernel`."""
    return _compiled(training.run_phase, types.void(record_type(STATE, _dtype(dtype)), types.intp))


@once
def advance(rule, dtype):
    """Compile what changes a rule's running numbers; as `compile_kernel`."""
    function = update_kernels.make_advance(RULES[rule])
    function.__name__ = function.__qualname__ = f"advance_{rule}"
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype))))


@once
def work(function, dtype):
    """Compile an entry point; as `compile_kernel`."""
    return _compiled(function, types.void(record_type(_ENTRY_POINTS[function], _dtype(dtype))))


@once
def entry(function, dtype):
    """Return a Python function that calls an entry point with its record."""
    address, dispatcher = work(function, dtype)
    return _keeping(dispatcher, entry_point(address))


@once
def launcher():
    """Compile what runs an entry point on so many workers, one call a worker; as `compile_kernel`."""
    record = record_type(STATE, types.float32)  # any record: it is only handed on
    return _compiled(training.launch, types.void(record, types.intp, types.intp), parallel=True)


@once
def starter(function, dtype, workers):
    """Return a Python function that runs an entry point on its record, on so many workers."""
    if workers == 1:
        return entry(function, dtype)
    address, dispatcher = launcher()
    return _keeping(dispatcher, entry_point(address, work(function, dtype)[0], workers))


def start(function, dtype, record, workers):
    """Run an entry point on its record, on so many workers."""
    starter(function, dtype, workers)(record)


def _keeping(dispatcher, function):
    function.dispatcher = dispatcher  # which owns the code
    return function
