"""The CPU's clock, read by compiled code: a counter that runs at one rate on all cores."""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import jit

i64 = ir.IntType(64)
INTEL, ARM = ("x86_64", "AMD64"), ("aarch64", "arm64")
KNOWN = platform.machine() in (*INTEL, *ARM)


@intrinsic
def ticks(typingctx):
    """The counter as it stands: some ten nanoseconds to read. How long a tick is, is for the caller to find out."""

    def codegen(context, builder, sig, args):
        if platform.machine() in ARM:  # what LLVM reads there, no program may
            return builder.asm(ir.FunctionType(i64, []), "mrs $0, cntvct_el0", "=r", (), side_effect=True)
        kind = ir.FunctionType(i64, [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter"), [])

    return types.int64(), codegen


@jit
def read_clock():
    """The same, for Python."""
    return ticks()
