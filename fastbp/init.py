"""Initial parameters."""

from __future__ import annotations

import numpy as np

from .network import Network


def he_normal(network: Network, flat: np.ndarray, rng: np.random.Generator) -> None:
    """Fill `flat` with weights of standard deviation sqrt(2 / inputs) and zero biases (He et al., 2015, eq. 10)."""
    for W, b in network.views(flat):
        W[...] = rng.standard_normal(W.shape) * np.sqrt(2 / W.shape[0])
        b[...] = 0
