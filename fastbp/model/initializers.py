"""Initial parameters: random weights, and vectors with their first values, such as biases of 0 and gains of 1."""

from __future__ import annotations

import numpy as np

from ..network import Network

# variance of the weights of a layer with so many inputs and outputs
VARIANCES = {
    "he": lambda inputs, outputs: 2 / inputs,  # He et al., 2015, eq. 10
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),  # Glorot and Bengio, 2010, eq. 12
    "lecun": lambda inputs, outputs: 1 / inputs,  # LeCun et al., "Efficient BackProp", 1998, eq. 16
}
ALIASES = {
    f"{theirs}_{kind}": f"{ours}_{kind}"
    for theirs, ours in (("xavier", "glorot"), ("kaiming", "he"))
    for kind in ("normal", "uniform")
}  # PyTorch's names, with its defaults
INITIALIZERS = (*(f"{name}_{kind}" for name in VARIANCES for kind in ("normal", "uniform")), "orthogonal")


def draw(initializer: str, network: Network, flat: np.ndarray, rng: np.random.Generator) -> None:
    """Fill `flat` with random weights from the initializer's distribution and with the first values of the vectors."""
    for (W, *vectors), named in zip(network.views(flat), network.vectors, strict=True):
        W[...] = weights(initializer, W.shape, rng)
        for vector, (_, value) in zip(vectors, named, strict=True):
            vector[...] = value
    network.scales(flat)[:] = 1


def weights(initializer: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return random weights W of shape (inputs, outputs)."""
    return _orthogonal(shape, rng) if initializer == "orthogonal" else _scaled(initializer, shape, rng)


def _scaled(initializer: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return independent weights of the initializer's variance, normal or uniform."""
    name, kind = initializer.rsplit("_", 1)
    deviation = np.sqrt(VARIANCES[name](*shape))
    if kind == "normal":
        return rng.standard_normal(shape) * deviation
    return rng.uniform(-1, 1, shape) * (np.sqrt(3) * deviation)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a uniformly distributed matrix with orthonormal rows or columns (Saxe et al., 2014; Mezzadri, 2007)."""
    tall = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1, 1)
    return q if shape[0] >= shape[1] else q.T
