"""What a model can do through modules that stand above it: each is imported when it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .diagnosis import Diagnosis
    from .model import Model


class Doors:
    """The part of `Model` that leads elsewhere."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file, whole or not at all; `fastbp.load` reads it back to the bit."""
        from .files import models

        models.save(self, path)  # type: ignore[arg-type]

    def diagnose(self, X: Any, y: Any, sample_weight: Any = None) -> Diagnosis:
        """Return norms, ratios and shares by layer for one batch, and in plain words what is wrong and what helps."""
        from .diagnosis import diagnose

        return diagnose(self, X, y, sample_weight)  # type: ignore[arg-type]

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an ONNX file, whole or not at all; needs the extra `onnx`."""
        from .exchange import onnx

        onnx.to_onnx(self, path)  # type: ignore[arg-type]

    @staticmethod
    def from_sklearn(mlp: Any) -> Model:
        """Return a model of a fitted MLPClassifier or MLPRegressor of scikit-learn's; needs the extra `sklearn`."""
        from .exchange import sklearn

        return sklearn.from_sklearn(mlp)

    def to_sklearn(self, classes: Any = None) -> Any:
        """Return a fitted estimator of scikit-learn's, whose classes have these names; needs the extra `sklearn`."""
        from .exchange import sklearn

        return sklearn.to_sklearn(self, classes)  # type: ignore[arg-type]

    @staticmethod
    def from_torch(sequential: Any, loss: str | None = None, **settings: Any) -> Model:
        """Return a model of a torch.nn.Sequential, with further settings of `Model`; needs the extra `torch`."""
        from .exchange import torch

        return torch.from_torch(sequential, loss, **settings)

    def to_torch(self) -> Any:
        """Return a torch.nn.Sequential of the same network, its output's activation left out; needs `torch`."""
        from .exchange import torch

        return torch.to_torch(self)  # type: ignore[arg-type]
