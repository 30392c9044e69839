"""Kernels of a minibatch's rows: gather, predictions, loss. Their signature is that of layer_kernels.py."""

from numba import types

from ..compiler.jit import inline
from ..entries.loss import Loss
from ..entries.records import LINE
from ..entries.typed import Fields, Function
from ..fast import gather as gathering
from ..fast.losses import make_loss, make_output
from ..fast.panels import Panels
from ..fast.softmax import softmax, softmax_cross_entropy
from ..machine.atomic import atomic_min
from ..machine.memory import part, vector_at
from ..machine.records import numbers_of, record_at
from ..machine.tiles import lanes, prefetch, prefetch_address
from .views import inputs, outputs

ROWS_AHEAD = 16  # class numbers asked for before they are needed
MOST_LINES = 8192  # asked for of the next minibatch: more would push out of the second-level cache what is in use


def make_gather(element: types.Type) -> Function:
    """Make the kernel that fetches rows of an X whose elements are of this Numba type."""

    def gather(s, l, first, last, start, end, worker):
        """x_i <- (X[order[i]] - shift) * scale;  labels_i <- y[order[i]], or targets;  weights, too"""
        layer, order = s.layers[0], part(s.order, s.first, s.picked)
        X = vector_at(s.x_address, s.x_rows * layer.inputs, element)
        take_targets(s, order, first, last)
        bad = gathering.gather(inputs(s, layer), X, order, first, last, layer.inputs, s.shift, s.scale)
        if bad >= 0:
            atomic_min(s, "bad_row", bad)

    return gather


@inline
def take_targets(s, order, first, last):
    """labels_i <- y[order[i]], or likewise targets, and weights. One loop for all would need too many registers."""
    rows, O, L = s.batch_rows, s.layers[s.n_layers - 1].outputs, lanes(s.parameters)
    y, labels, Y, targets, weights, w = s.y, s.labels, s.Y, s.targets, s.weights, s.row_weights
    if y.size:
        for i in range(first, last):
            prefetch(y, order[min(i + ROWS_AHEAD, order.size - 1)])
            labels[i] = y[order[i]]
    if Y.size:
        for i in range(first, last):
            for j in range(O):
                targets[(j // L * rows + i) * L + j % L] = Y[order[i] * O + j]
    if weights.size:
        for i in range(first, last):
            w[i] = weights[order[i]]


@inline
def prefetch_share(s, share, shares):
    """Ask for a share of the rows of X that the next minibatch will gather, while the present one is computed."""
    start, row_bytes, order, x_address = s.first + s.picked, s.x_row_bytes, s.order, s.x_address
    lines = (row_bytes + LINE - 1) // LINE
    n = min(MOST_LINES, max(0, min(s.batch_size, s.end - start)) * lines)
    k, end = n * share // shares, n * (share + 1) // shares
    row, line = start + k // lines, k % lines
    while k < end:
        here = min(end - k, lines - line)  # of this row
        address = x_address + order[row] * row_bytes + line * LINE
        for _ in range(here):
            prefetch_address(address)
            address += LINE
        k, row, line = k + here, row + 1, 0


def prefetch_rows(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Ask for the next minibatch's rows while dE/dW of layer l is computed, panel after panel of its inputs."""
    L = lanes(s.parameters)
    prefetch_share(s, first // L, s.layers[l].rows // L)


# ---- what the network makes of its rows ------------------------------------------------------------------------------


def make_predict(link: str) -> Function:
    """Make z <- g(t) of the last layer, over t itself, rows first:last."""
    output = softmax if link == "softmax" else make_output(link)

    def output_kernel(s, l, first, last, start, end, worker):
        layer = s.layers[l]
        output(outputs(s, layer), first, last, layer.outputs)

    return output_kernel


def make_loss_kernel(loss: Loss) -> Function:
    """Make E and dE/dt of the last layer, over t itself, rows first:last (eqs. 45-47 for softmax cross-entropy)."""
    record = record_at(loss.layout())
    if loss.link == "softmax":

        def loss_kernel(s, l, first, last, start, end, worker):
            layer = s.layers[l]
            t, e, correct, scale = outputs(s, layer), s.errors, s.correct_rows, s.inverse_weight
            softmax_cross_entropy(
                t,
                e,
                correct,
                s.labels,
                s.row_weights,
                first,
                last,
                layer.outputs,
                scale,
                *numbers_of(record(s.loss_numbers, s)),
            )

        return loss_kernel
    kernel = make_loss(loss)

    def loss_kernel(s, l, first, last, start, end, worker):
        layer = s.layers[l]
        t, e, correct, scale = outputs(s, layer), s.errors, s.correct_rows, s.inverse_weight
        numbers = numbers_of(record(s.loss_numbers, s))
        kernel(t, e, correct, Panels(s.targets, t.rows), s.row_weights, first, last, layer.outputs, scale, numbers)

    return loss_kernel
