"""The program of a step: its phases, their order, and the kernels of each.

The order of the fast kernels' phases is written here and nowhere else. What happens between forward, backward and
update is in engine/training.py. A phase is split into tasks (tasks/splitting.py). The kernels of a task run one after
the other on the same rows and columns, while these are in the core's cache. Training, row blocks, prediction,
evaluation and gradients walk one program. The profiler runs it with a clock around each kernel (engine/clocks.py). None
of it needs Numba.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .embedding import Embedding

# kinds of phases: their tasks
GATHER, FORWARD, BACKWARD, ROWS, UPDATE, BLOCKS, COLUMNS, INPUTS, GROUPS, EMBEDDED = range(10)


class Kernel(NamedTuple):
    """A compiled kernel by its name, and what it is made for: an activation, a loss, a rule, X's dtype or nothing."""

    name: str
    of: object = None


class Phase(NamedTuple):
    """One phase: the kernels of a task in their order, and one that is a task of its own, if any.

    That one comes last on the way back, and first on the way forward.
    """

    kind: int
    layer: int
    kernels: tuple[Kernel, ...]
    closing: Kernel | None = None

    @property
    def all_kernels(self) -> tuple[Kernel, ...]:
        """The kernels as they are numbered, the closing one last."""
        return (*self.kernels, *([self.closing] if self.closing else []))


class Stack(NamedTuple):
    """What the order of the phases follows from, of each layer.

    Parameters
    ----------
    activations : sequence of Activation
        F of each layer; of the last the identity.
    separate : sequence of bool
        Whether F is a pass of its own.
    normalized : sequence of bool
    dropped : sequence of bool
        Whether some of its outputs are dropped: in training steps alone.
    scaled : bool
        Whether the inputs of the first layer are multiplied by trained scales.
    members : int
        Networks that share all layers but the last. More than one have scales of their own, too.
    embedding : Embedding or None
        What the first layer embeds, if that is what it does: it then has no product, and the scales are the next one's.
    bfloat16 : bool
        Whether products are of numbers rounded to bfloat16.
    """

    activations: Sequence[Any]
    separate: Sequence[bool]
    normalized: Sequence[bool]
    dropped: Sequence[bool]
    scaled: bool = False
    members: int = 1
    embedding: Embedding | None = None
    bfloat16: bool = False


class Program(NamedTuple):
    """Phases of a minibatch: forward from the gathering of rows to the loss, then backward, then the update."""

    forward: tuple[Phase, ...]
    backward: tuple[Phase, ...] = ()
    update: tuple[Phase, ...] = ()


def passes(stack: Stack, l: int) -> tuple[Kernel, ...]:
    """Return the kernels that follow the linear stage of layer l, or its normalization, and turn t or n into h."""
    drop = (Kernel("drop"),) if stack.dropped[l] else ()
    return (Kernel("activate", stack.activations[l].key), *drop) if stack.separate[l] else drop


def forward_phases(
    stack: Stack, X_dtype: str, *output: Kernel, product: str = "linear_forward"
) -> tuple[Phase, ...]:  # fmt: skip
    """Return the phases from the rows of X to the output: z, or E and dE/dt (eqs. 42-47).

    `product` names the kernel of a layer's product, "linear_in_place" where W is not packed.
    """
    shares, embeds, last = stack.members > 1, stack.embedding is not None, len(stack.activations) - 1
    scale = (Kernel("spread_members" if shares else "scale_inputs"),) if stack.scaled and not embeds else ()
    phases = [Phase(GATHER, 0, (Kernel("gather", X_dtype), *scale))]
    if embeds:
        phases.append(Phase(GROUPS, 0, (Kernel("embed"),)))  # and scales
    for l in range(embeds, last + 1):
        after = () if stack.normalized[l] else passes(stack, l)
        of = "heads_forward" if shares and l == last else product
        phases.append(Phase(FORWARD, l, (Kernel(of), *after, *(output if l == last else ()))))
        if stack.normalized[l]:
            phases.append(Phase(ROWS, l, (Kernel("layer_norm"), *passes(stack, l))))
    return tuple(phases)


