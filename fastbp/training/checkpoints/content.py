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


def packed(state: State, callbacks: tuple[Callback, ...]) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Return a training's state as JSON and arrays hold it; None if the parameters or the state are not finite."""
    plan, place, tensors = state.plan, state.place, dict[str, np.ndarray]()
    tensors["parameters"] = flat = np.empty_like(state.flat)
    plan.store(flat)
    tensors |= {f"optimizer.{name}": slot for name, slot in plan.get_slots().items()}
    if not all(map(is_finite, tensors.values())):
        return None
    config = {
        "epoch": place.epoch,
        "sums": [place.sums.rows, *map(float, place.sums[1:])],
        "order_key": place.order_key,
        "dropout_key": place.dropout_key,
        "seconds": place.seconds,
        "steps": int(plan.steps),
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


def restore(
    state: State, callbacks: tuple[Callback, ...], config: dict[str, Any], tensors: dict[str, np.ndarray]
) -> None:
    """Give a training and its callbacks the state that a checkpoint holds."""
    plan, (rows, *sums) = state.plan, config["sums"]
    state.flat[...] = tensors["parameters"]
    plan.set_slots({name: tensors[f"optimizer.{name}"] for name in plan.get_slots()})
    plan.steps = config["steps"]
    plan.load(state.flat)
    state.model.learning_rate = config["learning_rate"]
    state.random.bit_generator.state = config["random"]
    state.history = History(**config["history"])
    keys = config["order_key"], config["dropout_key"]
    state.place = Place(config["epoch"], Sums(rows, *sums), *keys, config["seconds"])
    state.stopped = state.model.stop_training = config["stopped"]
    for callback, kept in zip(others(callbacks), config["callbacks"], strict=True):
        callback.set_state(nested.unpacked(kept, tensors))
    state.last.begin_anew("from the checkpoint")
