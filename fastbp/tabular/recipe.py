"""RealMLP-TD-S, a strong plain network on tables: how one network is made and trained.

From Holzmueller, Grinsztajn and Steinwart, "Better by default", 2024 (arXiv 2407.04491), and the authors' pytabkit.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..callbacks import Callback, Checkpoint
from ..data.members import Members
from ..data.sparse import SparseRows
from ..losses import CrossEntropy
from ..model.model import Model
from ..optimizers import Adam
from ..schedules import CosineWaves
from ..training.history import History


@dataclass(frozen=True)
class Recipe:
    """Settings of the network and its training, those of RealMLP-TD-S by default.

    Parameters
    ----------
    classes : int or None
        Number of classes; None for numbers.
    stop : threading.Event, optional
        Ends training with the epoch, once it is set.
    others
        As `TabularClassifier` takes them.
    """

    classes: int | None
    hidden_layer_sizes: tuple[int, ...] = (256, 256, 256)
    activation: Any = None
    learning_rate: float | None = None
    n_epochs: int = 256
    batch_size: int = 256
    beta_1: float = 0.9
    beta_2: float = 0.95
    epsilon: float = 1e-8
    label_smoothing: float = 0.1
    scaling_layer: bool = True
    n_members: int = 1
    parametrization: str = "ntk"
    bias_rate: float = 0.1
    scale_rate: float = 6.0
    waves: int = 4
    stop_after_wave: bool = False
    dtype: str = "float32"
    n_threads: int | None = None
    stop: threading.Event | None = None

    def model(self, inputs: int, random: np.random.Generator) -> Model:
        """Return a network with first weights: V and b from N(0, 1), in the output layer 0.

        Adam adds epsilon after it corrects v, as the authors' does. The output layer starts at 0, so the first
        gradients below it are so small that this place changes the path.
        """
        of_classes = self.classes is not None
        half = 1.0 if of_classes else 0.5  # the mean of (z - y)^2 has twice the gradient of our loss: Adam sees epsilon
        rate = self.learning_rate if self.learning_rate is not None else 0.04 if of_classes else 0.07
        model = Model(
            [inputs, *self.hidden_layer_sizes, self.classes or 1],
            self.activation or ("selu" if of_classes else "mish"),
            Adam(
                rate, self.beta_1, self.beta_2, self.epsilon * half, epsilon_after_correction=True,
                parametrization=self.parametrization, rate_factors={"b": self.bias_rate, "scales": self.scale_rate},
            ),
            CrossEntropy(label_smoothing=self.label_smoothing) if of_classes else "squared_error",
            dtype=self.dtype,
            seed=int(random.integers(2**63)),
            initializer="lecun_normal",
            n_threads=self.n_threads,
            scaling_layer=self._scaling_layer,
        )  # fmt: skip
        hidden = len(self.hidden_layer_sizes)
        for _, b, *_ in model.parameters[:hidden]:
            b[:] = random.standard_normal(len(b))
        for W, *_ in model.parameters[hidden:]:
            W[:] = 0
        return model

    @property
    def _scaling_layer(self) -> bool | Members:
        """Whether inputs have scales, or the members that have: their first scales are the recipe's 1, or -1."""
        if self.n_members > 1 and not self.scaling_layer:
            raise ValueError(f"scaling_layer must be True where n_members is above 1, got n_members={self.n_members}")
        return Members(self.n_members) if self.n_members > 1 else self.scaling_layer

    def train(
        self, model: Model, train: Rows, validation: Rows | None, verbose: Any = 0,
        checkpoint: Checkpoint | None = None, resume: Any = None,
    ) -> Trained:  # fmt: skip
        """Train a network, and leave it with the parameters of the epoch whose validation error is least."""
        if self.stop_after_wave and validation is None:
            raise ValueError("stop_after_wave needs rows that validate: set validation_fraction above 0")
        best = BestEpoch("val_accuracy" if self.classes else "val_loss", self._ends_of_waves(), stop=self.stop)
        given = None if validation is None else tuple(part for part in validation if part is not None)
        history = model.fit(
            train.x, train.y, sample_weight=train.weights, epochs=self.n_epochs, batch_size=self.batch_size,
            drop_last=True, validation_data=given, schedule=CosineWaves(self.waves), verbose=verbose, resume=resume,
            callbacks=[*([] if validation is None else [best]), *([] if checkpoint is None else [checkpoint])],
        )  # fmt: skip
        errors = np.array([1 - a for a in history.val_accuracy] or [math.sqrt(2 * e) for e in history.val_loss])
        return Trained(model, best.epoch, errors, history)

    def _ends_of_waves(self) -> set[int]:
        """Return the last epoch of each wave, from 0, if training may stop there."""
        if not self.stop_after_wave:
            return set()
        ends = (2.0 ** np.arange(1, self.waves + 1) - 1) / (2.0**self.waves - 1) * self.n_epochs
        return {math.ceil(end) - 1 for end in ends}


class Rows(NamedTuple):
    """Inputs of the network, targets, and weights or None."""

    x: np.ndarray | SparseRows
    y: np.ndarray
    weights: np.ndarray | None = None

    def picked(self, rows: np.ndarray) -> Rows:
        """Return some of the rows."""
        return Rows(*(None if part is None else part[rows] for part in self))  # type: ignore[arg-type]


class Trained(NamedTuple):
    """A network, and how its training went.

    Parameters
    ----------
    model : Model
    best_epoch : int or None
        From 1; None without validation.
    validation_errors : ndarray
        After each epoch: share of wrong classes, or root of the mean squared error in deviations of y.
    history : History
    """

    model: Model
    best_epoch: int | None
    validation_errors: np.ndarray
    history: History


@dataclass
class BestEpoch(Callback):
    """Keeps the parameters of the epoch with the least error, the latest of equals, and restores them at the end.

    Parameters
    ----------
    monitor : str
    ends : set of int
        Epochs after which training stops if the error has not become less since the last of them.
    epoch : int or None
        That of the least error so far, the latest of equals, from 1.
    stop : threading.Event, optional
        Ends training with the epoch, once it is set.
    """

    _keeps_epochs = False
    monitor: str
    ends: set[int] = field(default_factory=set)
    epoch: int | None = None
    stop: threading.Event | None = None

    def __post_init__(self) -> None:
        self._least, self._gained = math.inf, False
        self._kept: np.ndarray | None = None

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Keep what is best; stop after a wave without a gain."""
        value, epoch = logs[self.monitor], int(logs["epoch"])
        error = value if "loss" in self.monitor else -value
        self._gained |= error < self._least
        if error <= self._least:
            self._least, self.epoch, self._kept = error, epoch + 1, model._shown.copied(self._kept)
        if epoch in self.ends:
            model.stop_training, self._gained = not self._gained, False
        if self.stop is not None and self.stop.is_set():
            model.stop_training = True

    def on_train_end(self, model: Any) -> None:
        """Restore what is best."""
        if self._kept is not None:
            model._flat[...] = self._kept

    def get_state(self) -> dict[str, Any]:
        """Return the least error, its epoch and parameters, and whether this wave has brought a gain."""
        return {"least": self._least, "gained": self._gained, "epoch": self.epoch, "kept": self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._least, self._gained, self.epoch = state["least"], state["gained"], state["epoch"]
        self._kept = state["kept"]

    def _settings(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"monitor": self.monitor, "ends": str(sorted(self.ends))}
