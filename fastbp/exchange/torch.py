"""From and to torch.nn.Sequential: the same predictions, to rounding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

try:
    import torch
    from torch import nn
except ImportError as error:
    raise ImportError(f"from_torch and to_torch need PyTorch: pip install 'fastbp[torch]' ({error})") from error

from ..data import choices
from ..kernels import activations as entries
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.entries.normalization import EPSILON
from ..model.model import Model
from . import common
from .common import LOSS_OF, Layer, checked_model, first_weights, layers_of, refuse_own_loss, set_parameters

ACTIVATIONS: dict[Any, list[Activation]] = {}  # of each of PyTorch's classes, those that differ in settings
for _entry in entries.ALL:
    if _entry.elsewhere.torch is not None:
        ACTIVATIONS.setdefault(getattr(nn, _entry.elsewhere.torch), []).append(_entry)
ENDS: dict[Any, str] = {nn.Softmax: "softmax", nn.LogSoftmax: "softmax", nn.Sigmoid: "logistic"}  # links
DTYPES: dict[Any, np.dtype] = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
LOST = 1e-4  # most that rounding a folded shift may move an input, in the units that it is scaled to


def from_torch(sequential: Any, loss: str | Loss | None = None, **settings: Any) -> Model:
    """Return a model that predicts what a torch.nn.Sequential predicts.

    Parameters
    ----------
    sequential : torch.nn.Sequential
        Of Linear layers, after each at most a LayerNorm, then at most one activation, then Dropout, nested or not;
        Flatten and Identity are left out. It may end in Softmax, LogSoftmax or Sigmoid; as a Model it gives
        probabilities either way.
    loss : str or Loss, optional
        As of Model. By default what the end says: "cross_entropy" after Softmax and LogSoftmax, "binary_cross_entropy"
        after Sigmoid; after Linear "cross_entropy" for several outputs and "squared_error" for one.
    **settings
        What else Model takes, such as `optimizer`, `seed` or `class_names`.

    Returns
    -------
    Model
        Of the parameters' dtype, float32 or float64.

    Raises
    ------
    TypeError
        Where it is no Sequential, or a setting is given that it determines, such as `dtype`.
    ValueError
        Where it has a layer that Model has not, or `loss` contradicts its end.
    """
    if not isinstance(sequential, nn.Sequential):
        raise TypeError(f"sequential must be a torch.nn.Sequential, got {type(sequential).__name__}")
    common.refuse_determined(settings, "sequential", ("layer_sizes", "activation", "dtype", "layer_norm"))
    linear: list[nn.Linear] = []
    norms: list[nn.LayerNorm | None] = []  # what follows each of them
    after: list[tuple[str, nn.Module] | None] = []  # and that
    dropouts: list[float] = []  # and that
    for name, layer in _leaves(sequential):
        if type(layer).forward is nn.Linear.forward:
            linear.append(_fitting(name, layer, linear))
            norms.append(None)
            after.append(None)
            dropouts.append(0.0)
        elif type(layer) is nn.Dropout:
            if not linear or dropouts[-1] or layer.p == 1:
                raise ValueError(f"sequential has {_called(name, layer)}, expected one of p < 1 behind a hidden layer")
            dropouts[-1] = layer.p
        elif type(layer) is nn.LayerNorm:
            if not linear or norms[-1] is not None or after[-1] is not None or dropouts[-1]:
                raise ValueError(f"sequential has {_called(name, layer)}, which is expected right behind a Linear")
            norms[-1] = _checked_norm(name, layer, linear[-1].out_features)
        else:
            _check_function(name, layer)
            if not linear or after[-1] is not None or dropouts[-1]:
                raise ValueError(f"sequential has {_called(name, layer)} where a Linear is expected")
            after[-1] = name, layer
    if not linear:
        raise ValueError("sequential must have a Linear layer, got none")
    if norms[-1] is not None or dropouts[-1]:
        raise ValueError(f"sequential has {norms[-1] or 'Dropout'} behind its last Linear, where a Model has none")
    settings = {"dropout": dropouts[:-1], **settings} if any(dropouts) else settings
    model = Model(
        [linear[0].in_features, *(layer.out_features for layer in linear)],
        [_hidden(function) for function in after[:-1]],
        dtype=_dtype([*linear, *filter(None, norms), *(function[1] for function in after if function)]),
        layer_norm=any(norms) and [norm is not None for norm in norms[:-1]],
        loss=_loss(after[-1], loss, linear[-1].out_features),
        **settings,
    )
    return set_parameters(model, map(_arrays, linear, norms, after))


def _leaves(sequential: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (name, layer) of all layers that change numbers, those of nested ones, too.

    A layer that stands there twice comes twice, which named_modules would not do.
    """
    for child, layer in sequential._modules.items():
        name = f"{prefix}{child}"
        if isinstance(layer, nn.Sequential) and type(layer).forward is nn.Sequential.forward:
            yield from _leaves(layer, f"{name}.")
        elif type(layer) is nn.Flatten and layer.start_dim == 1 and layer.end_dim == -1:
            continue
        elif type(layer) is not nn.Identity:
            yield name, layer


