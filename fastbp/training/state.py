"""How far a training is, and what changes on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.samples import NO_SUMS, Sums
from ..execution.plan import Plan
from .finite import LastFinite
from .history import History
from .seen import Parameters


@dataclass
class Place:
    """How far a training is.

    Parameters
    ----------
    epoch : int
        Number of whole epochs.
    sums : Sums
        Of the rows of the next epoch that are done; none at its beginning.
    order_key, dropout_key : int
        From which the epoch's order of rows and what it drops are drawn.
    seconds : float
        That the epoch has taken.
    steps : int
        Of the whole epochs.
    """

    epoch: int = 0
    sums: Sums = NO_SUMS
    order_key: int = 0
    dropout_key: int = 0
    seconds: float = 0.0
    steps: int = 0


@dataclass
class State:
    """What changes in a training.

    Parameters
    ----------
    model : Model
    plan : Plan
        Has the present parameters, optimizer's state and number of steps.
    flat : ndarray of shape (parameters,)
        The model's parameters.
    shown : Parameters
        Through which callbacks see them.
    random : Generator
    last : LastFinite
    history : History
    place : Place
    stopped : bool
        Whether a callback has ended training.
    is_shown : bool
        Whether `flat` holds the plan's parameters.
    unreadable : ValueError or None
        On rows of a source, which ends training.
    """

    model: Any
    plan: Plan
    flat: np.ndarray
    shown: Parameters
    random: np.random.Generator
    last: LastFinite
    history: History = field(default_factory=History)
    place: Place = field(default_factory=Place)
    stopped: bool = False
    is_shown: bool = True
    unreadable: ValueError | None = None

    def __post_init__(self) -> None:
        self.begun: int = self.plan.steps  # of the plan, before this call
