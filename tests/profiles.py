"""Networks that profiles are taken of, and rows for them."""

from fastbp.activations import Activation
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.optimizers import SGD

BENT = Activation("bent", lambda t: t if t > 0 else 0.1 * t, lambda t: 1.0 if t > 0 else 0.1)
PARAMETRIC = [F for F in ACTIVATIONS.values() if F.parameter]
NETWORKS = [  # sizes, rows of a minibatch, settings
    ((3, 4, 2), 5, {}),
    ((3, 4, 2), 5, {"optimizer": "adam"}),
    ((20, 100, 2), 200, {}),
    ((37, 61, 10), 300, {"optimizer": "adamw", "activation": "gelu"}),
    ((131, 67, 37, 10), 97, {"activation": ("tanh", "relu"), "optimizer": SGD(momentum=0.5), "clip_norm": 0.1}),
    ((300, 200, 10), 130, {"dropout": 0.3, "l2": 0.1}),
    ((784, 128, 10), 64, {"loss": "huber"}),
    ((131, 67, 10), 97, {"layer_norm": True}),
    ((37, 61, 10), 300, {"layer_norm": True, "optimizer": "adam"}),
    ((37, 61, 10), 300, {"activation": BENT}),
    *(((37, 61, 10), 300, {"activation": F, "layer_norm": True}) for F in PARAMETRIC[:1]),
]


def rows(model, n, rng):
    X, outputs = rng.standard_normal((n, model.layer_sizes[0])), model.layer_sizes[-1]
    y = rng.integers(0, outputs, n) if model.network.of_classes else rng.standard_normal((n, outputs))
    return X.astype(model.dtype), y.astype(model.dtype if y.ndim > 1 else int)
