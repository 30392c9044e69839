"""The kernels of the layer that embeds the columns of X. Signatures as those of layer_kernels.py.

x of the layer stays transposed between the way forward and the way back, in groups of LANES rows.
"""

from ..compiler.jit import inline
from ..entries.typed import Fields
from ..fast.embeddings import categories, columns, numbers
from ..fast.softmax import clear_columns, column, put_column, transpose_group
from ..machine.memory import part
from ..machine.tiles import lanes, zeros
from .views import inputs, outputs


@inline
def _scales(s, layer):
    """The trained scales of the layer's outputs, or nothing."""
    above = s.layers[1]
    return part(s.parameters, max(0, above.scale), layer.columns if above.scale >= 0 else 0)


def embed(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h of layer l: the columns of x as they are embedded, times their scales, rows first:last in whole groups."""
    layer, P, H = s.layers[l], s.parameters, s.frequencies
    x, e, scales = inputs(s, layer), outputs(s, layer), _scales(s, layer)
    for i in range(first, last, lanes(P)):
        transpose_group(x, i, layer.inputs)
        for k in range(layer.inputs):
            one = s.embedded[k]
            if one.levels > 0:
                categories.embed_category(e, x, i, k, one.to, P, one.at, one.levels, one.width)
            elif one.at >= 0:
                numbers.embed_number(e, x, i, k, one.to, P, one.at, H, one.width - 1)
            else:
                put_column(e, i, one.to, column(x, i, k, zeros(P, 1, 1)))
        if scales.size:
            columns.scale_columns(e, i, layer.outputs, scales)
        clear_columns(e, i, layer.outputs)
        transpose_group(e, i, layer.outputs)


def transpose_embedded(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dh of layer l, transposed, as if h had not been scaled; rows beyond the minibatch become 0."""
    layer = s.layers[l]
    x, de, scales = inputs(s, layer), outputs(s, layer), _scales(s, layer)
    for i in range(first, last, lanes(s.parameters)):
        transpose_group(de, i, layer.outputs)
        if scales.size:
            columns.scale_columns(de, i, layer.outputs, scales)
        columns.clear_rows(de, i, layer.outputs, s.batch)
        columns.clear_rows(x, i, layer.inputs, s.batch)


def embed_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """The gradients of the parameters of columns first:last of X."""
    layer, P, G = s.layers[l], s.parameters, s.gradients
    x, de, H = inputs(s, layer), outputs(s, layer), s.frequencies
    for k in range(first, last):
        one = s.embedded[k]
        if one.levels > 0:
            categories.embed_category_backward(G, de, x, s.batch, k, one.to, one.at, one.levels, one.width)
        elif one.at >= 0:
            numbers.embed_number_backward(G, de, x, s.batch, k, one.to, P, one.at, H, one.width - 1)
