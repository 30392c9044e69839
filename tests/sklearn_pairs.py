"""Data, settings and a comparison for tests that run scikit-learn's networks and fastbp.sklearn's side by side."""

import inspect

import numpy as np
from sklearn import neural_network

import fastbp.sklearn

WEIGHTED = "sample_weight" in inspect.signature(neural_network.MLPClassifier.fit).parameters  # theirs, as since 1.7
LOSSES = ("squared_error", "poisson")[: 1 + WEIGHTED]  # of their regressors
BOTH = neural_network, fastbp.sklearn  # theirs and ours
SETTINGS = {"hidden_layer_sizes": (11, 5), "max_iter": 6, "random_state": 3, "batch_size": 32}
X = np.random.default_rng(0).standard_normal((150, 7))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, 0] ** 2
YES = (X[:, 0] > 0).astype(int)
KINDS = {"MLPClassifier": CLASSES, "MLPRegressor": NUMBERS}
SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd"},
    "adam": {},
}


def assert_same(theirs, ours, tolerance=1e-9):
    assert ours.n_iter_ == theirs.n_iter_ and ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=tolerance)
    for name in ("coefs_", "intercepts_"):
        for mine, its in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(mine, its, rtol=0, atol=tolerance)
