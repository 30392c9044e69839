"""What a kernel of a step is called, which equations it computes and what that costs, all by the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...kernels.program.phases import Kernel
from ...kernels.registry.bfloat16 import BFLOAT16_KERNELS
from ...kernels.registry.entries import KERNELS
from ...kernels.registry.entry import Entry
from ...network import Network


@dataclass(frozen=True)
class Step:
    """What each step computes.

    Parameters
    ----------
    network : Network
    B : int
        Rows.
    dtype : numpy.dtype
    blocks : int
        Into how many they are split.
    descends : bool
        Whether the backward pass updates the parameters (eq. 54), and no kernel after it.
    copies : int
        Of the parameters that are updated: one, or where workers train replicas one each.
    entries : float or None
        Of a row on average, where the first layer works on the entries of sparse rows.
    """

    network: Network
    B: int
    dtype: np.dtype
    blocks: int
    descends: bool
    copies: int = 1
    entries: float | None = None


@dataclass(frozen=True)
class Cost:
    """What a kernel does in one step.

    Parameters
    ----------
    name : str
        As the registry has it; a kernel that has no entry there bears its function's.
    layer : int or None
        From 1, that next to the inputs; None where it works for all.
    equations : tuple of int
        Of the paper.
    product : bool
        Whether it is one of a layer's three products, whose FLOP are those of the product alone.
    flop, bytes : int
        The least that are to be computed, read and written; 0 where no entry tells.
    """

    name: str
    layer: int | None
    equations: tuple[int, ...]
    product: bool
    flop: int
    bytes: int

    def plus(self, other: Cost) -> Cost:
        """Return what both cost together: the same kernel, at the same layer on its way forward and back."""
        return replace(self, flop=self.flop + other.flop, bytes=self.bytes + other.bytes)


_PRODUCTS = {"linear_forward", "linear_backward_params", "linear_backward_input", "linear_forward_csr", "descend_csr"}
_OF_BFLOAT16 = {
    "linear_forward_bfloat16": "fast_linear_bfloat16",
    "linear_backward_params_bfloat16": "fast_linear_backward_params_bfloat16",
    "linear_backward_input_bfloat16": "fast_linear_backward_input_bfloat16",
    **dict.fromkeys(
        ("transpose_rows_bfloat16", "round_inputs", "round_outputs", "round_below", "round_descended", "round_weights")
    ),
}  # their names in the registry; None where numbers are moved or rounded
BFLOAT16_BYTES = 2  # of each number that a product takes
_WHOLE = {
    "gather", "gather_csr", "scatter_csr", "sort_csr", "rank_csr", "update", "update_csr", "prefetch_rows",
    "row_block_clocked",
}  # for all layers together  # fmt: skip
_BELOW = {
    "derive",
    "parameter_backward",
    "drop_below",
    "undo_scaling",
    "gain_backward",
}  # what the backward phase of a layer does for the layer below it


def cost(kernel: Kernel, l: int, step: Step) -> Cost:
    """Return the cost of a kernel of a step's program, in a phase of layer l from 0."""
    if kernel.name in _OF_BFLOAT16:
        return _of_bfloat16(kernel, l, step)
    at = l - 1 if kernel.name in _BELOW else l
    name = _name(kernel, l, at, step)
    known = KERNELS.get(f"fast_{name}") or KERNELS.get(name)
    layer = None if kernel.name in _WHOLE else at + 1
    if known is None:
        return Cost(name, layer, (), False, 0, 0)
    flop, nbytes = _flop_and_bytes(known, kernel.name, at, step)
    if kernel.name == "update_csr":  # which sums the first layer's gradient instead of reading it
        product, (I, O) = KERNELS["linear_csr_backward_params"], step.network.shapes[0]
        flop += round(product.flop(step.B, step.entries or 0, O))
        nbytes += round(2 * step.B * (step.entries or 0) - I * O) * step.dtype.itemsize
        return Cost(f"fast_{name}_csr", None, (*product.equations, *known.equations), False, flop, nbytes)
    return Cost(f"fast_{name}", layer, known.equations, kernel.name in _PRODUCTS, flop, nbytes)


