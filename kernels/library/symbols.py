"""What the functions of a library are called."""

import numpy as np

PREFIX = "fastbp_"
ABOUT = f"{PREFIX}about"  # data: JSON that says what the library was made of


def symbol(name, dtype, of=None):
    """Return the name of a kernel or entry point of networks of this dtype, and what it is made for, if anything."""
    return PREFIX + "_".join([name, *([of] if of else []), np.dtype(dtype).name])
