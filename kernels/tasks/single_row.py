"""Kernels for one row of a prediction: an activation over a task's columns, and the output function of the last layer.

Signatures as (r, l, at, start, end): a `ROW` record (engine/predict_row.py), the layer, where its outputs begin in
`r.h`, and columns start:end.
"""

from ..compiler.jit import ZERO, inline
from ..fast.activations import make_activation
from ..fast.losses import make_output
from ..fast.panels import Panels
from ..fast.softmax import softmax_row
from ..machine.memory import part
from ..machine.tiles import lanes


@inline
def _as_matrix(h, at, O):
    """Return O numbers as a matrix in panels of one row."""
    return Panels(part(h, at, (O + lanes(h) - 1) // lanes(h) * lanes(h)), 1)


def make_activate_row(activation):
    """Make h <- F(t) over t itself; a parameter of F stands behind b. What training would keep goes into spare room."""
    apply = make_activation(activation, 1)

    def activate_row(r, l, at, start, end):
        O, L = r.sizes[l + 1], lanes(r.h)
        h, spare = _as_matrix(r.h, at, O), _as_matrix(r.h, r.h.size // 3 * 2, O)
        slopes = part(r.flat, r.W + (r.sizes[l] + 1) * O, O + L)
        for j in range(start, end, L):
            apply(h, spare, slopes, j, ZERO, ZERO + 1, O)

    return activate_row


def make_output_row(link):
    """Make z <- g(t) over t itself."""
    output = None if link == "softmax" else make_output(link)

    def output_row(r, l, at, start, end):
        output(_as_matrix(r.h, at, end), ZERO, ZERO + 1, end)

    def softmax_output_row(r, l, at, start, end):
        softmax_row(r.h, at, end)

    return output_row if output else softmax_output_row
