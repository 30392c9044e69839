"""What is compiled, and when: each kernel of a program once for a dtype of the network, gather once for each of X."""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.registry import CPUDispatcher

from ..activations import ACTIVATIONS, INTERNAL
from ..compiler.jit import compiled_for
from ..entries.loss import LINKS
from ..entries.typed import DType, Fields, Function
from ..library.once import once
from ..losses import LOSSES, POINT_LOSSES
from ..machine import cpuid, points
from ..machine.calls import address_of, call
from ..machine.records import record_type
from ..optimizers import RULES
from ..program import phases
from ..program.entry_records import HELPER, IDENTITY, LAUNCH, PACKING, ROW, SHUFFLE
from ..program.state import CSR_DTYPES, READ_IN_PLACE, STATE
from ..tasks import (
    bfloat16_kernels,
    embedding_kernels,
    group_update,
    layer_kernels,
    member_kernels,
    row_kernels,
    single_row,
    sparse_kernels,
    update_kernels,
)
from . import clocks, helpers, parameters, predict_row, replicas, row_blocks, run, training

Compiled = tuple[int, CPUDispatcher]  # an address, and what keeps the code there


def replay(s: Fields) -> None:
    """Change a rule's running numbers as the steps after `begin` did, up to `end`: an entry point."""
    for step in range(s.begin + 1, s.end + 1):
        s.step = step
        call(s.advance, s)


WORK = {
    function.__name__: (function, layout, integers)
    for function, layout, integers in (
        (replay, STATE, 0), (training.train, STATE, 0), (training.predict, STATE, 0),
        (replicas.train_replicas, STATE, 0), (training.run_phase, STATE, 1), (parameters.pack_parameters, PACKING, 0),
        (parameters.unpack_parameters, PACKING, 0), (parameters.round_parameters, PACKING, 0),
        (parameters.shuffle_rows, SHUFFLE, 0),
        (predict_row.row_worker, ROW, 0), (helpers.help_out, HELPER, 0), (helpers.launch, LAUNCH, 0),
        (helpers.dismiss, HELPER, 0), (cpuid.identify, IDENTITY, 0),
    )
}  # what is called by its name: the function, the record that it takes, and how many integers  # fmt: skip
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
    "merge_members": (member_kernels.make_merge, {link: link for link in LINKS}),
    "update": (update_kernels.make_update, RULES),
    "update_groups": (group_update.make_update_groups, RULES),
    "update_csr": (update_kernels.make_update_csr, RULES),
}  # of kernels made for an entry: by its name, or for what is a user's own
_SPARSE = {"gather_csr": sparse_kernels.make_gather_csr, "scatter_csr": sparse_kernels.make_scatter_csr}
ROW_KERNELS = "activate_row", "output_row"
_BFLOAT16 = {function.__name__: function for function in bfloat16_kernels.KERNELS}  # beside float32
_OF_FLOAT32 = {*_BFLOAT16, "round_parameters", "run_task_flushing"}  # what networks of other dtypes have no use for
_RUNNERS = "run_task", "run_task_flushing"
_PLAIN = _BFLOAT16 | {
    function.__name__: function
    for function in (
        layer_kernels.linear_forward, layer_kernels.linear_in_place,
        layer_kernels.bias_backward, layer_kernels.transpose_rows,
        layer_kernels.linear_backward_params, layer_kernels.linear_backward_input, layer_kernels.drop,
        layer_kernels.drop_below, layer_kernels.undo_scaling, layer_kernels.layer_norm, layer_kernels.gain_backward,
        layer_kernels.normalize_backward, layer_kernels.scale_inputs,
        layer_kernels.scale_backward, embedding_kernels.embed, embedding_kernels.transpose_embedded,
        embedding_kernels.embed_backward, row_kernels.prefetch_rows, row_blocks.row_block,
        clocks.row_block_clocked, sparse_kernels.offset_bias, sparse_kernels.linear_forward_csr,
        sparse_kernels.linear_in_place_csr, sparse_kernels.sort_csr, sparse_kernels.rank_csr,
        sparse_kernels.descend_csr, member_kernels.spread_members, member_kernels.heads_forward,
        member_kernels.heads_backward_params, member_kernels.heads_backward_input, member_kernels.heads_bias_backward,
        member_kernels.inputs_backward, member_kernels.members_backward_params, member_kernels.member_scales_backward,
    )
}  # fmt: skip