def _called(name: str, layer: nn.Module) -> str:
    return f"layer {name!r} ({layer})"


def _fitting(name: str, layer: nn.Linear, before: list[nn.Linear]) -> nn.Linear:
    """Return a Linear layer, if it has its parameters and fits the one before."""
    if torch.nn.parameter.is_lazy(layer.weight):
        raise ValueError(f"sequential has {_called(name, layer)} without parameters yet; call it on a batch first")
    if before and layer.in_features != before[-1].out_features:
        expected = f"the {before[-1].out_features} outputs of the one before"
        raise ValueError(f"sequential has {_called(name, layer)}, which does not take {expected}")
    return layer


def _checked_norm(name: str, layer: nn.LayerNorm, units: int) -> nn.LayerNorm:
    """Return a LayerNorm, if it is what a Model normalizes a layer of so many units by."""
    for what, found, wanted in (("shape", layer.normalized_shape, (units,)), ("eps", layer.eps, EPSILON)):
        if found != wanted:
            raise ValueError(f"sequential has {_called(name, layer)}, expected {what} {wanted}")
    return layer


def _check_function(name: str, layer: nn.Module) -> None:
    """Raise a ValueError where neither a hidden layer nor the end of a Model can be what `layer` computes."""
    if type(layer) not in ENDS and type(layer) not in ACTIVATIONS:
        hidden = [kind.__name__ for kind in ACTIVATIONS if kind is not nn.Identity]
        raise ValueError(
            f"sequential has {_called(name, layer)}, which fastbp.Model has not; it has Linear, LayerNorm, "
            f"{', '.join(hidden)}, Dropout, at the end {', '.join(end.__name__ for end in ENDS)}, "
            "and leaves out Flatten and Identity"
        )
    if type(layer) in (nn.Softmax, nn.LogSoftmax) and layer.dim not in (1, -1, None):
        raise ValueError(f"sequential has {_called(name, layer)}, expected dim 1 or -1")


def _hidden(function: tuple[str, Any] | None) -> Activation:
    """Return what follows a Linear layer that is not the last."""
    if function is None:
        return entries.IDENTITY
    name, layer = function
    if type(layer) not in ACTIVATIONS:
        raise ValueError(f"sequential has {_called(name, layer)} before its end, where only an activation can stand")
    for F in ACTIVATIONS[type(layer)]:
        if all(getattr(layer, setting) in _accepted(value) for setting, value in F.elsewhere.torch_settings.items()):
            return F
    wanted = (" and ".join(_told(F.elsewhere.torch_settings)) for F in ACTIVATIONS[type(layer)])
    raise ValueError(f"sequential has {_called(name, layer)}, expected {', or '.join(wanted)}")


def _accepted(value: Any) -> tuple[Any, ...]:
    """Return the values of a setting that make the same function, to rounding: that of ours first."""
    return value if isinstance(value, tuple) else (value,)


def _told(settings: Any) -> Iterator[str]:
    """Yield settings as an error names them."""
    for name, value in settings.items():
        yield f"{name} {' or '.join(map(repr, _accepted(value)))}"


def _loss(function: tuple[str, nn.Module] | None, loss: str | Loss | None, outputs: int) -> str | Loss:
    """Return the loss that the end of the network and the argument say."""
    link = None if loss is None else choices.loss(loss).link
    if function is None:
        return LOSS_OF["softmax" if outputs > 1 else "identity"] if loss is None else loss
    name, layer = function
    if type(layer) not in ENDS:
        ends = ", ".join(end.__name__ for end in ENDS)
        raise ValueError(f"sequential has {_called(name, layer)} at its end, expected Linear, {ends}")
    said = LOSS_OF[ENDS[type(layer)]]
    if loss is not None and link != ENDS[type(layer)]:
        raise ValueError(f"loss must be {said!r} for a network that ends in {_called(name, layer)}, got {loss!r}")
    return said if loss is None else loss


def _dtype(layers: list[nn.Module]) -> np.dtype:
    kinds = {tensor.dtype for layer in layers for tensor in layer.parameters()}
    if len(kinds) > 1 or not kinds <= set(DTYPES):
        found = ", ".join(sorted(map(str, kinds)))
        raise ValueError(f"sequential must hold float32 or float64 parameters, got {found}; call its float() first")
    return DTYPES[kinds.pop()]


