"""What the CPU says of itself: the instructions CPUID and XGETBV of x86-64."""

import platform

from llvmlite import binding, ir
from numba import types

from ..compiler.intrinsics import intrinsic
from ..entries.typed import Fields

i32, i64 = ir.IntType(32), ir.IntType(64)
EXTENDED = 0x80000000
binding.initialize_native_asmparser()  # without which LLVM ends the process at inline assembly


def _registers(builder, kind, code, constraints, arguments):
    """Run an instruction; return the registers it fills as integers of 64 bits."""
    function = ir.FunctionType(ir.LiteralStructType([i32] * kind), [i32] * len(arguments))
    found = builder.asm(function, code, constraints, arguments, side_effect=True)
    return [builder.zext(builder.extract_value(found, n), i64) for n in range(kind)]


@intrinsic
def cpuid(typingctx, leaf):
    """Return what CPUID leaves in eax, ebx, ecx and edx for a leaf; the subleaf is in the upper 32 bits."""
    kind = types.UniTuple(types.int64, 4)

    def codegen(context, builder, sig, args):
        if platform.machine() not in ("x86_64", "AMD64"):
            return context.make_tuple(builder, kind, [i64(0)] * 4)
        part = builder.trunc(builder.lshr(args[0], i64(32)), i32)
        constraints = "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}"
        found = _registers(builder, 4, "cpuid", constraints, [builder.trunc(args[0], i32), part])
        return context.make_tuple(builder, kind, found)

    return kind(types.int64), codegen


@intrinsic
def xcr0(typingctx):
    """Return which registers the operating system keeps, by the low half of XCR0. The CPU must have XGETBV."""

    def codegen(context, builder, sig, args):
        if platform.machine() not in ("x86_64", "AMD64"):
            return context.get_constant(types.int64, 0)
        return _registers(builder, 2, "xgetbv", "={ax},={dx},{cx},~{flags}", [i32(0)])[0]

    return types.int64(), codegen


def identify(r: Fields) -> None:
    """a, b, c, d <- what CPUID says of a leaf, 0 where there is no such leaf; a <- XCR0 for leaf -1: an entry point."""
    leaf = r.leaf
    if leaf < 0:
        r.a = xcr0()
        return
    number = leaf & 0xFFFFFFFF
    last = cpuid(EXTENDED if number >= EXTENDED else 0)
    r.a, r.b, r.c, r.d = cpuid(leaf) if number <= last[0] else (0, 0, 0, 0)