def below(stack: Stack, l: int) -> tuple[tuple[Kernel, ...], tuple[Kernel, ...]]:
    """Return the kernels before and after the product that makes dE/dt of layer l."""
    before, after = (), ()
    if stack.separate[l]:
        F = stack.activations[l]
        scale = (Kernel("undo_scaling"),) if stack.dropped[l] and F.of_h else ()
        drop = (Kernel("drop_below"),) if stack.dropped[l] else ()
        before = (*scale, Kernel("derive", F.key), *drop)
        after = (Kernel("parameter_backward", F.key),) if F.parameter else ()
    return before, (*after, *([Kernel("gain_backward")] if stack.normalized[l] else []))


def backward_phases(stack: Stack, prefetches: bool = False) -> tuple[Phase, ...]:
    """Return the phases from dE/dt of the last layer to dE/dW of the first (eqs. 48-53).

    `prefetches` says whether the rows of the next minibatch are asked for on the way: by one worker that takes whole
    minibatches. Blocks of rows ask for them by themselves.
    """
    phases, last, shares, embeds = [], len(stack.activations) - 1, stack.members > 1, stack.embedding is not None
    for l in reversed(range(embeds, last + 1)):
        if stack.normalized[l]:
            phases.append(Phase(ROWS, l, (Kernel("normalize_backward"),)))
        if shares:
            phases.append(_members_backward(stack, l))
            continue
        kernels = (Kernel("linear_backward_params"), *([Kernel("prefetch_rows")] if prefetches else []))
        if l:
            before, after = below(stack, l - 1)
            product = Kernel("linear_backward_input")
            kernels = (Kernel("transpose_rows"), Kernel("linear_backward_params"), *before, product, *after)
        phases.append(Phase(BACKWARD, l, kernels, Kernel("bias_backward")))
    if stack.scaled and not shares:
        phases.append(Phase(INPUTS, int(embeds), (Kernel("scale_backward"),)))
    if embeds:
        phases.append(Phase(GROUPS, 0, (Kernel("transpose_embedded"),)))
        phases.append(Phase(EMBEDDED, 0, (Kernel("embed_backward"),)))
    return tuple(phases)


def _members_backward(stack: Stack, l: int) -> Phase:
    """Return the backward phase of a layer of members: the first ends with dE/ds, the last takes each one's W."""
    before, after = below(stack, l - 1) if l else ((), (Kernel("member_scales_backward"),))
    if l == len(stack.activations) - 1:
        kernels = Kernel("heads_backward_params"), *before, Kernel("heads_backward_input"), *after
        return Phase(BACKWARD, l, kernels, Kernel("heads_bias_backward"))
    product = Kernel("linear_backward_input" if l else "inputs_backward")
    kernels = Kernel("transpose_rows"), Kernel("members_backward_params"), *before, product, *after
    return Phase(BACKWARD, l, kernels, Kernel("bias_backward"))


def update_phases(rule: str | None, clips_norm: bool, grouped: bool = False) -> tuple[Phase, ...]:
    """Return the update by a rule, or without one the gradient, after a pass that finds its norm if that is limited.

    `grouped` says whether parameters of different kinds have rates of their own.
    """
    name = "update_groups" if grouped else "update"
    norm = (Phase(UPDATE, 0, (Kernel(name),)),) if clips_norm else ()
    return (*norm, Phase(UPDATE, 0, (Kernel(name, rule),)))


class Entries(NamedTuple):
    """How the rows of a sparse X come into a network.

    Parameters
    ----------
    dtypes : str
        Those of X's indices and numbers, such as "int32_float64".
    dense : bool
        Whether rows become dense as they are gathered.
    shifted : bool
        Whether x is an offset more than the entries (kernels/fast/csr.py), in every row.
    in_place : bool
        Whether W of the first layer stands row by row where the user has it.
    """

    dtypes: str
    dense: bool
    shifted: bool = False
    in_place: bool = False


