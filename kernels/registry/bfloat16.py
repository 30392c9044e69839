"""The table of kernels of bfloat16, for float32 alone, and the fast ones called with their plain loops' arguments.

As adapters.py. Their operands, rounded already, are rounded once more by the kernels that do so, which changes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ..activations import IDENTITY
from ..bfloat16 import products, rounding
from ..entries.records import aligned
from ..entries.typed import Array, Function
from ..machine.registers import VECTORS
from ..program.phases import Kernel
from ..program.state import padded
from ..specification import bfloat16
from ..tasks.bfloat16_kernels import MAKERS, WIDE
from .entry import Entry
from .state import Computing, Layers, Run, Step

NAN = 0x7FC07FC0  # a pair of them


def nan_pairs(n: int) -> Array:
    """Return pairs of NaN that begin a cache line."""
    pairs = aligned(n, np.int32)
    pairs[:] = NAN
    return pairs


class HalfLayers(Layers):
    """Layers with room for what is rounded, and kernels made for numbers that stand wide or not."""

    def __init__(self, sizes: Sequence[int], B: int, wide: bool = WIDE, **fields: Any) -> None:
        super().__init__(sizes, B, np.float32, IDENTITY, bfloat16=True, **fields)
        weights, rows = self.fields["parameters"].size, self.fields["activations"].size
        self.fill(half_weights=nan_pairs(padded(weights, 2 * self.lanes) // 2))
        self.fill(half_rows=nan_pairs(rows if wide else rows // 2), half_pairs=nan_pairs(rows // 2))
        self.kernels: dict[str, Function] = _made(wide)

    def rounding(self, *names: str) -> list[Step]:
        """Return the steps that round x, h or W."""
        layer, outputs = len(self.table) - 1, self.outputs
        steps = {
            "x": (self.kernels["round_inputs"], layer, 0, self.B, 0, 0),
            "h": (self.kernels["round_outputs"], layer, 0, self.B, 0, outputs),
            "W": (Kernel("round_descended"), layer, 0, self.inputs, 0, outputs),
        }
        return [steps[name] for name in names]


@cache
def _made(wide):
    return {kernel.__name__: kernel for kernel in (make(wide) for make in MAKERS)}


@contextmanager
def round_bfloat16(r: Array, x: Array) -> Iterator[Run]:
    """Parameters rounded in pairs of lines, read back as float32."""
    n = padded(len(x), 32)
    net, source, halves = HalfLayers((1, 1), 1), aligned(n, np.float32), nan_pairs(n // 2)
    source[: len(x)] = x
    net.fill(parameters=source, half_weights=halves)
    with net.computing((Kernel("round_weights"), 0, 0, 1, 0, 0)) as run:
        yield run
    lines = halves.view(np.uint16).reshape(-1, net.lanes, 2).swapaxes(1, 2).astype(np.uint32) << 16
    r[:] = lines.reshape(-1).view(np.float32)[: len(r)]


def linear(t: Array, x: Array, W: Array, b: Array, wide: bool = WIDE) -> Computing:
    """Rounded, then multiplied."""
    net = HalfLayers(W.shape, len(x), wide).put(x=x, W=W, b=b)
    return net.computing(*net.rounding("x", "W"), net.on_rows(net.kernels["linear_forward_bfloat16"]), h=t)


def linear_backward_params(dW: Array, x: Array, dt: Array, wide: bool = WIDE) -> Computing:
    """The gradient, written out."""
    net = HalfLayers(dW.shape, len(x), wide).put(x=x, h=dt, dW=np.full_like(dW, np.nan))
    product = net.kernels["linear_backward_params_bfloat16"]
    return net.computing(*net.rounding("x", "h"), net.on_inputs(product), dW=dW)


def linear_backward_input(dx: Array, dt: Array, W: Array, wide: bool = WIDE) -> Computing:
    """W^T, then the product, strip after strip."""
    net, width = HalfLayers((1, *W.shape), len(dt), wide), VECTORS * 16
    net.put(h=dt, W=W, x=np.full_like(dx, np.nan))
    net.fill(half_turned=nan_pairs(width * padded(W.shape[1], net.lanes) // 2))
    both = Kernel("transpose_rows_bfloat16"), net.kernels["linear_backward_input_bfloat16"]
    strips = [(i, min(i + width, net.inputs)) for i in range(0, net.inputs, width)]
    steps = [net.on_inputs(kernel, *strip) for strip in strips for kernel in both]
    return net.computing(*net.rounding("h", "W"), *steps, x=dx)


_PLAIN = {
    loop.__name__: Entry(loop.__name__, loop, arguments, flop)
    for loop, arguments, flop in (
        (bfloat16.round_bfloat16, "IO* IO*", lambda B, I, O: I * O),
        (bfloat16.linear_bfloat16, "BO BI IO O", lambda B, I, O: 2 * B * I * O),
        (bfloat16.linear_backward_params_bfloat16, "IO BI BO", lambda B, I, O: 2 * B * I * O),
        (bfloat16.linear_backward_input_bfloat16, "BI BO IO", lambda B, I, O: 2 * B * I * O),
    )
}
_FAST = (
    ("round_bfloat16", rounding.round_lines, round_bfloat16),
    ("linear_bfloat16", products.linear_forward, linear),
    ("linear_backward_params_bfloat16", products.linear_backward_params, linear_backward_params),
    ("linear_backward_input_bfloat16", products.linear_backward_input, linear_backward_input),
)


def _fast_entry(name, kernel, adapter):
    reference = _PLAIN[name]
    return Entry(f"fast_{name}", kernel, reference.arguments, reference.flop, None, reference, adapter)


BFLOAT16_KERNELS: dict[str, Entry] = _PLAIN | {f"fast_{given[0]}": _fast_entry(*given) for given in _FAST}
