"""Calls of compiled functions by their address, from compiled code and from Python.

Numba compiles a callee again inside each of its callers, and needs a tenth of a millisecond to pass a function as an
argument. A call by address needs neither: each kernel is compiled once.
"""

import ctypes

from numba import types
from numba.extending import intrinsic

OUTSIDE = "a compiled kernel left its array: an index was out of bounds"


@intrinsic
def call(typingctx, address, *arguments):
    """Call the function at this address, compiled for exactly these types and returning nothing."""
    kinds = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments
    kinds = tuple(kinds)

    def codegen(context, builder, sig, args):
        convention = context.call_conv
        function_type = convention.get_function_type(types.void, kinds)
        function = builder.inttoptr(args[0], function_type.as_pointer())
        values = [builder.extract_value(args[1], n) for n in range(len(kinds))]
        status, _ = convention.call_function(builder, function, types.void, kinds, values)
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.intp, types.StarArgTuple(kinds)), codegen


def address_of(dispatcher, signature):
    """Return where the code of a compiled function lies. Keep the dispatcher: it owns the code."""
    compiled = dispatcher.overloads[signature.args]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def entry_point(address, arguments=1):
    """Return a Python function that calls the compiled function at an address with integers, e.g. records' addresses.

    It needs no Numba. In Numba's calling convention two pointers precede the arguments, and a status is returned.
    """
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * arguments)(
        address
    )

    def enter(*integers):
        result, error = ctypes.c_int64(), ctypes.c_int64()
        if function(ctypes.byref(result), ctypes.byref(error), *integers):
            raise IndexError(OUTSIDE)

    return enter
