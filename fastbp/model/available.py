"""Methods that only some models have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ForClassifiers(Generic[Arguments, Result]):
    """A method that only models of losses with classes have, like scikit-learn's `available_if`.

    For other models `hasattr` is False, and the AttributeError says what to call instead.
    """

    def __init__(self, method: Callable[Concatenate[Any, Arguments], Result]) -> None:
        self.method = method
        functools.update_wrapper(self, method)  # type: ignore[arg-type]

    def __get__(self, model: Any, owner: Any = None) -> Callable[Arguments, Result]:
        if model is None:
            return self.method  # type: ignore[return-value]
        if not model.network.loss.classifies:
            loss = model.network.loss.name
            raise AttributeError(f"a model of loss {loss!r} predicts no probabilities; call predict")
        return MethodType(self.method, model)
