"""Members: networks that share their hidden layers, and are trained and averaged as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kernels.entries.settings import Checked, setting
from . import checks

MOST = 1024  # members: each row of a minibatch stands in the layers so many times
FIRST = ("signs", "normal")


@dataclass(frozen=True)
class Members(Checked):
    """Networks that share W and b of all hidden layers: each has scales of the inputs and an output layer of its own.

    For `Model(scaling_layer=...)`. The networks learn from the same rows of each minibatch. In training E is the mean
    of theirs. A prediction is the mean of their probabilities or numbers, and `evaluate` and validation score it
    (TabM-mini: Gorishniy, Kotelnikov and Babenko, 2025, arXiv 2410.24210).

    Parameters
    ----------
    n_members : int
        Number of networks, at least 2.
    first_scales : {"signs", "normal"}
        Distribution of the scales before training: 1 or -1, each with probability 1/2, or N(0, 1).

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed. The message names it and says what is expected.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).standard_normal((200, 5))
    >>> model = fastbp.Model([5, 32, 2], optimizer="adam", scaling_layer=fastbp.Members(8), seed=0)
    >>> history = model.fit(X, X[:, 0] > 0, epochs=20, verbose=0)
    >>> model.scales.shape, len(model.parameters)
    ((8, 5), 9)
    """

    n_members: int = setting(32, lambda name, value: checks.whole_number(name, value, 2, MOST))
    first_scales: str = setting("signs", lambda name, value: checks.choice(name, value, FIRST))


def refuse(network: Any, what: str) -> None:
    """Raise ValueError where a network has members, which `what` cannot show or hold."""
    if network.n_members > 1:
        raise ValueError(f"{what} has no members, the model has scaling_layer=Members({network.n_members})")


def scaling_layer(value: Any) -> bool | Members:
    """Return whether inputs have scales, or the members that do; also of a dict, as `Model.get_config` has it."""
    if isinstance(value, Members):
        return value
    if isinstance(value, Mapping):
        if unknown := set(value) - set(Members.__dataclass_fields__):
            raise ValueError(f"scaling_layer must hold settings of fastbp.Members, got {sorted(map(str, unknown))}")
        return Members(**value)
    try:
        return checks.flag("scaling_layer", value)
    except TypeError:
        raise TypeError(f"scaling_layer must be True, False or fastbp.Members(...), got {value!r}") from None
