"""Types by which functions of kernels are annotated, for readers and type checkers.

Numba gives the arguments of each call their types, and reads no annotation. What only compiled code has is `Any` to
Python, under a name of its own.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray
DType: TypeAlias = np.dtype | type | str
Function: TypeAlias = Callable[..., Any]  # of Python, or what Numba makes of it
Fields: TypeAlias = Any  # a record of compiled code, such as `STATE`: its fields are attributes (machine/records.py)
Tile: TypeAlias = Any  # numbers of one dtype in registers, on which formulas compute as on one (machine/tiles.py)