def on_entries(program: Program, entries: Entries) -> Program:
    """Return a program for sparse rows, whose first layer works on the entries, or the same on rows made dense.

    The gradient of its W is never written: descent and updates sum it as they go, but where a norm is to be known.
    """
    gather, first, *rest = program.forward
    if entries.dense:
        gather = gather._replace(kernels=(Kernel("scatter_csr", entries.dtypes), *gather.kernels[1:]))
        return program._replace(forward=(gather, first, *rest))
    before = (gather._replace(kernels=(Kernel("gather_csr", entries.dtypes),)),)
    if entries.shifted and program.backward:
        before = (*before, Phase(COLUMNS, 0, (Kernel("offset_bias"),)))
    product = Kernel("linear_in_place_csr" if entries.in_place else "linear_forward_csr")
    update, backward = program.update, program.backward
    sort = Kernel("sort_csr" if update else "rank_csr") if backward else None
    first = first._replace(kernels=(product, *first.kernels[1:]), closing=sort)
    if backward:
        last = backward[-1]._replace(kernels=() if update else (Kernel("descend_csr"),))
        backward = (*backward[:-1], last)
    if update:
        update = (update[0]._replace(kernels=(Kernel("update_csr", update[0].kernels[0].of),)), *update[1:])
    return Program((*before, first, *rest), backward, update)


_OF_BFLOAT16 = {
    name: Kernel(f"{name}_bfloat16")
    for name in ("linear_forward", "linear_backward_params", "linear_backward_input", "transpose_rows")
}


def in_bfloat16(program: Program) -> Program:
    """Return a program whose products are of bfloat16. What they take is rounded at the end of the task that makes it.

    A first layer that works on the entries of sparse rows keeps its float32.
    """
    trains, phases = bool(program.backward), [_products(phase) for phase in (*program.forward, *program.backward)]
    forward, backward = phases[: len(program.forward)], phases[len(program.forward) :]
    for k, phase in enumerate(forward):
        if phase.kind == GATHER and phase.kernels[0].name != "gather_csr":
            forward[k] = phase._replace(kernels=(*phase.kernels, Kernel("round_inputs")))
        following = forward[k + 1 : k + 2]
        if phase.kind in (FORWARD, ROWS) and (following[0].layer != phase.layer if following else trains):
            forward[k] = phase._replace(kernels=(*phase.kernels, Kernel("round_outputs")))
    for k, phase in enumerate(backward):
        if phase.kind == ROWS:
            backward[k] = phase._replace(kernels=(*phase.kernels, Kernel("round_outputs")))
        elif phase.kind == BACKWARD:
            backward[k] = phase._replace(kernels=_rounding(phase, not program.update))
    update = program.update
    if update and update[-1].kernels[0].of is not None:
        last = update[-1]
        update = (*update[:-1], last._replace(kernels=(*last.kernels, Kernel("round_weights"))))
    return Program(tuple(forward), tuple(backward), update)


def flushes(program: Program) -> bool:
    """Return whether a program takes denormals as zero, as products of bfloat16 do."""
    return any(each in _OF_BFLOAT16.values() for phase in program.forward for each in phase.kernels)


def _products(phase: Phase) -> Phase:
    return phase._replace(kernels=tuple(_OF_BFLOAT16.get(each.name, each) for each in phase.kernels))


def _rounding(phase: Phase, descends: bool) -> tuple[Kernel, ...]:
    """Return the kernels of a backward phase with those that round W after its descent, and dE/dt of the layer below.

    dE/dt of a layer that is normalized is not made yet.
    """
    kernels = []
    for each in phase.kernels:
        kernels.append(each)
        if each.name == "linear_backward_params_bfloat16" and descends:
            kernels.append(Kernel("round_descended"))
    if phase.layer and kernels[-1].name != "gain_backward":
        kernels.append(Kernel("round_below"))
    return tuple(kernels)


def in_blocks(program: Program) -> tuple[Program, Program]:
    """Return the program whose first phase is blocks of rows, each through all layers, and that of a block."""
    return Program((Phase(BLOCKS, 0, (Kernel("row_block"),)),), (), program.update), program._replace(update=())


def parts(whole: Program, block: Program | None) -> list[tuple[Phase, ...]]:
    """Return the parts of a program and those of a block's, if there is one, in the order in which they stand."""
    return [whole.forward, whole.backward, whole.update, *([block.forward, block.backward] if block else [])]


def numbered(whole: Program, block: Program | None) -> list[tuple[Kernel, int]]:
    """Return each kernel with its layer: its place in the list is its number in `STATE.kernels`."""
    return [(each, p.layer) for part in parts(whole, block) for p in part for each in p.all_kernels]
