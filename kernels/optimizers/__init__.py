"""The optimizers that there are, one file each: the list that everything else reads."""

from __future__ import annotations

from ..entries.optimizer import Optimizer, Rule
from .adam import Adam
from .adamw import AdamW
from .lion import Lion
from .nadam import NAdam
from .rmsprop import RMSprop
from .sgd import SGD

ALL = (SGD, Adam, AdamW, RMSprop, Lion, NAdam)
OPTIMIZERS: dict[str, type[Optimizer]] = {optimizer.name: optimizer for optimizer in ALL}
RULES: dict[str, Rule] = {rule.name: rule for optimizer in ALL for rule in optimizer.rules}
