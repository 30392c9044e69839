"""Initial parameters: weights drawn layer by layer, biases zero, a normalization's gain one."""

from __future__ import annotations

import numpy as np

from .network import Network

# variance of a weight, for a layer of so many inputs and outputs
VARIANCES = {
    "he": lambda inputs, outputs: 2 / inputs,  # He et al., 2015, eq. 10
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),  # Glorot and Bengio, 2010, eq. 12
    "lecun": lambda inputs, outputs: 1 / inputs,  # LeCun et al., "Efficient BackProp", 1998, eq. 16
}
INITIALIZERS = (*(f"{name}_{kind}" for name in VARIANCES for kind in ("normal", "uniform")), "orthogonal")


def draw(initializer: str, network: Network, flat: np.ndarray, rng: np.random.Generator) -> None:
    """Fill `flat` with weights of the initializer's distribution, b and c of zeros and g of ones."""
    for W, *vectors in network.views(flat):
        W[...] = weights(initializer, W.shape, rng)
        for vector, value in zip(vectors, (0, 1, 0), strict=False):
            vector[...] = value


def weights(initializer: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw W of shape (inputs, outputs)."""
    return _orthogonal(shape, rng) if initializer == "orthogonal" else _scaled(initializer, shape, rng)


def _scaled(initializer: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    name, kind = initializer.rsplit("_", 1)
    deviation = np.sqrt(VARIANCES[name](*shape))
    if kind == "normal":
        return rng.standard_normal(shape) * deviation
    return rng.uniform(-1, 1, shape) * (np.sqrt(3) * deviation)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Rows or columns of length 1 at right angles, all such matrices alike (Saxe et al., 2014; Mezzadri, 2007)."""
    tall = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1, 1)
    return q if shape[0] >= shape[1] else q.T
