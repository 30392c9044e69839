"""Functions of `fast` that no kernel of the engine calls in just this way, with the signature of a kernel."""

import functools

from ..engine.minibatch import limit_norm, sum_of
from ..entries import functions
from ..entries.activation import Activation
from ..entries.typed import Fields, Function
from ..fast import dropout, panels, row_product, shuffle
from ..machine.memory import part
from ..machine.tiles import lanes, load, store, zeros
from ..tasks import single_row
from ..tasks.views import outputs


def exp_vectors(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """out <- e^parameters"""
    x, y = s.parameters, s.out
    for k in range(0, x.size, lanes(x)):
        store(y, k, 0, 0, functions.exp(load(x, k, 0, 0, zeros(x, 1, 1))))


def log_vectors(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """out <- ln parameters"""
    x, y = s.parameters, s.out
    for k in range(0, x.size, lanes(x)):
        store(y, k, 0, 0, functions.log(load(x, k, 0, 0, zeros(x, 1, 1))))


def linear_rows(s: Fields, l: int, first: int, last: int, I: int, O: int, worker: int) -> None:
    """out <- F(Y W + b), row after row, the columns of each in three shares; parameters hold W, b and a vector more"""
    h, x, flat = s.out, s.Y, s.parameters
    width, b = O + lanes(h), part(flat, I * O, O + lanes(h))
    for row in range(first, last):
        for share in range(3):
            row_product.linear_row(
                h, row * width, x, row * I, flat, b, flat, 0, I, O, True, share, 3, share % 2 == 1
            )  # fmt: skip


def linear_tail_rows(s: Fields, l: int, first: int, last: int, I: int, O: int, worker: int) -> None:
    """The same of a W, in gradients, of which nothing may be read behind its end; replicas hold its last rows."""
    h, x, W, b, tail, rest = s.out, s.Y, s.gradients, s.parameters, s.replicas, s.end
    width = O + lanes(h)
    for row in range(first, last):
        for share in range(3):
            row_product.linear_row(
                h, row * width, x, row * I, W, b, tail, rest, I, O, True, share, 3, share % 2 == 1
            )  # fmt: skip


@functools.cache
def output_rows(link: str) -> Function:
    """Make z <- g(t) of rows in `out`, one after the other, each of so many numbers with what fills it up."""
    output = single_row.make_row_output(link)

    def output_rows(s, l, first, last, width, O, worker):
        for row in range(first, last):
            output(s.out, row * width, O)

    return output_rows


@functools.cache
def activate_rows(activation: Activation) -> Function:
    """Make h <- F(t) of rows in `out`, likewise; the last row is room, and parameters hold the activation's."""
    apply = single_row.make_row_activation(activation)

    def activate_rows(s, l, first, last, width, O, worker):
        for row in range(first, last):
            apply(s.out, row * width, last * width, s.parameters, 0, O, O)

    return activate_rows


def drop_rows(s: Fields, l: int, first: int, last: int, columns: int, O: int, worker: int) -> None:
    """Dropout of layer l's output, its rows counted apart by so many columns, with the state's key as it is."""
    layer = s.layers[l]
    h = outputs(s, layer)
    for j in range(0, O, lanes(s.activations)):
        dropout.dropout(h, layer.dropout, columns, s.key, 0, j, first, last)


def pack_matrix(s: Fields, l: int, first: int, last: int, I: int, O: int, worker: int) -> None:
    """parameters <- the matrix (I, O) in gradients, in panels"""
    panels.pack(s.parameters, s.gradients, 0, I, O)


def unpack_matrix(s: Fields, l: int, first: int, last: int, I: int, O: int, worker: int) -> None:
    """gradients <- the matrix (I, O) that parameters hold in panels"""
    panels.unpack(s.gradients, 0, s.parameters, I, O)


def shuffle_order(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """order <- 0..B-1 in an order drawn from the key"""
    shuffle.shuffle(s.order, s.key)


def total_penalty(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """penalty <- the sum of all chunks'"""
    s.penalty = sum_of(s.sums, 0)


def forget_norm(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """The gradients are those of a minibatch again."""
    s.ready = 0


def find_factor(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """factor <- what the gradients are multiplied by, so that their norm is at most the one allowed"""
    limit_norm(s)
