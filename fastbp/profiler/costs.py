"""What a kernel of a step is called, which equations it computes and what that costs, all by the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kernels.entry import Entry
from ..kernels.registry import KERNELS
from ..network import Network


@dataclass(frozen=True)
class Step:
    """What each step computes: B rows, in blocks or whole, the parameters updated on the way (eq. 54) or at last.

    Where workers train replicas, each updates its own copy.
    """

    network: Network
    B: int
    dtype: np.dtype
    blocks: int
    descends: bool
    optimizer: str
    copies: int = 1


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


_PRODUCTS = {"linear_forward", "linear_backward_params", "linear_backward_input"}
_WHOLE = {"GATHER", "UPDATE_ALL", "NORM", "ask_ahead"}  # for all layers together
_BELOW = {
    "DERIVE",
    "drop",
    "undo_scaling",
    "GAIN_BACKWARD",
}  # what the backward phase does for the layer below the one at work


def cost(phase: str, called: str, l: int, step: Step) -> Cost:
    """Return the cost of what `phase` calls by the name `called`, at layer l from 0; see kernels/clocked.py."""
    at = l - 1 if phase == "backward" and called in _BELOW else l
    name = _name(called, l, at, step)
    known = KERNELS.get(f"fast_{name}") or KERNELS.get(name)
    layer = None if called in _WHOLE else at + 1
    if known is None:
        return Cost(name, layer, (), False, 0, 0)
    flop, nbytes = _flop_and_bytes(known, called, at, step)
    return Cost(f"fast_{name}", layer, known.equations, called in _PRODUCTS, flop, nbytes)


def _name(called: str, l: int, at: int, step: Step) -> str:
    """Return the name without the `fast_` before it."""
    F = step.network.activations
    names = {
        "GATHER": "gather",
        "UPDATE_ALL": f"{step.optimizer}_update",
        "NORM": "limit",
        "LOSS": _loss(step.network),
        "ACTIVATE": F[at],
        "DERIVE": f"{F[at]}_derivative",
        "linear_forward": "linear_relu" if _fused(step.network, l) else "linear",
        "linear_backward_params": "linear_descent" if step.descends else "linear_backward_params",
        "linear_backward_input": _backward_input(step.network, l - 1),
        "GAIN_BACKWARD": "layer_norm_backward_params",
        "transpose_rows": "transpose",
        "drop": "dropout",
    }
    return names.get(called, called.strip("_").lower())


def _backward_input(network: Network, below: int) -> str:
    """Return what the product is called that takes in F' of the layer below."""
    if _fused(network, below):
        return "linear_relu_backward_input"
    plainly = (
        network.activations[below] == "identity" and not network.dropouts[below] and not network.layer_norms[below]
    )
    return "linear_backward_input" if plainly else "linear_hadamard_backward_input"


def _loss(network: Network) -> str:
    if network.label_smoothing:
        return "smoothed_cross_entropy"
    return "softmax_cross_entropy" if network.of_classes else network.loss


def _fused(network: Network, l: int) -> bool:
    """Whether layer l's ReLU is done as its product is stored, and its derivative likewise."""
    return network.activations[l] == "relu" and not network.dropouts[l] and not network.layer_norms[l]


def _flop_and_bytes(entry: Entry, called: str, l: int, step: Step) -> tuple[int, int]:
    B, (I, O), itemsize = step.B, step.network.shapes[l], step.dtype.itemsize
    if called in ("UPDATE_ALL", "NORM"):
        n = step.network.n_parameters
        nbytes = entry.bytes(B, n, 1, itemsize) + (step.blocks - 1) * n * itemsize
        return entry.flop(B, n, 1) * step.copies, nbytes * step.copies
    blocks = 1 if called in _WHOLE else step.blocks  # each block reads the layer's W, or writes a dE/dW
    nbytes = entry.bytes(B, I, O, itemsize) + (blocks - 1) * entry.bytes(0, I, O, itemsize)
    return 2 * B * I * O if called in _PRODUCTS else entry.flop(B, I, O), nbytes
