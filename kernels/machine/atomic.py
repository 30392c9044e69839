"""Atomic access to fields of a record that threads share, and waiting."""

import platform

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils

from ..compiler.intrinsics import intrinsic, intrinsic_of_literals
from .records import field_address

i32, i64 = ir.IntType(32), ir.IntType(64)


def _word(builder, record, value, name):
    return field_address(builder, record, value, name.literal_value, i64)


@intrinsic_of_literals
def atomic_read(typingctx, record, name):
    """Return the field of this name; all that was written before it was published is visible then."""

    def codegen(context, builder, sig, args):
        return builder.load_atomic(_word(builder, record, args[0], name), "acquire", 8)

    return types.int64(record, name), codegen


@intrinsic_of_literals
def atomic_publish(typingctx, record, name, value):
    """Field <- value, after all that was written before."""

    def codegen(context, builder, sig, args):
        builder.store_atomic(args[2], _word(builder, record, args[0], name), "release", 8)
        return context.get_dummy_value()

    return types.void(record, name, types.int64), codegen


@intrinsic_of_literals
def atomic_add(typingctx, record, name, value):
    """Field += value, atomically; returns the value before."""

    def codegen(context, builder, sig, args):
        return builder.atomic_rmw("add", _word(builder, record, args[0], name), args[2], "acq_rel")

    return types.int64(record, name, types.int64), codegen


@intrinsic_of_literals
def atomic_min(typingctx, record, name, value):
    """Field <- value if that is less, atomically; both count as unsigned, so -1 is the largest number."""

    def codegen(context, builder, sig, args):
        builder.atomic_rmw("umin", _word(builder, record, args[0], name), args[2], "acq_rel")
        return context.get_dummy_value()

    return types.void(record, name, types.int64), codegen


@intrinsic_of_literals
def atomic_swap_if(typingctx, record, name, old, new):
    """Field <- new if it equals old, atomically; returns whether it did."""

    def codegen(context, builder, sig, args):
        word = _word(builder, record, args[0], name)
        return builder.extract_value(builder.cmpxchg(word, args[2], args[3], "acq_rel", "acquire"), 1)

    return types.boolean(record, name, types.int64, types.int64), codegen


@intrinsic
def spin_pause(typingctx):
    """Tell the core that this loop waits for another thread."""

    def codegen(context, builder, sig, args):
        machine = platform.machine()
        if machine in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        elif machine in ("aarch64", "arm64"):
            kind = ir.FunctionType(ir.VoidType(), [i32])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.hint"), [i32(1)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def yield_core(typingctx):
    """Let the operating system run another thread here, if the system has POSIX's sched_yield (Windows does not)."""

    def codegen(context, builder, sig, args):
        if binding.address_of_symbol("sched_yield") is not None:  # else no code could be linked
            kind = ir.FunctionType(i32, [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen
