"""The kernels of a layer with products of bfloat16, and those that round what these take. As layer_kernels.py.

Numbers are rounded where they are made: right behind the kernel that has left them in cache. The state holds them
beside those of float32, which stay as they are: `half_weights` beside `parameters`, `half_rows` and `half_pairs` beside
`activations` (bfloat16/rounding.py). Which of two forms `half_rows` have depends on whether the code has the
instruction for pairs: kernels are made for either, and tests compare both.
"""

from ..bfloat16 import products
from ..bfloat16.pairs import NATIVE
from ..bfloat16.rounding import Halves, round_lines, round_panel
from ..compiler.jit import ZERO, inline
from ..entries.typed import Fields, Function
from ..fast.panels import pad
from ..machine.memory import part
from ..machine.registers import HALF
from ..machine.tiles import lanes, zeros
from ..program.state import CHUNK
from .splitting import chunks_of, update_tasks
from .views import inputs, outputs, vector, weights

WIDE = int(not NATIVE)


@inline
def _halves(s, at, columns, wide):
    """A matrix of so many columns that stands in the activations there, rounded."""
    size = columns * s.batch_rows
    pairs = part(s.half_pairs, min(at // 2, s.half_pairs.size), min(size // 2, s.half_pairs.size))
    if wide:
        return Halves(part(s.half_rows, at, size), pairs, s.batch_rows, wide)
    return Halves(part(s.half_rows, at // 2, size // 2), pairs, s.batch_rows, wide)


@inline
def _half_inputs(s, layer, wide):
    return _halves(s, layer.x, layer.rows, wide)


@inline
def _half_outputs(s, layer, wide):
    return _halves(s, layer.h, layer.columns, wide)


@inline
def _half_weights(s, layer):
    return part(s.half_weights, layer.W // 2, layer.rows * layer.columns // 2)


@inline
def _turned(s, worker):
    """The worker's room for some rows of W^T."""
    size = s.half_turned.size // s.team
    return part(s.half_turned, worker * size, size)


def make_forward(wide: bool) -> Function:
    """Make the product on the way forward."""

    def linear_forward_bfloat16(s, l, first, last, start, end, worker):
        """h <- F(x W + b) of layer l, or t where F is a pass of its own                              (eqs. 42-44)"""
        layer = s.layers[l]
        W, b = _half_weights(s, layer), vector(layer, s.parameters, layer.b)
        h, x = outputs(s, layer), _half_inputs(s, layer, wide)
        products.linear_forward(h, x, W, layer.rows, b, first, last, start, end, layer.inputs, layer.rectify)

    return linear_forward_bfloat16


def transpose_rows_bfloat16(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Rows first:last of W^T, for the product that follows: W may be updated before it."""
    layer, like = s.layers[l], zeros(s.parameters, 1, 1)
    products.turn_rows(_turned(s, worker), layer.columns, _half_weights(s, layer), layer.rows, first, last, like)


def make_backward_params(wide: bool) -> Function:
    """Make the product that is the gradient of W."""

    def linear_backward_params_bfloat16(s, l, first, last, start, end, worker):
        """dE/dW of layer l, or its descent                                                       (eqs. 48, 52, 54)"""
        layer, rate = s.layers[l], s.learning_rate
        W, dW, last = (
            weights(s, layer, s.parameters),
            weights(s, layer, s.gradients),
            min(last, pad(layer.inputs, HALF)),
        )
        x, dt = _half_inputs(s, layer, wide), _half_outputs(s, layer, wide)
        products.linear_backward_params(W, dW, x, dt, s.batch, first, last, start, end, rate, s.descends)

    return linear_backward_params_bfloat16


def make_backward_input(wide: bool) -> Function:
    """Make the product that is the gradient of x."""

    def linear_backward_input_bfloat16(s, l, first, last, start, end, worker):
        """dE/dt of the layer below l, over l's input x, as `linear_backward_input`                   (eqs. 50, 51)"""
        layer, F = s.layers[l], s.layers[l - 1].derivative
        dx, dt, WT, batch = inputs(s, layer), _half_outputs(s, layer, wide), _turned(s, worker), pad(s.batch, HALF)
        products.linear_backward_input(dx, dt, WT, layer.columns, batch, first, last - first, layer.outputs, F)

    return linear_backward_input_bfloat16


# ---- rounding --------------------------------------------------------------------------------------------------------


@inline
def _round(halves, M, first, last, start, end, batch):
    for j in range(start, end, lanes(M.data)):
        round_panel(halves, M, j, first, last, batch)


def make_round_inputs(wide: bool) -> Function:
    """Make what rounds x."""

    def round_inputs(s, l, first, last, start, end, worker):
        """x of layer l rounded, rows first:last."""
        layer = s.layers[l]
        _round(_half_inputs(s, layer, wide), inputs(s, layer), first, last, ZERO, layer.rows, s.batch)

    return round_inputs


def make_round_outputs(wide: bool) -> Function:
    """Make what rounds h, or dE/dt of the same layer."""

    def round_outputs(s, l, first, last, start, end, worker):
        """h of layer l rounded, or on the way back its dE/dt, rows first:last, columns start:end."""
        layer = s.layers[l]
        _round(_half_outputs(s, layer, wide), outputs(s, layer), first, last, start, end, s.batch)

    return round_outputs


def make_round_below(wide: bool) -> Function:
    """Make what rounds dE/dt of the layer below."""

    def round_below(s, l, first, last, start, end, worker):
        """dE/dt of the layer below l rounded, inputs first:last of l."""
        layer = s.layers[l]
        _round(_half_inputs(s, layer, wide), inputs(s, layer), ZERO, s.batch, first, last, s.batch)

    return round_below


def round_descended(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """W of layer l rounded after its descent, inputs first:last, columns start:end."""
    layer, L = s.layers[l], lanes(s.parameters)
    W, P = _half_weights(s, layer), weights(s, layer, s.parameters)
    for j in range(start, end, L):
        round_lines(W, P.data, j * P.rows + first * L, j * P.rows + last * L)


def round_weights(s: Fields, l: int, task: int, after: int, start: int, end: int, worker: int) -> None:
    """The parameters of an update's task rounded."""
    chunks, tasks = chunks_of(s.parameters.size), update_tasks(s)
    first, last = chunks * task // tasks, chunks * (task + 1) // tasks
    round_lines(s.half_weights, s.parameters, first * CHUNK, min(last * CHUNK, s.parameters.size))


MAKERS = (
    make_forward, make_backward_params, make_backward_input, make_round_inputs, make_round_outputs, make_round_below,
)  # fmt: skip
KERNELS = (*(make(WIDE) for make in MAKERS), transpose_rows_bfloat16, round_descended, round_weights)
