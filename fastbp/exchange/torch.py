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

from .. import checks, network
from ..kernels.beyond_normalization import EPSILON
from ..model import Model
from .common import checked_model, hidden_activations, quoted, set_parameters

ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "logistic",
    nn.LeakyReLU: "leaky_relu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
}
ENDS: dict[type[nn.Module], str] = {
    nn.Softmax: "cross_entropy",
    nn.LogSoftmax: "cross_entropy",
    nn.Sigmoid: "binary_cross_entropy",
}
DTYPES: dict[Any, np.dtype] = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
LOST = 1e-4  # most that rounding a folded shift may move an input, in the units that it is scaled to


def from_torch(sequential: Any, loss: str | None = None, **settings: Any) -> Model:
    """Return a model that predicts what a torch.nn.Sequential predicts.

    Parameters
    ----------
    sequential : torch.nn.Sequential
        Of Linear layers, after each at most a LayerNorm, then at most one activation, then Dropout, nested or not;
        Flatten and Identity are left out. It may end in Softmax, LogSoftmax or Sigmoid; as a Model it gives
        probabilities either way.
    loss : str, optional
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
        Where it is no Sequential.
    ValueError
        Where it has a layer that Model has not, or `loss` contradicts its end.
    """
    if not isinstance(sequential, nn.Sequential):
        raise TypeError(f"sequential must be a torch.nn.Sequential, got {type(sequential).__name__}")
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
    if norms[-1] is not None:
        raise ValueError(f"sequential has {norms[-1]} behind its last Linear, where a Model has none")
    if dropouts[-1]:
        raise ValueError("sequential has Dropout behind its last Linear, where a Model has none")
    if any(dropouts):
        settings = {"dropout": dropouts[:-1], **settings}
    model = Model(
        [linear[0].in_features, *(layer.out_features for layer in linear)],
        [_hidden(function) for function in after[:-1]],
        dtype=_dtype([*linear, *filter(None, norms)]),
        layer_norm=any(norms) and [norm is not None for norm in norms[:-1]],
        loss=_loss(after[-1], loss, linear[-1].out_features),
        **settings,
    )
    return set_parameters(model, map(_arrays, linear, norms))


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
    kind = type(layer)
    if kind not in ENDS and ACTIVATIONS.get(kind) not in network.ACTIVATIONS:
        hidden = [other.__name__ for other, known in ACTIVATIONS.items() if known in network.ACTIVATIONS]
        raise ValueError(
            f"sequential has {_called(name, layer)}, which fastbp.Model has not; it has Linear, LayerNorm, "
            f"{', '.join(hidden)}, Dropout, at the end {', '.join(end.__name__ for end in ENDS)}, "
            "and leaves out Flatten and Identity"
        )
    wrong = None
    if isinstance(layer, nn.LeakyReLU) and layer.negative_slope != 0.01:
        wrong = "negative_slope 0.01"
    elif isinstance(layer, nn.GELU) and layer.approximate != "none":
        wrong = "approximate 'none'"
    elif isinstance(layer, (nn.Softmax, nn.LogSoftmax)) and layer.dim not in (1, -1, None):
        wrong = "dim 1 or -1"
    if wrong:
        raise ValueError(f"sequential has {_called(name, layer)}, expected {wrong}")


def _hidden(function: tuple[str, nn.Module] | None) -> str:
    """Return the name of what follows a Linear layer that is not the last."""
    if function is None:
        return "identity"
    name, layer = function
    if type(layer) not in ACTIVATIONS:
        raise ValueError(f"sequential has {_called(name, layer)} before its end, where only an activation can stand")
    return ACTIVATIONS[type(layer)]


def _loss(function: tuple[str, nn.Module] | None, loss: str | None, outputs: int) -> str:
    """Return the loss that the end of the network and the argument say."""
    if loss is not None:
        checks.choice("loss", loss, network.OUTPUTS)
    if function is None:
        return loss or ("cross_entropy" if outputs > 1 else "squared_error")
    name, layer = function
    if type(layer) not in ENDS:
        ends = ", ".join(end.__name__ for end in ENDS)
        raise ValueError(f"sequential has {_called(name, layer)} at its end, expected Linear, {ends}")
    said = ENDS[type(layer)]
    if loss is not None and network.OUTPUTS[loss] != network.OUTPUTS[said]:
        raise ValueError(f"loss must be {said!r} for a network that ends in {_called(name, layer)}, got {loss!r}")
    return loss or said


def _dtype(layers: list[nn.Module]) -> np.dtype:
    kinds = {tensor.dtype for layer in layers for tensor in layer.parameters()}
    if len(kinds) > 1 or not kinds <= set(DTYPES):
        found = ", ".join(sorted(map(str, kinds)))
        raise ValueError(f"sequential must hold float32 or float64 parameters, got {found}; call its float() first")
    return DTYPES[kinds.pop()]


def _arrays(layer: nn.Linear, norm: nn.LayerNorm | None) -> tuple[np.ndarray, ...]:
    """Return W, turned to (inputs, outputs), and b, then g and c where the layer is normalized."""
    W = _array(layer.weight).T
    b = _array(layer.bias, np.zeros(W.shape[1]))
    return (W, b) if norm is None else (W, b, _array(norm.weight, np.ones_like(b)), _array(norm.bias, np.zeros_like(b)))


def _array(tensor: torch.Tensor | None, instead: np.ndarray | None = None) -> Any:
    return instead if tensor is None else tensor.detach().cpu().numpy()


def to_torch(model: Model) -> nn.Sequential:
    """Return a torch.nn.Sequential of Linear, LayerNorm, activation and Dropout layers that computes what a model does.

    The last layer's t comes out as it is, for CrossEntropyLoss, BCEWithLogitsLoss, MSELoss or
    PoissonNLLLoss(log_input=True); Softmax(dim=1), Sigmoid() or exp make of it what `predict_proba` or `predict` gives.

    Input shift and scale become part of the first Linear layer: W scaled by rows, and b less (shift * scale) W,
    computed in float64 and rounded once. The function is the same, its rounding is not.

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
        Where PyTorch's counterpart of an activation is not known here, or the shift is so large beside the scale that
        folding it would cost too many digits.
    """
    checked_model(model)
    functions = {name: kind for kind, name in ACTIVATIONS.items()}
    activations = hidden_activations(model)
    unknown = sorted(set(activations) - set(functions) - {"identity"})
    if unknown:
        raise ValueError(f"to_torch knows {quoted(['identity', *functions])}, the model has {quoted(unknown)}")
    layers: list[nn.Module] = []
    for number, (W, b, *norm) in enumerate(model.parameters):
        kind = torch.from_numpy(b).dtype
        if number == 0:
            W, b = _folded(model, W, b)
        layers.append(_filled(nn.utils.skip_init(nn.Linear, *W.shape, dtype=kind), np.ascontiguousarray(W.T), b))
        if norm:
            layers.append(_filled(nn.LayerNorm(len(b), EPSILON, dtype=kind), *norm))
        if number < len(activations) and activations[number] != "identity":
            layers.append(functions[activations[number]]())
        if model.network.dropouts[number]:
            layers.append(nn.Dropout(model.network.dropouts[number]))
    return nn.Sequential(*layers)


def _filled(layer: Any, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
    """Return a layer with copies of these parameters."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
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
    exact = W.astype(np.float64)
    return (exact * scale[:, None]).astype(W.dtype), (b - (shift * scale) @ exact).astype(b.dtype)
