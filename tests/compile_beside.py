"""Compiles what the suite will need into the cache it uses, as a process of its own beside it: see conftest.py.

What is needed first comes first; what the suite finds missing it compiles itself.
"""

import warnings

import numpy as np
from guarded import variants

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.engine import clocks, compilation, replicas
from fastbp.kernels.losses import LOSSES
from fastbp.kernels.program.phases import Kernel
from fastbp.kernels.registry import KERNELS
from fastbp.optimizers import SGD

DTYPES = "float64", "float32"  # the suite begins with float32
OPTIMIZERS = SGD(momentum=0.5), SGD(momentum=0.5, nesterov=True), "adam", "rmsprop"


def registered(dtype):
    for name, entry in KERNELS.items():
        arguments = entry.sample(3, 5, 2, dtype, np.random.default_rng(0))
        for variant in variants(name, dtype) if not entry.reference else ["fast"]:
            entry.call(variant, *arguments)


def trained(loss, activation, dtype, **settings):
    y = np.zeros(100, int) if LOSSES[loss].link == "softmax" else np.zeros((100, 2))
    model = fastbp.Model([2, 2, 2], activation, loss=loss, dtype=dtype, n_threads=1, **settings)
    for X_dtype in ("float64", "float32", "uint8"):
        X = np.zeros((100, 2), X_dtype)
        model.fit(X, y, epochs=1, verbose=0)
    model.gradients(X, y)
    model.evaluate(X, y)
    model._outputs(X)
    model._outputs(X[:1])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for dtype in DTYPES:
        for optimizer in OPTIMIZERS:
            trained("cross_entropy", "relu", dtype, optimizer=optimizer)
        trained("cross_entropy", "relu", dtype, layer_norm=True)
        registered(dtype)
        compilation.task_runner(np.dtype(dtype), clocks.run_task_clocked)
        for name in ("row_block", "row_block_clocked", "prefetch_rows"):
            compilation.compile_kernel(Kernel(name), np.dtype(dtype))
        compilation.work(replicas.train_replicas, np.dtype(dtype))
    for dtype in DTYPES:
        for loss in LOSSES:
            for activation in ACTIVATIONS if loss == "cross_entropy" else ["relu"]:
                trained(loss, activation, dtype)
