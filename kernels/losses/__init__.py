"""The losses that there are, one file each: the list that everything else reads."""

from __future__ import annotations

from ..entries.loss import Loss
from .absolute_error import AbsoluteError
from .binary_cross_entropy import BinaryCrossEntropy
from .cross_entropy import CrossEntropy
from .huber import Huber
from .log_cosh import LogCosh
from .log_loss import LogLoss
from .poisson import Poisson
from .squared_error import SquaredError

ALL = (CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson, LogCosh)
INTERNAL = (LogLoss,)  # of the estimators alone
LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in ALL}
POINT_LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (*ALL, *INTERNAL) if hasattr(loss, "tile_error")}