def _dtype(dtype):
    return numba.from_dtype(np.dtype(dtype))


def make(kernel: phases.Kernel) -> Function:
    """Return the Python function of a kernel of a program, under a name of its own."""
    if kernel.name in _PLAIN:
        return _PLAIN[kernel.name]
    if kernel.name == "gather":
        function = row_kernels.make_gather(_dtype(kernel.of))
    elif kernel.name in _SPARSE:
        function = _SPARSE[kernel.name](*map(_dtype, kernel.of.split("_")))
    else:
        maker, entries = _MAKERS[kernel.name]
        function = maker(entries[kernel.of] if isinstance(kernel.of, str) else kernel.of)
    of = "gradient" if kernel.of is None else str(getattr(kernel.of, "name", kernel.of))
    function.__name__ = function.__qualname__ = f"{kernel.name}_{of}"
    return function


def is_own(kernel: phases.Kernel) -> bool:
    """Whether a kernel depends on a user's functions, so that it is not kept on disk."""
    return getattr(kernel.of, "is_own", False)


@once
def compile_kernel(kernel: phases.Kernel, dtype: DType) -> Compiled:
    """Compile a kernel of a program for networks of this dtype; return its address and what keeps it."""
    layout, integers = (ROW, 4) if kernel.name in ROW_KERNELS else (STATE, 6)
    signature = types.void(record_type(layout, _dtype(dtype)), *[types.intp] * integers)
    try:
        return _compiled(make(kernel), signature, kept=not is_own(kernel))
    except Exception as error:
        if is_own(kernel):
            raise points.refusal(error, kernel.of) from None
        raise


def compile_as_kernel(function: Function, dtype: DType, **how: bool) -> Compiled:
    """Compile a function with the signature of a kernel; as `compile_kernel`."""
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype)), *[types.intp] * 6), **how)


def _compiled(function, signature, **how):
    dispatcher = compiled_for(signature, function, **how)
    return address_of(dispatcher, signature), dispatcher


@once
def task_runner(dtype: DType, function: Function = run.run_task) -> Compiled:
    """Compile what does one task of a phase, or another function of its kind; as `compile_kernel`."""
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype)), *[types.intp] * 3))


@once
def advance(rule: str, dtype: DType) -> Compiled:
    """Compile what changes a rule's running numbers; as `compile_kernel`."""
    function = update_kernels.make_advance(RULES[rule])
    function.__name__ = function.__qualname__ = f"advance_{rule}"
    return _compiled(function, types.void(record_type(STATE, _dtype(dtype))))


@once
def work(name: str, dtype: DType) -> Compiled:
    """Compile an entry point, or what every program calls; as `compile_kernel`."""
    if name in _RUNNERS:
        return task_runner(dtype, getattr(run, name))
    function, layout, integers = WORK[name]
    return _compiled(function, types.void(record_type(layout, _dtype(dtype)), *[types.intp] * integers))


def library_code(dtype: DType) -> Iterator[tuple[str, Any, CPUDispatcher]]:
    """Yield (name, of, dispatcher) of all that a shared library holds for networks of this dtype, compiled."""
    left_out = () if np.dtype(dtype) == np.float32 else _OF_FLOAT32
    for kernel in all_kernels():
        if kernel.name not in left_out:
            yield kernel.name, kernel.of, compile_kernel(kernel, dtype)[1]
    for name in (*_RUNNERS, *WORK):
        if name not in left_out:
            yield name, None, work(name, dtype)[1]
    for name, rule in RULES.items():
        if rule.advance:
            yield "advance", name, advance(name, dtype)[1]


def all_kernels() -> list[phases.Kernel]:
    """Return the kernels of all programs that there can be, but for those of users' functions."""
    plain = [
        phases.Kernel(name)
        for name in (*_PLAIN, "update", "update_groups", "update_csr")
        if name != "row_block_clocked"
    ]
    sparse = [phases.Kernel(name, of) for name in _SPARSE for of in CSR_DTYPES]
    made = [
        phases.Kernel(name, of)
        for name, (_, entries) in _MAKERS.items()
        for of, entry in entries.items()
        if name != "parameter_backward" or entry.parameter
    ]
    return [*plain, *sparse, *made, *(phases.Kernel("gather", dtype.name) for dtype in READ_IN_PLACE)]
