"""Networks to exchange with other libraries, and what must be the same on both sides."""

import numpy as np
from numpy.testing import assert_array_equal

import fastbp
from fastbp.kernels import activations as entries

SIZES = [(7, 3), (1, 1, 7), (33, 17, 16, 4), (16, 33, 1, 17)]  # no hidden layer; one below a tile, a tile, one above
NAMED = {"input_shift": [0.5, -1, 2], "input_scale": [2, 0.25, 3], "feature_names": ["a", "b", "c"]}
ACTIVATIONS = tuple(F.name for F in entries.ALL)
LOSSES = ("cross_entropy", "binary_cross_entropy", "squared_error", "poisson")


def made(sizes, dtype="float32", rng=None, **settings):
    """A model with biases that are not zero."""
    model = fastbp.Model(sizes, dtype=dtype, seed=0, **settings)
    rng = rng or np.random.default_rng(7)
    for W, *vectors in model.parameters:
        W[...] = rng.standard_normal(W.shape) / np.sqrt(len(W))
        for vector, middle in zip(vectors, (0, 1, 0), strict=False):  # b; g and c, or an activation's slopes
            vector[...] = middle + rng.standard_normal(vector.shape) / 2
    return model


def rows(model, count=33):
    return np.random.default_rng(8).standard_normal((count, model.layer_sizes[0])).astype(model.dtype)


def outputs(model, X):
    return model.predict(X) if model.loss.name in ("squared_error", "poisson") else model.predict_proba(X)


def near(model):
    return {"rtol": 1e-5, "atol": 1e-6} if model.dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}


def assert_same_parameters(one, other):
    for pair in zip(one, other, strict=True):
        for mine, theirs in zip(*pair, strict=True):
            assert mine.dtype == theirs.dtype
            assert_array_equal(mine, theirs)
