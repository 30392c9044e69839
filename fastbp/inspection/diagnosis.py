"""What goes wrong in a network's training, seen on one batch: sizes of all that flows through it, and plain words.

The batch is carried forward and back by the equations as printed (execution/elementwise_plan.py), without dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data import members, shown
from ..data.labelled import labelled
from ..data.samples import Rates
from ..exchange.estimators import row_weights, taken
from ..execution import plain_loops, plan
from ..kernels.optimizers import SGD
from ..kernels.specification.regularization import limit
from ..network import Network
from . import rules

if TYPE_CHECKING:
    from ..data.samples import Labelled
    from ..kernels.entries.activation import Activation
    from ..model.model import Model


@dataclass(frozen=True)
class LayerReport:
    """One layer on one batch. RMS is the root of the mean square.

    Parameters
    ----------
    number : int
        From 1, that next to the inputs.
    activation : str
        F, or what the loss makes of the last layer's t.
    units : int
    h : float
        RMS of the outputs F(t); of t in the last layer.
    growth : float
        `h` as a multiple of that of the layer's inputs.
    dt : float
        RMS of dE/dt.
    passed : float or None
        Length of dE/dt as a multiple of that of the layer above, from which it came; None for the last layer.
    arrived : float
        Length of dE/dt as a multiple of that of the last layer, where it began.
    W, dW : float
        RMS of the weights, and of dE/dW.
    update : float
        RMS of the weights' update, as a multiple of `W`: learning_rate times dE/dW, limited as the model limits it,
        for "sgd", the sum of what momentum makes of it included; learning_rate for the others, whose steps are about
        that long. With `rate_factors` and "ntk" the step that these make of it.
    dead : float or None
        Share of ReLU units with t < 0 in all rows, so that F'(t) = 0; None for other activations.
    saturated : float or None
        Share of outputs next to the ends of the logistic function or tanh; None for other activations.
    """

    number: int
    activation: str
    units: int
    h: float
    growth: float
    dt: float
    passed: float | None
    arrived: float
    W: float
    dW: float
    update: float
    dead: float | None
    saturated: float | None


class Finding(NamedTuple):
    """A problem, the layer where it shows most, or None for all, and what to do about it."""

    problem: str
    layer: int | None
    text: str


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What `diagnose` saw; as text a table of the layers, and the findings.

    Parameters
    ----------
    loss : float
        Error and penalty over the batch.
    layers : list of LayerReport
    findings : list of Finding
        Problems, each one of "vanishing gradients", "exploding gradients", "paralysis", "dead units",
        "learning rate too high" and "learning rate too low". Empty where there is none.
    """

    loss: float
    layers: list[LayerReport]
    findings: list[Finding] = field(default_factory=list)

    def table(self) -> list[tuple[str, ...]]:
        """Return the layers as rows of text, the columns' names first."""
        head = ("layer", "F", "units", "h", "growth", "dE/dt", "passed", "W", "dE/dW", "update", "dead", "saturated")
        return [head, *map(_cells, self.layers)]

    def __str__(self) -> str:
        rows = self.table()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
        found = [f"{number}. {finding.text}" for number, finding in enumerate(self.findings, 1)]
        return "\n".join([*lines, f"loss {self.loss:.4g}", *(found or ["No problem found."])])

    def __repr__(self) -> str:
        found = ", ".join(finding.problem for finding in self.findings) or "no problem found"
        return f"<Diagnosis of {len(self.layers)} layers: loss {self.loss:.4g}, {found}>"

    def _repr_html_(self) -> str:
        head, *rows = self.table()
        found = shown.listed(finding.text for finding in self.findings) or "<p>No problem found.</p>"
        return shown.table(head, rows, f"loss {self.loss:.4g}") + found


def _cells(layer: LayerReport) -> tuple[str, ...]:
    numbers = layer.h, layer.growth, layer.dt, layer.passed, layer.W, layer.dW, layer.update
    shares = ("" if share is None else f"{share:.0%}" for share in (layer.dead, layer.saturated))
    cells = ("" if number is None else f"{number:.2g}" for number in numbers)
    return (str(layer.number), layer.activation, str(layer.units), *cells, *shares)


def diagnose(model: Any, X: Any, y: Any, sample_weight: Any = None) -> Diagnosis:
    """Look at one batch and name what is wrong with training, such as vanishing gradients or dead units.

    Nothing is changed. All rows are held in memory at once, at every layer: a few hundred do. Sparse rows stay sparse.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        Estimators are those of scikit-learn and of fastbp.sklearn, fitted or not.
    X, y, sample_weight
        As for `Model.fit`, or for the estimator's. Rows of the training data; dead units are looked for in 32 rows or
        more. `class_weight` of an estimator weighs them, too.

    Returns
    -------
    fastbp.inspection.diagnosis.Diagnosis
        Norms and ratios of each layer; what is wrong and what helps.

    Raises
    ------
    ValueError, TypeError
        For bad input.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X, y = np.random.default_rng(0).standard_normal((100, 4)), np.arange(100) % 3
    >>> fastbp.diagnose(fastbp.Model([4, 8, 3], seed=0), X, y).findings
    []
    """
    given, (model, X, numbers, _) = model, taken(model, X, y)
    sample_weight = row_weights(given, y, sample_weight)
    members.refuse(model.network, "a diagnosis")
    batch = _Batch(model, labelled(model, X, numbers, sample_weight))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        layers = batch.layers()
        found = rules.find(batch.loss, layers, len(batch.data.y), model.learning_rate, batch.loss_after)
    return Diagnosis(batch.loss, layers, [Finding(*each) for each in found])


