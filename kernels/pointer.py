"""Calls of compiled functions by their address.

Numba compiles a callee anew inside each of its callers, and takes a tenth of a millisecond to pass a function as an
argument. A call by address does neither: each kernel is compiled once.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model


class Pointer(types.Type):
    """Where a value of a Numba type lies: what calls hand over instead of a hundred words."""

    def __init__(self, target):
        self.target = target
        super().__init__(name=f"Pointer({target})")


@register_model(Pointer)
class PointerModel(models.PrimitiveModel):
    """A pointer to the value as it lies in memory while compiled code computes with it."""

    def __init__(self, manager, pointer):
        super().__init__(manager, pointer, manager[pointer.target].get_value_type().as_pointer())


@intrinsic
def pointer_to(typingctx, value):
    """Copy the value to the stack and point there: valid until the function that calls this returns, inlined or not.

    Its arrays must be borrowed ones (convert.py): `value_at` counts no references.
    """

    def codegen(context, builder, sig, args):
        return cgutils.alloca_once_value(builder, args[0])

    return Pointer(value)(value), codegen


def _load_parts(builder, pointer):
    """Each part by itself, so that what is not used is not loaded."""
    kind = pointer.type.pointee
    if not isinstance(kind, (ir.LiteralStructType, ir.ArrayType)):
        return builder.load(pointer)
    value = ir.Constant(kind, ir.Undefined)
    for n in range(len(kind)):
        part = _load_parts(builder, builder.gep(pointer, [ir.IntType(32)(0), ir.IntType(32)(n)]))
        value = builder.insert_value(value, part, n)
    return value


@intrinsic
def value_at(typingctx, pointer):
    """The value that is pointed to."""
    return pointer.target(pointer), lambda context, builder, sig, args: _load_parts(builder, args[0])


def address_of(dispatcher, signature):
    """Return where the code of a compiled function lies. Keep the dispatcher: it owns the code."""
    compiled = dispatcher.overloads[signature.args]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


@intrinsic
def call(typingctx, address, a, b, c, d):
    """Call the function at this address, compiled for exactly these types and returning nothing."""
    kinds = (a, b, c, d)

    def codegen(context, builder, sig, args):
        convention = context.call_conv
        function_type = convention.get_function_type(types.void, kinds)
        function = builder.inttoptr(args[0], function_type.as_pointer())
        status, _ = convention.call_function(builder, function, types.void, kinds, args[1:])
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.intp, *kinds), codegen
