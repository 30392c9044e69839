"""fastbp trains fully connected networks on a CPU, in kernels that read like the equations of backpropagation."""

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING

# In a checkout the kernels stand beside this package; a wheel has them within it.
if importlib.util.find_spec(f"{__name__}.kernels") is None:
    __path__.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy  # noqa: E402

from .kernels.entries import versions  # noqa: E402

versions.require("numpy", numpy.__version__)

from .data.members import Members  # noqa: E402
from .data.samples import DivergenceError  # noqa: E402
from .model.model import Model  # noqa: E402
from .training.history import History  # noqa: E402

if TYPE_CHECKING:
    from . import activations, callbacks, data, embeddings, losses, optimizers, plot, schedules
    from . import sklearn as sklearn
    from .execution.warmup import warmup
    from .files.models import load
    from .inspection.diagnosis import diagnose
    from .inspection.profiler.result import Profile
    from .inspection.profiler.steps import profile
    from .inspection.profiler.vectorized import assert_vectorized
    from .inspection.range_test import find_learning_rate
    from .model.first_weights import initialize_from_data

__version__ = "0.1.0"
__all__ = [
    "DivergenceError",
    "History",
    "Members",
    "Model",
    "Profile",
    "__version__",
    "activations",
    "assert_vectorized",
    "callbacks",
    "data",
    "diagnose",
    "embeddings",
    "find_learning_rate",
    "initialize_from_data",
    "load",
    "losses",
    "optimizers",
    "plot",
    "profile",
    "schedules",
    "warmup",
]  # without sklearn: a star import would need scikit-learn, and hide the module of that name

_LATE = {
    "Profile": ".inspection.profiler.result",
    "assert_vectorized": ".inspection.profiler.vectorized",
    "diagnose": ".inspection.diagnosis",
    "find_learning_rate": ".inspection.range_test",
    "initialize_from_data": ".model.first_weights",
    "load": ".files.models",
    "profile": ".inspection.profiler.steps",
    "warmup": ".execution.warmup",
}  # whence, on first use: not for a program that only trains
_MODULES = ("activations", "callbacks", "data", "embeddings", "losses", "optimizers", "plot", "schedules", "sklearn")


if not TYPE_CHECKING:  # type checkers would take any name for one that there is

    def __getattr__(name: str) -> object:
        """Import on first use."""
        if name in _LATE:
            return getattr(importlib.import_module(_LATE[name], __name__), name)
        if name in _MODULES:
            return importlib.import_module(f".{name}", __name__)
        import difflib  # which few programs need

        near = difflib.get_close_matches(name, __dir__(), 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'fastbp' has no attribute {name!r}{meant}")


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted([*__all__, "sklearn"])
