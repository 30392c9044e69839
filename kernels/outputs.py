"""Phases of the last layer's rows: from logits to what the network predicts, and to the error and its gradient."""

from . import errors, loss
from ._jit import inline
from .workspace import B_AT, BATCH_ROWS, NUMBER, OUT, SCALE, SMOOTHING, W_AT, X_AT, workspace_at


@inline
def _logits(ws):
    """t of the minibatch, in panels, and its number of columns."""
    last = ws.layers.shape[0] - 2
    at, columns = ws.layers[last + 1, X_AT], ws.layers[last + 1, W_AT] - ws.layers[last, B_AT]
    return ws.A[at : at + columns * ws.now[BATCH_ROWS]], ws.layers[last, OUT]


def _make_output(kernel):
    def output(pointer, first, last, worker):
        ws = workspace_at(pointer)
        t, O = _logits(ws)
        kernel(t, ws.now[BATCH_ROWS], first, last, O)

    output.__qualname__ = kernel.py_func.__name__
    return output


def _make_loss(kernel, of_classes):
    def error(pointer, first, last, worker):
        ws = workspace_at(pointer)
        t, O = _logits(ws)
        rows, scale, number = ws.now[BATCH_ROWS], ws.totals[SCALE], ws.settings[NUMBER]
        if of_classes:
            kernel(t, ws.e, ws.right, ws.labels, ws.w, rows, first, last, O, scale, number, ws.settings[SMOOTHING])
        else:
            kernel(t, ws.e, ws.right, ws.targets, ws.w, rows, first, last, O, scale, number)

    error.__qualname__ = kernel.py_func.__name__
    return error


OUTPUTS = {"cross_entropy": _make_output(loss.softmax)}
OUTPUTS |= {name: _make_output(kernel) for name, kernel in errors.OUTPUTS.items()}
LOSSES = {"cross_entropy": _make_loss(loss.softmax_cross_entropy, True)}
LOSSES |= {name: _make_loss(kernel, False) for name, kernel in errors.LOSSES.items()}
