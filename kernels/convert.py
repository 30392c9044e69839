"""Arrays and numbers from outside: of any type, at any address, borrowed."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from .simd import _address, _pack, _vector


def _converted(builder, value, signed, kind):
    """A vector of integers or floats as floats of the vector type `kind`."""
    if isinstance(value.type.element, ir.IntType):
        return (builder.sitofp if signed else builder.uitofp)(value, kind)
    if value.type == kind:
        return value
    narrow = isinstance(kind.element, ir.FloatType)
    return (builder.fptrunc if narrow else builder.fpext)(value, kind)


def _load_lanes(context, builder, lanes, array_type, array, at):
    """`lanes` elements of an array of any number type, as a vector."""
    kind = ir.VectorType(context.get_data_type(array_type.dtype), lanes)
    last = builder.add(at, at.type(lanes - 1))
    address = _address(context, builder, array_type, array, at, last, kind)
    return builder.load(address, align=array_type.dtype.bitwidth // 8)


def _signed(array_type):
    return getattr(array_type.dtype, "signed", False)


@intrinsic
def load_as(typingctx, like, array, at):
    """1 x 1 tile of the dtype of `like` from array[at:][:LANES], an array of any number type."""

    def codegen(context, builder, sig, args):
        value = _load_lanes(context, builder, like.lanes, sig.args[1], *args[1:])
        return _pack(like, builder, [_converted(builder, value, _signed(array), _vector(like))])

    return like(like, array, types.intp), codegen


@intrinsic
def load_scaled(typingctx, like, array, at, shift, scale, j):
    """`load_as` of (array[at:] - shift[j:]) * scale[j:], computed in float64 and rounded once."""

    def codegen(context, builder, sig, args):
        wide = ir.VectorType(ir.DoubleType(), like.lanes)
        x = _load_lanes(context, builder, like.lanes, sig.args[1], *args[1:3])
        shift_ = _load_lanes(context, builder, like.lanes, sig.args[3], args[3], args[5])
        scale_ = _load_lanes(context, builder, like.lanes, sig.args[4], args[4], args[5])
        x, shift_, scale_ = (_converted(builder, value, _signed(array), wide) for value in (x, shift_, scale_))
        scaled = builder.fmul(builder.fsub(x, shift_), scale_)
        return _pack(like, builder, [_converted(builder, scaled, False, _vector(like))])

    return like(like, array, types.intp, shift, scale, types.intp), codegen


@intrinsic
def borrowed(typingctx, array):
    """The array without its owner: views of it count no references, which threads would count on one cache line.

    Valid as long as the caller keeps the array.
    """

    def codegen(context, builder, sig, args):
        source = context.make_array(array)(context, builder, args[0])
        result = context.make_array(array)(context, builder)
        populate_array(result, source.data, source.shape, source.strides, source.itemsize, meminfo=None)
        return result._getvalue()

    return array(array), codegen


@intrinsic
def at_address(typingctx, address, like):
    """Pointer to memory at an address, typed by the scalar type `like`, for numba.carray."""

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return types.CPointer(like.instance_type)(address, like), codegen
