"""What the functions of a library are called."""

import numpy as np

from ..entries.typed import DType

PREFIX = "fastbp_"


def symbol(name: str, dtype: DType, of: str | None = None) -> str:
    """Return the name of a kernel or entry point of networks of this dtype, and what it is made for, if anything."""
    return PREFIX + "_".join([name, *([of] if of else []), np.dtype(dtype).name])
