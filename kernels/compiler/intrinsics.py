"""Functions of compiled code that are written in LLVM IR, decorated so that type checkers know that they can be called.

Numba calls what is decorated with the types of the arguments. It returns a signature, and what writes the IR.
"""

from numba import extending

from ..entries.typed import Function


def intrinsic(function: Function) -> Function:
    """Make a function of compiled code."""
    return extending.intrinsic(function)


def intrinsic_of_literals(function: Function) -> Function:
    """Make one that is given the values of arguments that are literals, too."""
    return extending.intrinsic(prefer_literal=True)(function)