def _of_bfloat16(kernel: Kernel, l: int, step: Step) -> Cost:
    """Return the cost of a kernel of bfloat16: of a product, or of numbers that are rounded, which computes nothing."""
    layer = None if kernel.name in ("round_inputs", "round_weights") else l + (kernel.name != "round_below")
    name, (I, O) = _OF_BFLOAT16[kernel.name], step.network.shapes[l]
    if name is None:
        return Cost(kernel.name, layer, (), False, 0, 0)
    entry = BFLOAT16_KERNELS[name]
    return Cost(name, layer, entry.equations, True, entry.flop(step.B, I, O), entry.bytes(step.B, I, O, BFLOAT16_BYTES))


def _name(kernel: Kernel, l: int, at: int, step: Step) -> str:
    """Return the name without the `fast_` before it."""
    F = step.network.activations[at].name
    names = {
        "update": "limit" if kernel.of is None else f"{kernel.of}_update",
        "update_csr": "limit" if kernel.of is None else f"{kernel.of}_update",
        "linear_forward_csr": "linear_csr",
        "descend_csr": "linear_csr_descent",
        "loss": _loss(step.network),
        "activate": F,
        "derive": f"{F}_derivative",
        "parameter_backward": f"{F}_parameter_backward",
        "linear_forward": "linear_relu" if _fused(step.network, l) else "linear",
        "linear_backward_params": "linear_descent" if step.descends else "linear_backward_params",
        "linear_backward_input": _backward_input(step.network, l - 1),
        "gain_backward": "layer_norm_backward_params",
        "normalize_backward": "layer_norm_backward_input",
        "transpose_rows": "transpose",
        "drop": "dropout",
        "drop_below": "dropout",
        "row_block_clocked": "prefetch_rows",  # which is what a block does itself
    }
    return names.get(kernel.name, kernel.name)


def _backward_input(network: Network, below: int) -> str:
    """Return what the product is called that takes in F' of the layer below."""
    if _fused(network, below):
        return "linear_relu_backward_input"
    return "linear_hadamard_backward_input" if network.stack.separate[below] else "linear_backward_input"


def _loss(network: Network) -> str:
    if not network.of_classes:
        return network.loss.name
    return "smoothed_cross_entropy" if network.loss.label_smoothing else "softmax_cross_entropy"


def _fused(network: Network, l: int) -> bool:
    """Whether layer l's ReLU is done as its product is stored, and its derivative likewise."""
    return network.activations[l].name == "relu" and not network.stack.separate[l]


def _flop_and_bytes(entry: Entry, called: str, l: int, step: Step) -> tuple[int, int]:
    B, (I, O), itemsize = step.B, step.network.shapes[l], step.dtype.itemsize
    if called.endswith("_csr") and called != "update_csr":
        entries = step.entries or 0.0
        features = min(I, B * entries)
        flop = 2 * B * entries * O if called in _PRODUCTS else entry.flop(B, entries, O)
        nbytes = entry.bytes(B, entries, O, itemsize)
        if called in _PRODUCTS:  # of W what features there are, not as many as a row has
            nbytes += (features - entries) * O * itemsize * (2 if called == "descend_csr" else 1)
        return round(flop), round(nbytes)
    if called in ("update", "update_csr"):
        n = step.network.n_parameters
        nbytes = entry.bytes(B, n, 1, itemsize) + (step.blocks - 1) * n * itemsize
        return entry.flop(B, n, 1) * step.copies, nbytes * step.copies
    blocks = 1 if called in _WHOLE else step.blocks  # each block reads the layer's W, or writes a dE/dW
    nbytes = entry.bytes(B, I, O, itemsize) + (blocks - 1) * entry.bytes(0, I, O, itemsize)
    return 2 * B * I * O if called in _PRODUCTS else entry.flop(B, I, O), nbytes
