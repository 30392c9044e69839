"""By what signs a diagnosis knows a problem: thresholds with their reasons, and what to do.

Causes come first: where units are saturated or dead, gradients vanish behind them, and where gradients vanish or
explode, no learning rate is right. What only follows is not reported beside what it follows from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnosis import LayerReport

# (middle, distance from it): beyond, F' is below 4 % (logistic) and 2 % (tanh) of what it is in the middle
SATURATED = {"logistic": (0.5, 0.49), "tanh": (0.0, 0.99)}
MOST_SATURATED = 0.5  # of a layer's outputs; trained networks live well with a quarter
MOST_DEAD = 0.5  # of a layer's units; trained ReLU networks live well with a tenth or two
DEAD_ROWS = 32  # a healthy unit has t < 0 in half of the rows or so: in all of fewer rows it may by chance
# of dE/dt from the last layer to the first: He's weights keep its length, and training bends that by a factor of ten
VANISHED, EXPLODED = 1e-2, 1e2
MOST_UPDATE = 0.1  # of the weights a step: usual is a thousandth
LEAST_UPDATE = 1e-5  # a hundredth of the usual: an epoch of a hundred steps moves no weight by more than a thousandth
USUAL_UPDATE = 1e-3
LEAST_FALL = 1e-4  # of the loss by a usual step; less says that there is nothing left to learn, whatever the rate

Found = tuple[str, "int | None", str]


def find(
    loss: float, layers: list[LayerReport], rows: int, rate: float, loss_after: Callable[[float], float]
) -> list[Found]:
    """Return (problem, layer, text) of each problem; `loss_after` tells the loss after a step at another rate."""
    if not (math.isfinite(loss) and all(map(_finite, layers))):
        return [_not_finite(layers)]
    units = [*_paralysis(layers), *(_dead(layers) if rows >= DEAD_ROWS else ())]
    return units or [*_gradients(layers)] or [*_rate(loss, layers, rate, loss_after)]


def _finite(layer: LayerReport) -> bool:
    return all(map(math.isfinite, (layer.h, layer.dt, layer.W, layer.dW)))


def _not_finite(layers: list[LayerReport]) -> Found:
    forward = [layer.number for layer in layers if not math.isfinite(layer.h)]
    backward = [layer.number for layer in layers if not _finite(layer)]
    number = forward[0] if forward else backward[-1] if backward else layers[-1].number
    what = "outputs" if forward else "gradients"
    text = (
        f"Exploding gradients: the {what} of layer {number} are no finite numbers any more. Begin anew with a lower "
        "learning_rate (find_learning_rate suggests one), clip_norm, or inputs scaled by input_shift and input_scale."
    )
    return "exploding gradients", number, text


def _paralysis(layers: list[LayerReport]) -> Iterator[Found]:
    for layer in layers:
        if layer.saturated is not None and layer.saturated > MOST_SATURATED:
            middle, least = SATURATED[layer.activation]
            size = "|h|" if middle == 0 else f"|h - {middle:g}|"
            text = (
                f"Paralysis: {layer.saturated:.0%} of layer {layer.number}'s outputs are in the saturation region of "
                f"{layer.activation} ({size} > {least:g}; alarm above {MOST_SATURATED:.0%}), where F'(t) is near 0 and "
                "no weight below moves. Smaller weights help: another initializer ('glorot_normal', 'lecun_normal'), "
                "l2, scaled inputs, a lower learning_rate; or activation 'relu', which has no such region."
            )
            yield "paralysis", layer.number, text


def _dead(layers: list[LayerReport]) -> Iterator[Found]:
    for layer in layers:
        if layer.dead is not None and layer.dead > MOST_DEAD:
            text = (
                f"Dead units: {layer.dead:.0%} of layer {layer.number}'s units have t < 0 in all rows (alarm above "
                f"{MOST_DEAD:.0%}), so that F'(t) = 0 and they no longer learn. Begin anew with a lower learning_rate, "
                "clip_norm or scaled inputs; or with activation 'leaky_relu', whose units cannot die."
            )
            yield "dead units", layer.number, text


def _gradients(layers: list[LayerReport]) -> Iterator[Found]:
    least, most = (choose(layers, key=lambda layer: layer.arrived) for choose in (min, max))
    if least.arrived < VANISHED:
        text = (
            f"Vanishing gradients: at layer {least.number} dE/dt is {least.arrived:.2g} times as long as at the last "
            f"layer (alarm below {VANISHED:g}), so that this layer hardly learns. Activation 'relu' with initializer "
            "'he_normal' keeps the length, 'tanh' with 'glorot_normal' nearly so; or take fewer layers."
        )
        yield "vanishing gradients", least.number, text
    if most.arrived > EXPLODED:
        text = (
            f"Exploding gradients: at layer {most.number} dE/dt is {most.arrived:.2g} times as long as at the last "
            f"layer (alarm above {EXPLODED:g}), so that one step can ruin its weights. clip_norm limits a step; an "
            "initializer of smaller weights ('he_normal' for 'relu', 'glorot_normal' for others), l2 and a lower "
            "learning_rate keep the weights small."
        )
        yield "exploding gradients", most.number, text


def _rate(loss: float, layers: list[LayerReport], rate: float, loss_after: Callable[[float], float]) -> Iterator[Found]:
    most = max(layers, key=lambda layer: layer.update)
    hint = "find_learning_rate suggests one."
    if most.update > MOST_UPDATE and not (after := loss_after(rate)) <= loss:
        text = (
            f"Learning rate too high: a step changes layer {most.number}'s weights by {most.update:.2g} times their "
            f"size (alarm above {MOST_UPDATE:g}), and one on this batch raises its loss from {loss:.4g} to {after:.4g}."
            f" Lower learning_rate (now {rate:g}), or set clip_norm; {hint}"
        )
        yield "learning rate too high", most.number, text
    if most.update < LEAST_UPDATE and most.dW > 0:
        higher = rate * USUAL_UPDATE / most.update if most.update else math.inf
        after = loss_after(higher) if math.isfinite(higher) else -math.inf
        if after < loss * (1 - LEAST_FALL):
            gain = f"; one at {higher:.2g} would lower the loss from {loss:.4g} to {after:.4g}" if rate else ""
            text = (
                f"Learning rate too low: a step changes no layer's weights by more than {most.update:.2g} times their "
                f"size (alarm below {LEAST_UPDATE:g}){gain}. Raise learning_rate (now {rate:g}); {hint}"
            )
            yield "learning rate too low", None, text
