"""Point functions as users write them, of one number, compiled into the kernels that call them.

Python's numbers are float64, so that `0.1 * t` of a float32 t would be computed, and rounded, in float64 at half the
speed. Here the numbers that a function names take the type of its arguments. exp, log, tanh and the like of Python's
`math` and of NumPy become those of `functions`, of which LLVM makes vectors, and plain functions that it calls are
compiled with it.
"""

import functools
import math
import operator
import re
import types as python
from typing import Any

import numpy as np
from numba import types
from numba.core import ir
from numba.core.compiler import DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.errors import NumbaError
from numba.core.untyped_passes import IRProcessing

from ..compiler.jit import inline, inliner
from ..compiler.undisturbed import undisturbed
from ..entries import functions as formula
from ..entries.typed import Function

# what Numba raises for a function; nothing else, as exceptions of users may come at any time
FAULTS = (
    NumbaError, ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip
SMALL = 2**15  # whole numbers below it are int16, which a float32 takes in as it is
OURS = {
    theirs: getattr(formula, name)
    for name in ("exp", "expm1", "log", "log1p", "tanh")
    for theirs in (getattr(math, name), getattr(np, name))
}


@register_pass(mutates_CFG=False, analysis_only=False)
class NarrowNumbers(FunctionPass):
    """Replaces what a point function names: numbers, functions, and modules that hold either."""

    _name = "fastbp_narrow_numbers"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Return whether anything was replaced."""
        narrow, exponents, modules = types.float32 in state.args, _exponents(state.func_ir), {}
        for block in state.func_ir.blocks.values():
            for assignment in block.find_insts(ir.Assign):
                found, value = _named(assignment.value, modules)
                if not found:
                    continue
                if isinstance(value, python.ModuleType):
                    modules[assignment.target.name] = value
                    continue
                is_power = isinstance(value, int) and assignment.target.name in exponents
                new = _replaced(state, value, narrow and not is_power)
                if new is not value:
                    assignment.value = ir.Global("value", new, assignment.loc)
        return True


def _exponents(function):
    """Return the names of variables that a power is taken of: whole ones stay Python's, so that it becomes products."""
    found = set()
    for block in function.blocks.values():
        for assignment in block.find_insts(ir.Assign):
            value = assignment.value
            is_operation = isinstance(value, ir.Expr) and value.op in ("binop", "inplace_binop")
            if is_operation and value.fn in (operator.pow, operator.ipow):
                found.add(value.rhs.name)
    return found


def _named(value, modules):
    """Return whether an assigned value is a constant, a global or an attribute of a module, and which."""
    if isinstance(value, (ir.Const, ir.Global, ir.FreeVar)):
        return True, value.value
    if isinstance(value, ir.Expr) and value.op == "getattr" and value.value.name in modules:
        module = modules[value.value.name]
        return hasattr(module, value.attr), getattr(module, value.attr, None)
    return False, None


def _replaced(state, value, narrow):
    """Return what stands for a named value in compiled code."""
    if narrow and type(value) is float:
        return np.float32(value)
    if narrow and type(value) is int and abs(value) < SMALL:
        return np.int16(value)
    if isinstance(value, python.FunctionType) and not _is_known(state.typingctx, value):
        return point(value)
    try:
        return OURS.get(value, value)
    except TypeError:  # no key
        return value


def _is_known(typingctx, function):
    try:
        return typingctx.resolve_value_type(function) is not None
    except (ValueError, NumbaError):
        return False


class _PointCompiler(inliner()):
    """Numba's compiler for point functions."""

    def define_pipelines(self):
        """Return the usual passes and the one of this module."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(NarrowNumbers, IRProcessing)
        passes.finalize()
        return [passes]


@functools.cache
def point(function: Function) -> Function:
    """Compile a user's function of one number, or of several, into each of its callers."""
    return inline(getattr(function, "py_func", function), _PointCompiler)


def refusal(error: Exception, *entries: Any) -> Exception:
    """Return a TypeError that says in a sentence which of users' functions Numba can't compile, or the error itself."""
    found = undisturbed(_refused, entries)
    if found is not None or not isinstance(error, NumbaError):
        return found or error
    names = " or ".join(entry.name for entry in entries)
    return TypeError(f"{names}: Numba can't compile its functions: {_reason(error)}")


def _refused(entries):
    """Return the error for the first function that can't be compiled, if there is one."""
    for name, functions, operands in (entry.functions for entry in entries):
        for function in functions:
            try:
                point(function).compile((types.float64,) * operands)
            except FAULTS as its_own:
                return TypeError(f"{name}: Numba can't compile {function.__name__!r}: {_reason(its_own)}")
    return None


def _reason(error):
    """Return the first line of an error of Numba's that says what is wrong."""
    lines = re.sub("\x1b\\[[0-9;]*m", "", str(error)).splitlines()
    return next((line.strip() for line in lines if line.strip() and not line.startswith("Failed in")), str(error))