class _Batch:
    """A batch that has been carried through a plan of its own, by which the model is only read."""

    def __init__(self, model: Model, data: Labelled) -> None:
        self.model, self.data, self.state = model, data, model.get_state()
        self.network: Network = replace(model.network, dropout=0.0)
        self.gradient = np.empty_like(self.state["parameters"])
        self.plan = self._plan()
        with np.errstate(over="ignore", invalid="ignore"):
            self.loss = self._loss(self.plan, self.gradient)

    def _plan(self) -> Any:
        model = self.model
        made = plan.make_plan("elementwise", self.network, model.dtype, model.optimizer, model.n_threads)
        made.load(self.state["parameters"])
        made.set_slots(self.state["optimizer"])
        made.steps = self.state["steps"]
        return made

    def _loss(self, of: Any, gradient: np.ndarray) -> float:
        return float(of.gradients(self.data, gradient).loss / len(self.data.y))

    def loss_after(self, rate: float) -> float:
        """Return the batch's loss after a step on it at this learning rate."""
        other, n = self._plan(), len(self.data.y)
        for _ in other.train_epoch(self.data, np.arange(n), n, Rates(np.array([rate]))):
            pass
        return self._loss(other, np.empty_like(self.gradient))

    def layers(self) -> list[LayerReport]:
        """Return what there is to say of each layer."""
        network, h, dt, x = self.network, self.plan.h, self.plan.dt, self.plan.x
        lengths = [_length(each) for each in dt]
        weights, gradients = (network.views(flat) for flat in (self.state["parameters"], self.gradient))
        updates = [_rms(dW) for dW, *_ in network.views(self._update())]
        last, reports = len(dt) - 1, []
        for i, F in enumerate(network.activations):
            W = _rms(weights[i][0])
            reports.append(
                LayerReport(
                    number=i + 1,
                    activation=F.name if i < last else network.loss.link,
                    units=network.layer_sizes[i + 1],
                    h=_rms(h[i]),
                    growth=_ratio(_rms(h[i]), x[i].rms()),
                    dt=_rms(dt[i]),
                    passed=_ratio(lengths[i], lengths[i + 1]) if i < last else None,
                    arrived=_ratio(lengths[i], lengths[last]),
                    W=W,
                    dW=_rms(gradients[i][0]),
                    update=_ratio(updates[i], W),
                    dead=_dead(h[i]) if _is(F, "relu") else None,
                    saturated=_saturated(h[i], F) if i < last else None,
                )
            )
        return reports

    def _update(self) -> np.ndarray:
        """Return how far each parameter moves, about; see `LayerReport`."""
        optimizer, network = self.model.optimizer, self.network
        if not isinstance(optimizer, SGD):
            moved = np.full(self.gradient.size, optimizer.learning_rate)
            for part, factor, _, sigma in network.kinds(moved):
                part *= factor * sigma
            return moved
        limited = self.gradient.copy()
        if np.isfinite(min(network.clip_value, network.clip_norm)):
            limits = limited.dtype.type(network.clip_value), limited.dtype.type(network.clip_norm)
            plain_loops.launch(limit, limited, *limits, n_threads=1)
        moved = limited.astype(np.float64) * (optimizer.learning_rate / (1 - optimizer.momentum))
        for part, factor, _, sigma in network.kinds(moved):
            part *= factor * sigma**2  # dE/dV = sigma dE/dW, and W moves by sigma times the step of V
        return moved


def _length(values: np.ndarray) -> float:
    """Return the root of the sum of squares, in float64, where those of float32 do not vanish."""
    return float(np.sqrt(np.square(values, dtype=np.float64).sum()))


def _rms(values: np.ndarray) -> float:
    return _length(values) / values.size**0.5


def _ratio(a: float, b: float) -> float:
    return float(np.float64(a) / np.float64(b)) if a or b else 1.0


def _is(F: Activation, name: str) -> bool:
    """Whether F is the library's own activation of this name."""
    return F.key == name


def _dead(h: np.ndarray) -> float:
    """Return the share of columns that are negative zeros, which is how the kernels keep F'(t) = 0."""
    return float(np.signbit(h).all(axis=0).mean())


def _saturated(h: np.ndarray, F: Activation) -> float | None:
    if not any(_is(F, name) for name in rules.SATURATED):
        return None
    middle, least = rules.SATURATED[F.name]
    return float((np.abs(h - middle) > least).mean())
