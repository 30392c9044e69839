"""Loads of numbers of any type, converted to the dtype of a tile."""

from llvmlite import ir
from numba import types

from ..compiler.intrinsics import intrinsic
from .memory import element_address
from .tiles import _pack, _vector


def _converted(builder, value, signed, kind):
    """A vector of integers or floats as floats of the vector type `kind`."""
    if isinstance(value.type.element, ir.IntType):
        return (builder.sitofp if signed else builder.uitofp)(value, kind)
    if value.type == kind:
        return value
    narrow = isinstance(kind.element, ir.FloatType)
    return (builder.fptrunc if narrow else builder.fpext)(value, kind)


def _load_lanes(context, builder, lanes, vector, value, at):
    """`lanes` elements of a vector of any number type, as an LLVM vector."""
    kind = ir.VectorType(context.get_data_type(vector.dtype), lanes)
    last = builder.add(at, at.type(lanes - 1))
    address = builder.bitcast(element_address(context, builder, vector, value, at, last), kind.as_pointer())
    return builder.load(address, align=vector.dtype.bitwidth // 8)


def _signed(vector):
    return getattr(vector.dtype, "signed", False)


@intrinsic
def load_as(typingctx, like, vector, at):
    """1 x 1 tile of the dtype of `like` from vector[at:][:LANES], a vector of any number type."""

    def codegen(context, builder, sig, args):
        value = _load_lanes(context, builder, like.lanes, vector, *args[1:])
        return _pack(like, builder, [_converted(builder, value, _signed(vector), _vector(like))])

    return like(like, vector, types.intp), codegen


@intrinsic
def load_scaled(typingctx, like, vector, at, shift, scale, j):
    """`load_as` of (vector[at:] - shift[j:]) * scale[j:], computed in float64 and rounded once."""

    def codegen(context, builder, sig, args):
        wide = ir.VectorType(ir.DoubleType(), like.lanes)
        x = _load_lanes(context, builder, like.lanes, vector, *args[1:3])
        shift_ = _load_lanes(context, builder, like.lanes, shift, args[3], args[5])
        scale_ = _load_lanes(context, builder, like.lanes, scale, args[4], args[5])
        x, shift_, scale_ = (_converted(builder, value, _signed(vector), wide) for value in (x, shift_, scale_))
        scaled = builder.fmul(builder.fsub(x, shift_), scale_)
        return _pack(like, builder, [_converted(builder, scaled, False, _vector(like))])

    return like(like, vector, types.intp, shift, scale, types.intp), codegen
