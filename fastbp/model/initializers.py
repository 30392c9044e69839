"""Initial parameters: random weights, and vectors with their first values, such as biases of 0 and gains of 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.members import Members
from ..network import Network

# variance of the weights of a layer with so many inputs and outputs
VARIANCES: dict[str, Callable[[int, int], float]] = {
    "he": lambda inputs, outputs: 2 / inputs,  # He et al., 2015, eq. 10
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),  # Glorot and Bengio, 2010, eq. 12
    "lecun": lambda inputs, outputs: 1 / inputs,  # LeCun et al., "Efficient BackProp", 1998, eq. 16
}
ALIASES = {
    f"{theirs}_{kind}": f"{ours}_{kind}"
    for theirs, ours in (("xavier", "glorot"), ("kaiming", "he"))
    for kind in ("normal", "uniform")
}  # PyTorch's names, with its defaults
DRAWN = 1_000_000  # weights drawn at once: as float64 all of a wide layer would take more memory than the layer
INITIALIZERS = (*(f"{name}_{kind}" for name in VARIANCES for kind in ("normal", "uniform")), "orthogonal")


def draw(initializer: str, network: Network, flat: np.ndarray, rng: np.random.Generator) -> None:
    """Fill `flat` with random weights from the initializer's distribution and with the first values of the vectors."""
    for (W, *vectors), named in zip(network.views(flat), network.vectors, strict=True):
        _fill(W, initializer, rng)
        for vector, (_, value) in zip(vectors, named, strict=True):
            vector[...] = value
    scales = network.scales(flat)
    scales[...] = 1
    if isinstance(network.scaling_layer, Members):
        normal = rng.standard_normal(scales.shape)
        scales[...] = np.where(normal < 0, -1, 1) if network.scaling_layer.first_scales == "signs" else normal
    if network.embedding is not None:
        network.embedding.draw(flat[-sum(network.embedding.n_parameters) or len(flat) :], rng)


def weights(
    initializer: str, shape: tuple[int, ...], rng: np.random.Generator, dtype: np.dtype | type = np.float64
) -> np.ndarray:
    """Return random weights W of shape (inputs, outputs)."""
    W = np.empty(shape, dtype)
    _fill(W, initializer, rng)
    return W


def _fill(W: np.ndarray, initializer: str, rng: np.random.Generator) -> None:
    """Fill W of shape (inputs, outputs): with independent weights some rows at a time, which draws the same numbers."""
    if initializer == "orthogonal":
        W[...] = _orthogonal(W.shape, rng)
        return
    name, kind = initializer.rsplit("_", 1)
    deviation, rows = np.sqrt(VARIANCES[name](*W.shape)), max(1, DRAWN // W.shape[1])
    for first in range(0, len(W), rows):
        part = W[first : first + rows]
        if kind == "normal":
            part[...] = rng.standard_normal(part.shape) * deviation
        else:
            part[...] = rng.uniform(-1, 1, part.shape) * (np.sqrt(3) * deviation)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a uniformly distributed matrix with orthonormal rows or columns (Saxe et al., 2014; Mezzadri, 2007)."""
    tall = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1, 1)
    return q if shape[0] >= shape[1] else q.T
