"""Calls of compiled functions by their address.

Numba compiles a callee anew inside each of its callers, and takes a tenth of a millisecond to pass a function as an
argument. A call by address does neither: each kernel is compiled once.
"""

from numba import types
from numba.extending import intrinsic


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
