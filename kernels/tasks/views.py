"""A layer's matrices, as they stand in the arrays of a state."""

from ..compiler.jit import inline
from ..fast.panels import Panels
from ..machine.memory import part
from ..machine.tiles import lanes


@inline
def weights(s, layer, flat):
    """W of a layer in a flat vector as long as the parameters, or its gradient."""
    return Panels(part(flat, layer.W, layer.rows * layer.columns), layer.rows)


@inline
def vector(layer, flat, at):
    """A vector as long as a layer's output in a flat vector as long as the parameters: b, g, c, or its gradient."""
    return part(flat, at, layer.columns)


@inline
def inputs(s, layer):
    """A layer's x, or on the way back dE/dt of the layer below."""
    return Panels(part(s.activations, layer.x, layer.rows * s.batch_rows), s.batch_rows)


@inline
def outputs(s, layer):
    """A layer's h, or on the way back its dE/dt."""
    return output_at(s, layer, layer.h)


@inline
def output_at(s, layer, at):
    """A matrix of the shape of a layer's output: h, or what is remembered of it."""
    return Panels(part(s.activations, at, layer.columns * s.batch_rows), s.batch_rows)


@inline
def deviations(s, layer):
    """Return 1 / the deviation of each row, in all lanes of a vector."""
    return part(s.activations, layer.r, s.batch_rows * lanes(s.activations))


@inline
def transposed(s, layer, worker):
    """The worker's room for some rows of W^T."""
    size = s.transposed.size // s.team
    return Panels(part(s.transposed, worker * size, size), layer.columns)
