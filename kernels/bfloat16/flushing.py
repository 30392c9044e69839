"""Denormals taken as zero by all arithmetic of a thread, as bfloat16's instruction does, and the mode put back after.

x86 keeps the mode in the register MXCSR: bit 15 flushes results to zero (FTZ), bit 6 takes operands as zero (DAZ). On
other CPUs nothing is changed. The mode is set around a call by address, past which LLVM moves no arithmetic.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..compiler.intrinsics import intrinsic

FLUSHES = platform.machine() in ("x86_64", "AMD64")
MODE = 1 << 15 | 1 << 6


def _mode(builder, name, room):
    byte = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte]), name)
    builder.call(function, [builder.bitcast(room, byte)])


@intrinsic
def flush_denormals(typingctx):
    """Take denormals as zero from now on; return the mode as it was."""

    def codegen(context, builder, sig, args):
        if not FLUSHES:
            return ir.Constant(ir.IntType(32), 0)
        room = cgutils.alloca_once(builder, ir.IntType(32))
        _mode(builder, "llvm.x86.sse.stmxcsr", room)
        before = builder.load(room)
        builder.store(builder.or_(before, ir.Constant(ir.IntType(32), MODE)), room)
        _mode(builder, "llvm.x86.sse.ldmxcsr", room)
        return before

    return types.int32(), codegen


@intrinsic
def put_back(typingctx, before):
    """Put the mode back that `flush_denormals` returned."""

    def codegen(context, builder, sig, args):
        if FLUSHES:
            room = cgutils.alloca_once_value(builder, args[0])
            _mode(builder, "llvm.x86.sse.ldmxcsr", room)
        return context.get_dummy_value()

    return types.void(types.int32), codegen
