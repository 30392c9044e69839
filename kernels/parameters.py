"""All parameters of a network in and out of panels, in one call: for small ones a call a layer takes longer."""

from ._jit import ZERO, jit
from .panels import pack_from, unpack_to
from .simd import lanes
from .workspace import B_AT, G_AT, IN, OUT, W_AT, pad


@jit
def pack(P, flat, layers):
    """P <- all parameters of a network.

    P       in, out (panels,)
    flat    in      W, b and, where it is normalized, g and c of each layer, one behind the other
    layers  in      (L + 1, 9), see workspace.py
    """
    at = ZERO
    for l in range(layers.shape[0] - 1):
        I, O, W_at, b_at = layers[l, IN], layers[l, OUT], layers[l, W_AT], layers[l, B_AT]
        pack_from(P[W_at:b_at], flat, at, I, O)
        at += I * O
        for vector in range(3 if layers[l, G_AT] else 1):
            first = b_at + vector * pad(O, lanes(P))
            for k in range(O):  # a slice assigned would be two seconds' work for the compiler
                P[first + k] = flat[at + k]
            at += O


@jit
def unpack(flat, P, layers):
    """flat <- what `pack` packed.

    flat    out all parameters
    P       in  (panels,)
    layers  in  (L + 1, 9)
    """
    at = ZERO
    for l in range(layers.shape[0] - 1):
        I, O, W_at, b_at = layers[l, IN], layers[l, OUT], layers[l, W_AT], layers[l, B_AT]
        unpack_to(flat, at, P[W_at:b_at], I, O)
        at += I * O
        for vector in range(3 if layers[l, G_AT] else 1):
            first = b_at + vector * pad(O, lanes(P))
            for k in range(O):
                flat[at + k] = P[first + k]
            at += O
