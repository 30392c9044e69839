"""Entry points that pack and unpack all parameters of a network, and that shuffle the rows of an epoch."""

from ..bfloat16.rounding import round_lines
from ..compiler.jit import ZERO, inline
from ..entries.typed import Fields
from ..fast.panels import pack, unpack
from ..fast.shuffle import shuffle
from ..machine.memory import part


@inline
def _copy_vector(panels, first, flat, at, O):
    for k in range(O):
        panels[first + k] = flat[at + k]


def pack_parameters(r: Fields) -> None:
    """panels <- all parameters of a network; what fills the panels up is left as it is."""
    at, panels, flat = ZERO, r.panels, r.flat
    for l in range(r.n_layers):
        layer = r.layers[l]
        O = layer.outputs
        pack(part(panels, layer.W, layer.rows * layer.columns), flat, at, layer.inputs, O)
        at += layer.inputs * O
        for number in range(layer.vectors):
            _copy_vector(panels, layer.b + number * layer.columns, flat, at, O)
            at += O


def unpack_parameters(r: Fields) -> None:
    """flat <- what `pack_parameters` packed."""
    at, panels, flat = ZERO, r.panels, r.flat
    for l in range(r.n_layers):
        layer = r.layers[l]
        O = layer.outputs
        unpack(flat, at, part(panels, layer.W, layer.rows * layer.columns), layer.inputs, O)
        at += layer.inputs * O
        for number in range(layer.vectors):
            _copy_vector(flat, at, panels, layer.b + number * layer.columns, O)
            at += O


def round_parameters(r: Fields) -> None:
    """halves <- the parameters in panels, rounded to bfloat16."""
    round_lines(r.halves, r.panels, ZERO, r.panels.size)


def shuffle_rows(r: Fields) -> None:
    """order <- 0..B-1 in an order drawn from the key."""
    shuffle(r.order, r.key)
