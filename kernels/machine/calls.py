"""Calls of compiled functions by their address, from compiled code.

Numba compiles a callee again inside each of its callers, and needs a tenth of a millisecond to pass a function as an
argument. A call by address needs neither: each kernel is compiled once.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.registry import CPUDispatcher

from ..compiler.intrinsics import intrinsic


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


@intrinsic
def call_system(typingctx, address, *arguments):
    """Call a function of the operating system at this address with integers; return its result, another integer."""
    kinds = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments
    word = ir.IntType(64)

    def codegen(context, builder, sig, args):
        function = builder.inttoptr(args[0], ir.FunctionType(word, [word] * len(kinds)).as_pointer())
        return builder.call(function, [builder.extract_value(args[1], n) for n in range(len(kinds))])

    return types.int64(types.intp, types.StarArgTuple([types.int64] * len(kinds))), codegen


def address_of(dispatcher: CPUDispatcher, signature: Any) -> int:
    """Return where the code of a compiled function lies. Keep the dispatcher: it owns the code."""
    compiled = dispatcher.overloads[signature.args]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
