"""Trainings on several ranks, run by ``mpiexec -n 4 python tests/ranked.py CASES``: prints what each came to."""

import hashlib
import json
import sys

import numpy as np

import fastbp

NETWORKS = {
    "sgd": ([9, 33, 4], {}, {}),
    "momentum": ([9, 33, 17, 4], {"optimizer": fastbp.optimizers.SGD(0.05, momentum=0.9)}, {}),
    "adam in float64": ([9, 130, 40, 4], {"optimizer": "adam", "dtype": "float64"}, {}),
    "nadam": ([9, 33, 4], {"optimizer": "nadam", "activation": "gelu"}, {}),
    "lion": ([9, 33, 4], {"optimizer": "lion", "activation": "tanh"}, {}),
    "rmsprop, prelu": ([9, 33, 4], {"optimizer": "rmsprop", "activation": "prelu"}, {}),
    "dropout": ([9, 64, 64, 4], {"optimizer": "adam", "dropout": 0.3, "activation": "silu"}, {}),
    "layer norm": ([9, 64, 33, 4], {"optimizer": "adamw", "layer_norm": True}, {}),
    "penalties": ([9, 70, 4], {"l1": 0.01, "l2": 0.02}, {}),
    "clipped values": ([9, 70, 4], {"clip_value": 0.003}, {}),
    "clipped norm": ([9, 70, 4], {"clip_norm": 0.05, "l2": 0.01, "optimizer": "adam"}, {}),
    "groups": ([9, 70, 4], {"optimizer": fastbp.optimizers.Adam(rate_factors={"b": 0.1}), "scaling_layer": True}, {}),
    "weights": ([9, 33, 4], {"optimizer": "adam"}, {"sample_weight": True, "class_weight": "balanced"}),
    "numbers": ([9, 33, 2], {"loss": "squared_error", "learning_rate": 0.02}, {"sample_weight": True}),
    "no shuffling": ([9, 33, 4], {}, {"shuffle": False, "drop_last": True}),
    "schedule": ([9, 33, 4], {}, {"schedule": fastbp.schedules.Cosine(), "validation_split": 0.25}),
    "schedules": (
        [9, 64, 4],
        {"optimizer": fastbp.optimizers.AdamW(weight_decay=0.3), "dropout": 0.3},
        {"schedule": {name: fastbp.schedules.Cosine() for name in ("learning_rate", "dropout", "weight_decay")}},
    ),
    "bfloat16": ([9, 64, 33, 4], {"optimizer": "adam", "precision": "bfloat16"}, {}),
    "one large minibatch": ([9, 33, 4], {"optimizer": "adam"}, {"batch_size": 700}),
    "small minibatches": ([9, 33, 4], {"optimizer": "adam"}, {"batch_size": 5}),
    "scaled": ([9, 33, 4], {"input_shift": 0.5, "input_scale": 2.0}, {}),
}  # sizes, settings of the model, settings of fit
ROWS = 1100


def data(outputs, loss=None):
    """Return X, y and weights of all rows."""
    random = np.random.default_rng(5)
    X = random.standard_normal((ROWS, 9)).astype(np.float32)
    y = random.integers(0, outputs, ROWS) if loss is None else random.standard_normal((ROWS, outputs))
    return X, y, random.integers(0, 4, ROWS).astype(float)


def own(rank, size, uneven=False):
    """Return the slice of the rows that a rank holds; the third of them has none if they are uneven."""
    ends = [0, 700, 800, 800, ROWS] if uneven else [ROWS * k // size for k in range(size + 1)]
    return slice(ends[rank], ends[rank + 1] if rank + 1 < size else ROWS)


def trained(name, comm=None, rows=slice(None), seed=0):
    """Return a model of NETWORKS trained on some rows, and its history."""
    sizes, settings, fit = NETWORKS[name]
    X, y, weights = data(sizes[-1], settings.get("loss"))
    fit = {"epochs": 2, "batch_size": 130, "verbose": 0} | fit
    if fit.pop("sample_weight", False):
        fit["sample_weight"] = weights[rows]
    more = {} if comm is None else {"comm": comm}
    model = fastbp.Model(sizes, seed=seed, **settings)
    history = model.fit(X[rows], y[rows], **fit, **more)
    return model, history


def digest(model, history):
    """Return a digest of parameters, state and history."""
    found, state = hashlib.blake2b(digest_size=8), model.get_state()
    for array in (state["parameters"], *state["optimizer"].values()):
        found.update(array.tobytes())
    curves = {name: curve for name, curve in history.history.items() if name != "seconds"}
    found.update(repr((curves, state["steps"], state["random"])).encode())
    return found.hexdigest()


def main(cases):
    """Train each case on 1, 2, 3 and 4 of four ranks, and without ranks; print the digests and how far both are apart.

    No rank is idle: while one trains alone, the other three train together.
    """
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    found = {}
    for name in cases:
        for sizes in ((1, 3), (2, 2), (4,)):
            color = int(np.searchsorted(np.cumsum(sizes), world.rank, "right"))
            comm = world.Split(color)
            uneven = comm.size == 4 and len(name) % 2 == 0
            model, history = trained(name, comm, own(comm.rank, comm.size, uneven), seed=comm.rank)
            found.setdefault(name, {})[str(comm.size)] = digest(model, history)
            comm.Free()
        if world.rank == 0:
            found[name]["apart"] = apart(name, model, history)
    each = world.gather(found)
    if world.rank == 0:
        print(json.dumps(each))


def apart(name, model, history):
    """Return by how much at most parameters and losses differ from those of a training without ranks."""
    alone, curves = trained(name)
    P, Q = model.get_state()["parameters"], alone.get_state()["parameters"]
    losses = zip((*history.loss, *history.val_loss), (*curves.loss, *curves.val_loss), strict=True)
    return max(float(np.abs(P - Q).max()), *(abs(one - other) / abs(other) for one, other in losses))


if __name__ == "__main__":
    main(sys.argv[1:] or list(NETWORKS))
