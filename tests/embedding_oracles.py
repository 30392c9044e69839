"""What kernels of embeddings and of blended activations must return: as oracles.py."""

import numpy as np

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772  # of SELU


def _waves(x, w, b):
    """The angles of shape (B, I, H), and how far rounding moves them."""
    u = 2 * np.pi * w * x[:, :, None] + b
    return u, 1 + abs(2 * np.pi * w * x[:, :, None]) + abs(b)


def _embed_numbers(x, w, b, V, c):
    u, size = _waves(x, w, b)
    values = np.einsum("koh,rkh->rko", V, np.cos(u)) + c
    return [(values, np.einsum("koh,rkh->rko", abs(V), size) + abs(c))]


def _embed_numbers_backward(de, x, w, b, V):
    u, size = _waves(x, w, b)
    d, sizes = np.einsum("koh,rko->rkh", V, de), np.einsum("koh,rko->rkh", abs(V), abs(de)) * size
    db = -np.sin(u) * d
    dV, V_size = np.einsum("rko,rkh->koh", de, np.cos(u)), np.einsum("rko,rkh->koh", abs(de), size)
    turns = 2 * np.pi * x[:, :, None]
    sums = [((turns * db).sum(0), (abs(turns) * sizes).sum(0)), (db.sum(0), sizes.sum(0))]
    return [*sums, (dV, V_size), (de.sum(0), abs(de).sum(0))]


def _embed_category_backward(de, levels):
    """The table has as many rows as the largest level asks for, which is the last in a sample."""
    found = np.zeros((2, levels.max() + 1, de.shape[1]))
    np.add.at(found[0], levels, de)
    np.add.at(found[1], levels, abs(de))
    return [(found[0], found[1])]


def _selu(t):
    below = np.minimum(t, 0)
    return SCALE * np.where(t < 0, ALPHA * np.expm1(below), t), SCALE * np.where(t < 0, ALPHA * np.exp(below), 1)


def _mish(t):
    w, s = np.tanh(np.logaddexp(0, t)), 1 / (1 + np.exp(-t))
    return t * w, w + t * s * (1 - w * w)


def _blended(F):
    """Oracles of t + a (F(t) - t), its slope, and the gradient of a."""

    def blend(t, a):
        return [(t + a * (F(t)[0] - t), (abs(t) + abs(a) * (abs(F(t)[0]) + abs(t))) * (1 + abs(t)))]

    def slope(t, a):
        return [(1 + a * (F(t)[1] - 1), (1 + abs(a) * (abs(F(t)[1]) + 1)) * (1 + abs(t)))]

    def of_a(dh, t, a):
        sizes = abs(dh) * (abs(F(t)[0]) + abs(t)) * (1 + abs(t))
        return [((dh * (F(t)[0] - t)).sum(0), sizes.sum(0))]

    return blend, slope, of_a


def _named(name, oracles):
    return dict(zip((name, f"{name}_derivative", f"{name}_parameter_backward"), oracles, strict=True))


EMBEDDING_ORACLES = {
    "embed_numbers": _embed_numbers,
    "embed_numbers_backward": _embed_numbers_backward,
    "embed_category": lambda levels, T: [(T[levels], 0)],
    "embed_category_backward": _embed_category_backward,
    **_named("blended_selu", _blended(_selu)),
    **_named("blended_mish", _blended(_mish)),
}
