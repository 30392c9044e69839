"""The activations that there are, one file each: the list that everything else reads."""

from __future__ import annotations

from ..entries.activation import Activation
from .blended_mish import BLENDED_MISH
from .blended_selu import BLENDED_SELU
from .elu import ELU
from .gelu import GELU
from .identity import IDENTITY
from .leaky_relu import LEAKY_RELU
from .logistic import LOGISTIC
from .mish import MISH
from .prelu import PRELU
from .relu import RELU, RELU_FROM_BELOW
from .selu import SELU
from .silu import SILU
from .softplus import SOFTPLUS
from .tanh import TANH

ALL = (
    RELU, IDENTITY, LOGISTIC, TANH, LEAKY_RELU, GELU, SILU, ELU, SELU, MISH, SOFTPLUS, PRELU, BLENDED_SELU,
    BLENDED_MISH,
)  # fmt: skip
INTERNAL = (RELU_FROM_BELOW,)  # of the estimators alone
ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in ALL}
