"""Softmax with cross-entropy (eqs. 33-39, 45-47). Its kernels are `specification.paper` and `fast.softmax`."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries.loss import Loss
from ..entries.settings import setting, share


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Softmax with cross-entropy: y names each row's class (eqs. 33-39, 45-47).

    Parameters
    ----------
    label_smoothing : float, default 0.0
        Share of y that is spread over all classes (Szegedy et al., 2016, section 7).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], loss=fastbp.losses.CrossEntropy(label_smoothing=0.1), seed=0)
    """

    label_smoothing: float = setting(0.0, share)

    name: ClassVar[str] = "cross_entropy"
    link: ClassVar[str] = "softmax"
    fields: ClassVar[tuple[str, ...]] = ("cutoff", "label_smoothing")
    flop: ClassVar[int] = 6
    aliases: ClassVar[tuple[str, ...]] = ("sparse_categorical_crossentropy", "CrossEntropyLoss")
    cutoff: ClassVar[float] = math.inf  # at which the error of a row is cut off


@dataclass(frozen=True)
class ClippedCrossEntropy(CrossEntropy):
    """The same with probabilities kept from 0, as scikit-learn reports it: no row's error is above `cutoff`."""

    cutoff: float = math.inf  # type: ignore[misc]
