"""RealMLP-TD and its simpler form TD-S, strong plain networks on tables: how one network is made and trained.

From Holzmueller, Grinsztajn and Steinwart, "Better by default", 2024 (arXiv 2407.04491), and the authors' pytabkit.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..callbacks import Callback, Checkpoint
from ..data import choices
from ..data.members import Members
from ..data.sparse import SparseRows
from ..embeddings import Embedding
from ..losses import CrossEntropy
from ..model.first_weights import initialize_from_data
from ..model.model import Model
from ..optimizers import Adam, AdamW
from ..schedules import CosineWaves, FlatCosine
from ..training.history import History

_TD_S: dict[str, Any] = {
    "dropout": 0.0, "weight_decay": 0.0, "number_embedding": False, "embed_above": None, "first_weights": "normal",
    "clip_outputs": False,
}  # fmt: skip
_TD: dict[str, Any] = {
    "dropout": 0.15, "weight_decay": 0.02, "number_embedding": True, "embed_above": 8, "first_weights": "data",
    "clip_outputs": True,
}  # fmt: skip
RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "td-s": (
        _TD_S | {"activation": "selu", "learning_rate": 0.04}, _TD_S | {"activation": "mish", "learning_rate": 0.07},
    ),
    "td": (
        _TD | {"activation": "blended_selu", "learning_rate": 0.04},
        _TD | {"activation": "blended_mish", "learning_rate": 0.2},
    ),
}  # of classes, of numbers: settings by default  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Settings of the network and its training, those of RealMLP-TD-S or RealMLP-TD by default.

    Parameters
    ----------
    classes : int or None
        Number of classes; None for numbers.
    recipe : {"td-s", "td"}
        Whose settings those are that are None.
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
    recipe: str = "td-s"
    dropout: float | None = None
    weight_decay: float | None = None
    number_embedding: bool | None = None
    embed_above: int | None = None
    embedding_rate: float = 0.1
    slope_rate: float = 0.1
    first_weights: str | None = None
    clip_outputs: bool | None = None
    dtype: str = "float32"
    precision: str | None = None
    n_threads: int | None = None
    stop: threading.Event | None = None

    def part(self, name: str) -> Any:
        """Return a setting, or the recipe's where it is None."""
        given = getattr(self, name)
        return RECIPES[self.recipe][self.classes is None][name] if given is None else given

    def embedding(self, numbers: Any, categories: dict[int, int]) -> Embedding | None:
        """Return what the network embeds of its columns: numbers if they are to be, and categories."""
        numbers = numbers if self.part("number_embedding") else []
        return Embedding(numbers, categories) if numbers or categories else None

    def model(self, inputs: int, random: np.random.Generator, embedding: Embedding | None = None) -> Model:
        """Return a network with first weights: V and b from N(0, 1), in the output layer 0.

        Adam adds epsilon after it corrects v, as the authors' does. Where the output layer starts at 0, the first
        gradients below it are so small that this place changes the path.
        """
        model = Model(
            [inputs, *self.hidden_layer_sizes, self.classes or 1],
            self.part("activation"),
            self._optimizer(),
            CrossEntropy(label_smoothing=self.label_smoothing) if self.classes else "squared_error",
            dtype=self.dtype,
            precision=self.precision,
            seed=int(random.integers(2**63)),
            dropout=self.part("dropout"),
            initializer="lecun_normal",
            n_threads=self.n_threads,
            scaling_layer=self._scaling_layer,
            embedding=embedding,
        )
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
        if self.n_members > 1 and self.recipe == "td":
            raise ValueError(f"n_members must be 1 with recipe='td', got n_members={self.n_members}")
        return Members(self.n_members) if self.n_members > 1 else self.scaling_layer

    def _optimizer(self) -> Adam | AdamW:
        """Adam, with decay if there is any: a parameter at f times the rate decays f^2 times as fast, biases never."""
        half = 1.0 if self.classes else 0.5  # the mean of (z - y)^2 has twice our loss's gradient: Adam sees epsilon
        settings = self.part("learning_rate"), self.beta_1, self.beta_2, self.epsilon * half
        factors = {"b": self.bias_rate, "scales": self.scale_rate}
        if choices.activation(self.part("activation")).parameter:
            factors["slope"] = self.slope_rate
        if self.part("number_embedding"):
            factors["numbers"] = self.embedding_rate
        how: dict[str, Any] = {"epsilon_after_correction": True, "parametrization": self.parametrization}
        how["rate_factors"] = factors
        if not (decay := self.part("weight_decay")):
            return Adam(*settings, **how)
        return AdamW(*settings, decay, decay_factors=factors | {"b": 0.0}, **how)

    def draw(self, model: Model, x: Any, random: np.random.Generator) -> None:
        """Draw the first weights from the rows to train on, if they are to come from data."""
        if self.part("first_weights") == "data":
            initialize_from_data(model, x, seed=int(random.integers(2**63)))

    def train(
        self, model: Model, train: Rows, validation: Rows | None, verbose: Any = 0,
        checkpoint: Checkpoint | None = None, resume: Any = None,
    ) -> Trained:  # fmt: skip
        """Train a network, and leave it with the parameters of the epoch whose validation error is least."""
        if self.stop_after_wave and validation is None:
            raise ValueError("stop_after_wave needs rows that validate: set validation_fraction above 0")
        best = BestEpoch("val_accuracy" if self.classes else "val_loss", self._ends_of_waves(), stop=self.stop)
        given = None if validation is None else tuple(part for part in validation if part is not None)
        if given is not None and self.classes is None and self.part("clip_outputs"):
            best.validation, best.limits, given = validation, (float(train.y.min()), float(train.y.max())), None
        history = model.fit(
            train.x, train.y, sample_weight=train.weights, epochs=self.n_epochs, batch_size=self.batch_size,
            drop_last=True, validation_data=given, schedule=self._schedule(model), verbose=verbose, resume=resume,
            callbacks=[*([] if validation is None else [best]), *([] if checkpoint is None else [checkpoint])],
        )  # fmt: skip
        losses = best.losses or history.val_loss
        errors = np.array([1 - a for a in history.val_accuracy] or [math.sqrt(2 * e) for e in losses])
        return Trained(model, best.epoch, errors, history)

    def _schedule(self, model: Model) -> Any:
        """Return waves of the learning rate; dropout and decay are constant for half the training, then fall to 0."""
        waves = CosineWaves(self.waves)
        has = {"dropout": any(model.network.dropouts), "weight_decay": isinstance(model.optimizer, AdamW)}
        falling = {name: FlatCosine() for name, there in has.items() if there}
        return {"learning_rate": waves, **falling} if falling else waves

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
    validation, limits : Rows and (float, float), optional
        Rows that validate where outputs are clipped, and to what.
    losses : list of float
        Of these rows, after each epoch: half the mean square.
    """

    _keeps_epochs = False
    monitor: str
    ends: set[int] = field(default_factory=set)
    epoch: int | None = None
    stop: threading.Event | None = None
    validation: Rows | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._least, self._gained = math.inf, False
        self._kept: np.ndarray | None = None

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Keep what is best; stop after a wave without a gain."""
        if self.validation is not None:
            self.losses.append(self._clipped_loss(model, self.validation))
        value, epoch = self.losses[-1] if self.losses else logs[self.monitor], int(logs["epoch"])
        error = value if "loss" in self.monitor else -value
        self._gained |= error < self._least
        if error <= self._least:
            self._least, self.epoch, self._kept = error, epoch + 1, model._shown.copied(self._kept)
        if epoch in self.ends:
            model.stop_training, self._gained = not self._gained, False
        if self.stop is not None and self.stop.is_set():
            model.stop_training = True

    def _clipped_loss(self, model: Any, rows: Rows) -> float:
        z = np.clip(model.predict(rows.x).astype(np.float64), *self.limits)
        return float(np.average((z - rows.y[:, 0]) ** 2, weights=rows.weights)) / 2

    def on_train_end(self, model: Any) -> None:
        """Restore what is best."""
        if self._kept is not None:
            model._flat[...] = self._kept

    def get_state(self) -> dict[str, Any]:
        """Return the least error, its epoch and parameters, and whether this wave has brought a gain."""
        return {
            "least": self._least,
            "gained": self._gained,
            "epoch": self.epoch,
            "kept": self._kept,
            "losses": self.losses,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._least, self._gained, self.epoch = state["least"], state["gained"], state["epoch"]
        self._kept, self.losses = state["kept"], list(state["losses"])

    def _settings(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"monitor": self.monitor, "ends": str(sorted(self.ends)), "limits": str(self.limits)}