def _arrays(layer: nn.Linear, norm: Any, function: tuple[str, Any] | None) -> tuple[np.ndarray, ...]:
    """Return W, turned to (inputs, outputs), and b; then g and c of a normalization, and an activation's parameter."""
    W = _array(layer.weight).T
    b = _array(layer.bias, np.zeros(W.shape[1]))
    norms = () if norm is None else (_array(norm.weight, np.ones_like(b)), _array(norm.bias, np.zeros_like(b)))
    return W, b, *norms, *(() if function is None else _slopes(*function, len(b)))


def _slopes(name: str, layer: Any, units: int) -> tuple[np.ndarray, ...]:
    """Return the parameter of an activation that has one, one number for each unit, in a tuple, else an empty tuple."""
    if not any(F.parameter for F in ACTIVATIONS.get(type(layer), ())):
        return ()
    if layer.weight.shape not in ((1,), (units,)):
        raise ValueError(f"sequential has {_called(name, layer)}, expected num_parameters 1 or {units}")
    return (np.broadcast_to(_array(layer.weight), units),)


def _array(tensor: torch.Tensor | None, instead: np.ndarray | None = None) -> Any:
    return instead if tensor is None else tensor.detach().cpu().numpy()


def to_torch(model: Model) -> nn.Sequential:
    """Return a torch.nn.Sequential of Linear, LayerNorm, activation and Dropout layers that computes what a model does.

    The last layer's t comes out as it is, for CrossEntropyLoss, BCEWithLogitsLoss, MSELoss or
    PoissonNLLLoss(log_input=True); Softmax(dim=1), Sigmoid() or exp make of it what `predict_proba` or `predict` gives.

    Input shift and scale, and the scales of a scaling layer, become part of the first Linear layer: W scaled by rows,
    and b less (shift * scale) W, computed in float64 and rounded once. The function is the same, its rounding is not.

    Parameters
    ----------
    model : Model

    Returns
    -------
    torch.nn.Sequential
        On the CPU, of the model's dtype, in training mode, its parameters copies.

    Raises
    ------
    TypeError
        Where `model` is none.
    ValueError
        Where an activation or the loss is the user's own, or the shift is so large beside the scale that folding it
        would cost too many digits.
    """
    layers: list[nn.Module] = []
    refuse_own_loss(checked_model(model), "module in PyTorch", "converted")
    for number, layer in enumerate(layers_of(model)):
        W, b = layer.W, layer.b
        kind = torch.from_numpy(b).dtype
        if number == 0:
            W, b = _folded(model, W, b)
        layers.append(_filled(nn.utils.skip_init(nn.Linear, *W.shape, dtype=kind), np.ascontiguousarray(W.T), b))
        if layer.norm:
            layers.append(_filled(nn.LayerNorm(len(b), EPSILON, dtype=kind), *layer.norm))
        if layer.F is not entries.IDENTITY:
            layers.append(_function(layer, kind))
        if layer.dropout:
            layers.append(nn.Dropout(layer.dropout))
    return nn.Sequential(*layers)


def _function(layer: Layer, kind: torch.dtype) -> nn.Module:
    """Return PyTorch's module of a layer's activation."""
    elsewhere = layer.F.elsewhere
    if elsewhere.torch is None:
        raise ValueError(f"activation {layer.F.name!r} has no module in PyTorch, so that it can't be converted")
    settings = {name: _accepted(value)[0] for name, value in elsewhere.torch_settings.items()}
    if not layer.slopes:
        return getattr(nn, elsewhere.torch)(**settings)
    return _filled(getattr(nn, elsewhere.torch)(len(layer.b), **settings, dtype=kind), *layer.slopes)


def _filled(layer: Any, *parameters: np.ndarray) -> nn.Module:
    """Return a layer with copies of these parameters, its weight and its bias."""
    with torch.no_grad():
        for name, array in zip(("weight", "bias"), parameters, strict=False):
            getattr(layer, name).copy_(torch.from_numpy(array))
    return layer


def _folded(model: Model, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return W and b that take X as it comes, before it is shifted and scaled."""
    if model.input_shift is None and model.input_scale is None:
        return W, b
    columns = model.layer_sizes[0]
    shift = np.broadcast_to(0.0 if model.input_shift is None else model.input_shift, columns)
    scale = np.broadcast_to(1.0 if model.input_scale is None else model.input_scale, columns)
    lost = np.abs(shift * scale) * np.finfo(model.dtype).eps
    if not (lost <= LOST).all():
        column = int(np.argmax(np.where(lost <= LOST, 0, 1)))
        raise ValueError(
            f"input_shift times input_scale is {shift[column] * scale[column]:g} in column {column}, at most "
            f"{LOST / np.finfo(model.dtype).eps:.3g} keeps enough digits of {model.dtype} in one Linear layer; "
            "scale X beforehand and convert a model without them"
        )
    exact = first_weights(model).astype(np.float64, copy=False)
    return (exact * scale[:, None]).astype(W.dtype), (b - (shift * scale) @ exact).astype(b.dtype)
