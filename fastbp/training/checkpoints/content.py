"""What a checkpoint holds of a training, and how it becomes the state of one again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...callbacks import Callback, Checkpoint
from ...data.samples import Sums
from ..finite import is_finite
from ..history import History
from ..state import Place, State
from . import nested


def packed(
    state: State, callbacks: tuple[Callback, ...], slots: dict[str, np.ndarray] | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Return a training's state as JSON and arrays hold it; None if the parameters or the state are not finite.

    `slots` are copies of the optimizer's state, which are else taken of the plan.
    """
    plan, place, tensors = state.plan, state.place, dict[str, np.ndarray]()
    tensors["parameters"] = flat = np.empty_like(state.flat)
    plan.store(flat)
    tensors |= {f"optimizer.{name}": slot for name, slot in (plan.get_slots() if slots is None else slots).items()}
    if not all(map(is_finite, tensors.values())):
        return None
    config = {
        "epoch": place.epoch,
        "sums": [place.sums.rows, *map(float, place.sums[1:])],
        "order_key": place.order_key,
        "dropout_key": place.dropout_key,
        "seconds": place.seconds,
        "steps": int(plan.steps),
        "steps_of_epochs": place.steps,
        "learning_rate": state.model.learning_rate,
        "random": state.random.bit_generator.state,
        "history": state.history.history,
        "stopped": bool(state.stopped),
        "callbacks": states(callbacks, tensors),
    }
    return config, tensors


def states(callbacks: tuple[Callback, ...], tensors: dict[str, np.ndarray]) -> list[Any]:
    """Return the states of callbacks as JSON holds them, and put their arrays into `tensors`."""
    kept = enumerate(others(callbacks))
    return [nested.packed(each.get_state(), f"callbacks[{i}], a {type(each).__name__}", tensors) for i, each in kept]


def others(callbacks: tuple[Callback, ...]) -> list[Callback]:
    """Return the callbacks that are no checkpoints."""
    return [callback for callback in callbacks if not isinstance(callback, Checkpoint)]


def check(config: Any, path: str, batch_size: int) -> None:
    """Raise ValueError if a checkpoint's settings are not such as `packed` gives."""
    try:
        rows, *sums = config["sums"]
        counts = [rows, *(config[name] for name in ("epoch", "steps", "steps_of_epochs", "order_key", "dropout_key"))]
        curves = config["history"].values()
        numbers = [*sums, config["seconds"], config["learning_rate"], *(one for curve in curves for one in curve)]
        right = (
            all(type(count) is int and count >= 0 for count in counts)
            and rows % batch_size == 0
            and len(sums) == len(Sums._fields) - 1
            and all(type(number) in (int, float) for number in numbers)
            and all(len(curve) in (0, config["epoch"]) for curve in curves)
            and isinstance(config["settings"], dict)
            and isinstance(config["callbacks"], list)
            and isinstance(config["training"], str)
            and np.random.PCG64().state.keys() == config["random"].keys()
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        right = False
    if not right:
        raise ValueError(f"{path}: not a checkpoint that fastbp can use: its settings are not those of a training")


def _check_arrays(state: State, tensors: dict[str, np.ndarray]) -> None:
    """Raise ValueError if the parameters or the optimizer's state are not those of the model."""
    for name in ("parameters", *(f"optimizer.{slot}" for slot in state.plan.get_slots())):
        array, like = tensors.get(name), state.flat
        if array is None or array.shape != like.shape or array.dtype != like.dtype or not is_finite(array):
            raise ValueError(f"resume: the checkpoint lacks {name} as {like.shape} finite numbers of {like.dtype}")


def restore(
    state: State, callbacks: tuple[Callback, ...], config: dict[str, Any], tensors: dict[str, np.ndarray]
) -> None:
    """Give a training and its callbacks the state that a checkpoint holds."""
    _check_arrays(state, tensors)
    plan, (rows, *sums) = state.plan, config["sums"]
    state.flat[...] = tensors["parameters"]
    plan.set_slots({name: tensors[f"optimizer.{name}"] for name in plan.get_slots()})
    plan.steps = config["steps"]
    plan.load(state.flat)
    state.model.learning_rate = config["learning_rate"]
    state.random.bit_generator.state = config["random"]
    state.history = History._of(config["history"])
    keys = config["order_key"], config["dropout_key"]
    state.place = Place(config["epoch"], Sums(rows, *sums), *keys, config["seconds"], config["steps_of_epochs"])
    state.stopped = state.model.stop_training = config["stopped"]
    for callback, kept in zip(others(callbacks), config["callbacks"], strict=True):
        callback.set_state(nested.unpacked(kept, tensors))
    state.last.begin_anew("from the checkpoint")
