"""Conversions of a model to other libraries' objects and back. Each library is imported when it is asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import Model


class ConversionMixin:
    """Methods of `Model` that convert to and from scikit-learn, PyTorch and ONNX."""

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an ONNX file. The file is written whole or not at all; needs the extra `onnx`.

        The scales of a scaling layer become part of the first layer's weights, as in `to_torch` and `to_sklearn`.

        Parameters
        ----------
        path : str or path-like
            File to write or to replace.

        Raises
        ------
        ImportError
            If onnx is not installed.
        ValueError
            If the network holds functions of your own, which ONNX has no operators for.
        OSError
            If the file cannot be written. What was there is left as it was.
        """
        from ..exchange import onnx

        onnx.to_onnx(self, path)  # type: ignore[arg-type]

    @staticmethod
    def from_sklearn(mlp: Any) -> Model:
        """Return a model of a fitted MLPClassifier or MLPRegressor of scikit-learn; needs the extra `sklearn`.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
            A fitted estimator.

        Returns
        -------
        Model
            A model with copies of its weights, which predicts the same.

        Raises
        ------
        ImportError
            If scikit-learn is not installed.
        TypeError
            If `mlp` is another estimator.
        ValueError
            If it is not fitted, has one class only, or has a setting that `Model` has not.
        """
        from ..exchange import sklearn

        return sklearn.from_sklearn(mlp)

    def to_sklearn(self, classes: Any = None) -> Any:
        """Return a fitted estimator of scikit-learn that predicts the same; needs the extra `sklearn`.

        Parameters
        ----------
        classes : sequence, optional
            Labels that the estimator predicts, one for each class. By default `class_names`, or the class numbers.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or MLPRegressor

        Warns
        -----
        UserWarning
            If scikit-learn lacks what the model is trained with, such as "huber", dropout or a scaling layer: the
            estimator predicts the same, but its `fit` and `partial_fit` would train on with "squared_error", or without
            them.

        Raises
        ------
        ImportError
            If scikit-learn is not installed.
        ValueError
            If scikit-learn has no such network, or `classes` are not as many labels as there are classes.
        """
        from ..exchange import sklearn

        return sklearn.to_sklearn(self, classes)  # type: ignore[arg-type]

    @staticmethod
    def from_torch(sequential: Any, loss: str | None = None, **settings: Any) -> Model:
        """Return a model of a PyTorch network; needs the extra `torch`.

        Parameters
        ----------
        sequential : torch.nn.Sequential
            Linear layers, each followed by an activation, with LayerNorm and Dropout where they are wanted.
        loss : str, optional
            Name of the loss. By default it follows from the last module.
        **settings
            Further arguments of `Model`, but those that the network determines, such as `dtype`.

        Returns
        -------
        Model
            A model with copies of its weights, which predicts the same.

        Raises
        ------
        ImportError
            If PyTorch is not installed.
        TypeError
            If `sequential` is no torch.nn.Sequential, or a setting is given that it determines.
        ValueError
            If it has a layer that `Model` has not, or `loss` contradicts its last module.
        """
        from ..exchange import torch

        return torch.from_torch(sequential, loss, **settings)

    def to_torch(self) -> Any:
        """Return the network as a PyTorch module that gives logits; needs the extra `torch`.

        Returns
        -------
        torch.nn.Sequential
            The same layers with copies of the weights. The output's activation, such as softmax, is left out, as
            PyTorch's losses include it.

        Raises
        ------
        ImportError
            If PyTorch is not installed.
        ValueError
            If PyTorch has no module for an activation, the loss is your own, or `input_shift` is too large to become
            part of the first layer.
        """
        from ..exchange import torch

        return torch.to_torch(self)  # type: ignore[arg-type]
