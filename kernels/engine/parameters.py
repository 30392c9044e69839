"""Entry points that pack and unpack all parameters of a network, and that shuffle the rows of an epoch."""

from ..compiler.jit import ZERO, inline
from ..entries.records import Array, Layout, Table
from ..fast.panels import pack, unpack
from ..fast.shuffle import shuffle
from ..machine.memory import part
from ..program.state import LAYER

PACKING = Layout("packing", {
    "status": "i8",
    "panels": Array("T"),  # parameters in panels, or what is as long: a gradient, a vector of the optimizer's state
    "flat": Array("T"),  # W and the vectors of each layer, one behind the other
    "layers": Table(LAYER), "n_layers": "i8",
})  # fmt: skip
SHUFFLE = Layout("shuffle", {"status": "i8", "order": Array("i8"), "key": "i8"})


@inline
def _pack_vector(panels, first, flat, at, O):
    for k in range(O):
        panels[first + k] = flat[at + k]


def pack_parameters(r):
    """panels <- all parameters of a network; what fills the panels up is left as it is."""
    at, panels, flat = ZERO, r.panels, r.flat
    for l in range(r.n_layers):
        layer = r.layers[l]
        O = layer.outputs
        pack(part(panels, layer.W, layer.rows * layer.columns), flat, at, layer.inputs, O)
        at += layer.inputs * O
        for number in range(layer.vectors):
            _pack_vector(panels, layer.b + number * layer.columns, flat, at, O)
            at += O


def unpack_parameters(r):
    """flat <- what `pack_parameters` packed."""
    at, panels, flat = ZERO, r.panels, r.flat
    for l in range(r.n_layers):
        layer = r.layers[l]
        O = layer.outputs
        unpack(flat, at, part(panels, layer.W, layer.rows * layer.columns), layer.inputs, O)
        at += layer.inputs * O
        for number in range(layer.vectors):
            _pack_vector(flat, at, panels, layer.b + number * layer.columns, O)
            at += O


def shuffle_rows(r):
    """order <- 0..B-1 in an order drawn from the key."""
    shuffle(r.order, r.key)
