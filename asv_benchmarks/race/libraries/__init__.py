"""One task, done by each library as its manual advises. The race measures it, and so do asv's peers.

Every module here has a class `Entrant`, made from a `Case` and its `Data`. `epoch()` trains once over all rows in a
new order, minibatch after minibatch; `predict()` returns the probabilities of all rows. A library is imported only
when its entrant is made, so that the others run where it is missing.
"""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

TITLES = {
    "fastbp": "fastbp",
    "jax": "JAX",
    "torch": "PyTorch",
    "torch_compile": "torch.compile",
    "sklearn": "scikit-learn",
    "onnxruntime": "ONNX Runtime",
}
PATTERN = re.compile(
    r"(?P<mode>train|predict):([1-9]\d*(?:-[1-9]\d*)+):([1-9]\d*)(?::(?P<optimizer>sgd|adam))?(?::(float32|float64))?"
)
LEARNING_RATES = {"sgd": 0.05, "adam": 0.001}
EPOCH_FLOP = 5e9  # some 50 ms on a core with wide vectors
MOST_STEPS, FEWEST_STEPS = 500, 16


@dataclass(frozen=True)
class Case:
    """A network and what is done with it: `train:SIZES:BATCH:OPTIMIZER` or `predict:SIZES:ROWS`, perhaps a dtype."""

    text: str
    mode: str
    sizes: tuple[int, ...]
    batch: int
    rows: int
    optimizer: str
    dtype: str

    @classmethod
    def parse(cls, text: str, steps: int | None = None) -> Case:
        """Return the case that is written like this; an epoch has `steps` steps, or as many as take a while."""
        found = PATTERN.fullmatch(text)
        if not found or (found["mode"] == "predict" and found["optimizer"]):
            raise ValueError(f"{text!r} is no case as train:784-128-10:64:adam or predict:784-128-10:1000:float64 is")
        mode, sizes, count, optimizer, dtype = found.groups()
        widths = tuple(int(width) for width in sizes.split("-"))
        rows = int(count)
        if mode == "train":
            rows *= steps or int(np.clip(EPOCH_FLOP / training_flop(widths, rows), FEWEST_STEPS, MOST_STEPS))
        return cls(text, mode, widths, int(count), rows, optimizer or "sgd", dtype or "float32")

    @property
    def per(self) -> str:
        """What times are told of: a "step" or a "row"."""
        return "step" if self.mode == "train" else "row"

    @property
    def count(self) -> int:
        """Steps in an epoch, or rows in a prediction."""
        return self.rows // self.batch if self.mode == "train" else self.rows

    @property
    def flop(self) -> int:
        """Floating-point operations of the matrix products in one epoch or prediction."""
        return (training_flop if self.mode == "train" else prediction_flop)(self.sizes, self.rows)

    @property
    def learning_rate(self) -> float:
        """The same for every library."""
        return LEARNING_RATES[self.optimizer]


@dataclass(frozen=True)
class Data:
    """Rows X, their classes y, and the weights that training starts from; biases start at zero."""

    X: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]


def prediction_flop(sizes: tuple[int, ...], rows: int) -> int:
    """Two a weight and row."""
    return 2 * rows * sum(I * O for I, O in zip(sizes, sizes[1:], strict=False))


def training_flop(sizes: tuple[int, ...], rows: int) -> int:
    """Forward, the weights' gradients, the inputs' gradients: these last not in the first layer."""
    return 3 * prediction_flop(sizes, rows) - 2 * rows * sizes[0] * sizes[1]


def data(case: Case) -> Data:
    """Return data that a network can learn, for a random linear map made its classes, and a He-normal start."""
    rng, dtype = np.random.default_rng(0), cast(Any, case.dtype)
    X = rng.standard_normal((case.rows, case.sizes[0]), dtype)
    y = (X @ rng.standard_normal((case.sizes[0], case.sizes[-1]), dtype)).argmax(axis=1)
    layers = zip(case.sizes, case.sizes[1:], strict=False)
    return Data(X, y, [rng.standard_normal((I, O), dtype) * (2 / I) ** 0.5 for I, O in layers])


def cross_entropy(probabilities: Any, y: np.ndarray) -> float:
    """Mean loss of these probabilities: one judge for all libraries."""
    right = np.asarray(probabilities)[np.arange(len(y)), y].astype(np.float64)
    return float(-np.log(np.maximum(right, 1e-45)).mean())


def entrant(name: str, case: Case) -> Any:
    """Return the entrant of this name; ImportError where its library is missing."""
    return importlib.import_module(f".{name}", __package__).Entrant(case, data(case))


def cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
