"""Vectors: numbers side by side in memory, as compiled code sees them.

A vector owns nothing and counts no references: the caller keeps the array alive. Under NUMBA_BOUNDSCHECK=1 an index
outside a vector raises IndexError.
"""

import operator
from typing import Any

from numba import config, types
from numba.core import cgutils
from numba.extending import lower_builtin, make_attribute_wrapper, models, register_model, type_callable

from ..compiler.intrinsics import intrinsic


class Vector(types.Type):
    """Numbers of one dtype side by side: the address of the first, and how many there are."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class VectorModel(models.StructModel):
    """A pointer and a size."""

    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, [("data", types.CPointer(vector.dtype)), ("size", types.intp)])


make_attribute_wrapper(Vector, "size", "size")


def checked(context: Any, builder: Any, index: Any, last: Any, size: Any) -> None:
    """Raise IndexError unless 0 <= index and last < size, if NUMBA_BOUNDSCHECK is set."""
    if not config.BOUNDSCHECK:
        return
    outside = builder.or_(builder.icmp_signed("<", index, size.type(0)), builder.icmp_signed(">=", last, size))
    with builder.if_then(outside, likely=False):
        context.call_conv.return_user_exc(builder, IndexError, ("index outside its vector",))


def element_address(context: Any, builder: Any, kind: Vector, vector: Any, first: Any, last: Any) -> Any:
    """Return the address of vector[first], checked up to and with vector[last]."""
    vector = cgutils.create_struct_proxy(kind)(context, builder, vector)
    checked(context, builder, first, last, vector.size)
    return builder.gep(vector.data, [first])


@type_callable(operator.getitem)
def _type_getitem(typingctx):
    def typer(vector, index):
        if isinstance(vector, Vector) and isinstance(index, types.Integer):
            return vector.dtype

    return typer


@type_callable(operator.setitem)
def _type_setitem(typingctx):
    def typer(vector, index, value):
        if isinstance(vector, Vector) and isinstance(index, types.Integer):
            return types.void

    return typer


@lower_builtin(operator.getitem, Vector, types.Integer)
def _get_item(context, builder, sig, args):
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    address = element_address(context, builder, sig.args[0], args[0], index, index)
    return context.data_model_manager[sig.return_type].from_data(builder, builder.load(address))


@lower_builtin(operator.setitem, Vector, types.Integer, types.Any)
def _set_item(context, builder, sig, args):
    dtype = sig.args[0].dtype
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    value = context.cast(builder, args[2], sig.args[2], dtype)
    address = element_address(context, builder, sig.args[0], args[0], index, index)
    builder.store(context.data_model_manager[dtype].as_data(builder, value), address)


@intrinsic
def as_vector(typingctx, array):
    """Return a contiguous NumPy array of one dimension as a vector: valid as long as the caller keeps the array."""
    if not isinstance(array, types.Array) or array.ndim != 1 or array.layout != "C":
        return None
    kind = Vector(array.dtype)

    def codegen(context, builder, sig, args):
        source = context.make_array(array)(context, builder, args[0])
        result = cgutils.create_struct_proxy(kind)(context, builder)
        result.data, result.size = source.data, source.nitems
        return result._getvalue()

    return kind(array), codegen


@intrinsic
def cast_like(typingctx, vector, value):
    """Return a number cast to the vector's dtype; by itself Numba takes a literal for an int64 or a float64."""
    return vector.dtype(vector, vector.dtype), lambda context, builder, sig, args: args[1]


@intrinsic
def part(typingctx, vector, first, size):
    """Return the `size` numbers from vector[first] on, as a vector."""

    def codegen(context, builder, sig, args):
        source = cgutils.create_struct_proxy(vector)(context, builder, args[0])
        result = cgutils.create_struct_proxy(vector)(context, builder)
        result.data, result.size = builder.gep(source.data, [args[1]]), args[2]
        return result._getvalue()

    return vector(vector, types.intp, types.intp), codegen


@intrinsic
def vector_at(typingctx, address, size, like):
    """Return `size` numbers from an address on, of the scalar type `like`, as a vector."""

    def codegen(context, builder, sig, args):
        result = cgutils.create_struct_proxy(sig.return_type)(context, builder)
        result.data, result.size = builder.inttoptr(args[0], result.data.type), args[1]
        return result._getvalue()

    dtype = like.instance_type if isinstance(like, types.NumberClass) else like
    return Vector(dtype)(types.intp, types.intp, like), codegen
