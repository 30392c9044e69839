"""fastbp trains fully connected networks on a CPU, in kernels that read like the equations of backpropagation."""

import importlib
import os
from typing import TYPE_CHECKING

# In a checkout whose link fastbp/kernels came out as a text file, the kernels lie one folder up.
_here = os.path.dirname(os.path.abspath(__file__))
if not os.path.isdir(os.path.join(_here, "kernels")):
    __path__.append(os.path.dirname(_here))

from .history import History  # noqa: E402
from .model import Model  # noqa: E402

if TYPE_CHECKING:
    from . import callbacks, plot, schedules, sklearn
    from .ahead import warmup
    from .files.models import load
    from .profiler.result import Profile
    from .profiler.steps import profile
    from .profiler.vectorized import assert_vectorized
    from .range_test import find_learning_rate

__version__ = "0.1.0"
__all__ = [
    "History",
    "Model",
    "Profile",
    "__version__",
    "assert_vectorized",
    "callbacks",
    "find_learning_rate",
    "load",
    "plot",
    "profile",
    "schedules",
    "sklearn",
    "warmup",
]

_LATE = {
    "Profile": ".profiler.result",
    "assert_vectorized": ".profiler.vectorized",
    "find_learning_rate": ".range_test",
    "load": ".files.models",
    "profile": ".profiler.steps",
    "warmup": ".ahead",
}  # whence, on first use: not for a program that only trains
_MODULES = ("callbacks", "plot", "schedules", "sklearn")


def __getattr__(name: str) -> object:
    """Import on first use."""
    if name in _LATE:
        return getattr(importlib.import_module(_LATE[name], __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'fastbp' has no attribute {name!r}")
