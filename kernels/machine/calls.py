"""Calls of compiled functions by their address, from compiled code and from Python.

Numba compiles a callee again inside each of its callers, and needs a tenth of a millisecond to pass a function as an
argument. A call by address needs neither: each kernel is compiled once.
"""

import ctypes

from numba import types
from numba.extending import intrinsic

OUTSIDE = "a compiled kernel left its array: an index was out of bounds"
_UNREAD = (ctypes.c_int64 * 2)()  # where results and errors are written; several threads may do so at once


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


def entry_point(address, *more):
    """Return a Python function of a `Record` that calls the compiled function at an address with it and more integers.

    It takes the record itself, which so is kept until the call has returned. It needs no Numba. In Numba's calling
    convention pointers to a result and to an error precede the arguments, and a status is returned.
    """
    pointers, words = [ctypes.c_void_p] * 2, [ctypes.c_int64] * (1 + len(more))
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *pointers, *words)(address)
    result, error = ctypes.addressof(_UNREAD), ctypes.addressof(_UNREAD) + 8

    def enter(record):
        if function(result, error, record.address, *more):
            raise IndexError(OUTSIDE)

    return enter
