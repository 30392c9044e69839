"""Kernels for one row of a prediction: an activation over a task's columns, and the output function of the last layer.

Signatures as (r, l, at, start, end): a `ROW` record (engine/predict_row.py), the layer, where its outputs begin in
`r.h`, and columns start:end.
"""

from ..compiler.jit import ZERO, inline
from ..entries.activation import Activation
from ..entries.typed import Function
from ..fast.activations import make_activation
from ..fast.losses import make_output
from ..fast.panels import Panels
from ..fast.softmax import softmax_row
from ..machine.memory import cast_like, part, vector_at
from ..machine.tiles import lanes


@inline
def layer_vector(r, l, addresses, size):
    """Return the numbers from the address on that an array of `r` has for layer l."""
    return vector_at(addresses[l], size, cast_like(r.h, 0))


@inline
def _as_matrix(h, at, O):
    """Return O numbers as a matrix in panels of one row."""
    return Panels(part(h, at, (O + lanes(h) - 1) // lanes(h) * lanes(h)), 1)


def make_row_activation(activation: Activation) -> Function:
    """Make h[at + j] <- F(t) over t itself, for columns j in start:end of O.

    h       in, out (>= at + O + a vector,)  what fills up the last vector becomes 0
    slopes  in      (>= O + a vector,)       the parameter, if F has one
    spare   where in h what training would keep goes
    """
    apply = make_activation(activation, 1)

    def activation_of_row(h, at, spare, slopes, start, end, O):
        row, kept = _as_matrix(h, at, O), _as_matrix(h, spare, O)
        for j in range(start, end, lanes(h)):
            apply(row, kept, slopes, j, ZERO, ZERO + 1, O)

    return inline(activation_of_row)


def make_row_output(link: str) -> Function:
    """Make z <- g(t) of one row over t itself, h[at:at + O]; what fills up the last vector is undefined."""
    if link == "softmax":
        return softmax_row
    output = make_output(link)

    def output_of_row(h, at, O):
        output(_as_matrix(h, at, O), ZERO, ZERO + 1, O)

    return inline(output_of_row)


def make_activate_row(activation: Activation) -> Function:
    """Make h <- F(t) over t itself. What training would keep goes into spare room."""
    apply = make_row_activation(activation)

    def activate_row(r, l, at, start, end):
        O, h = r.sizes[l + 1], r.h
        apply(h, at, h.size // 3 * 2, layer_vector(r, l, r.slopes, O + lanes(h)), start, end, O)

    return activate_row


def make_output_row(link: str) -> Function:
    """Make z <- g(t) over t itself."""
    output = make_row_output(link)

    def output_row(r, l, at, start, end):
        output(r.h, at, end)

    return output_row
