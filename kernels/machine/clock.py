"""The CPU's clock, read by compiled code: a counter that runs at the same rate on all cores."""

import platform

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils

from ..compiler.intrinsics import intrinsic
from ..compiler.jit import jit

i64 = ir.IntType(64)
INTEL, ARM = ("x86_64", "AMD64"), ("aarch64", "arm64")
KNOWN = platform.machine() in (*INTEL, *ARM)
binding.initialize_native_asmparser()  # without which LLVM ends the process at inline assembly, as on ARM


@intrinsic
def ticks(typingctx):
    """Return the counter, which takes some ten nanoseconds. How long a tick is must be measured by the caller."""

    def codegen(context, builder, sig, args):
        if platform.machine() in ARM:  # user programs may not read the counter that LLVM reads there
            return builder.asm(ir.FunctionType(i64, []), "mrs $0, cntvct_el0", "=r", (), side_effect=True)
        kind = ir.FunctionType(i64, [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter"), [])

    return types.int64(), codegen


@jit
def read_clock():
    """Return the counter, for calls from Python."""
    return ticks()
