"""Functions of one number over the lanes of tiles: how a user's functions are applied to a tile."""

from llvmlite import ir
from numba.core import cgutils

from ..compiler.intrinsics import intrinsic
from ..compiler.jit import inline
from ..entries.typed import Function
from .memory import Vector
from .points import point as compiled
from .tiles import Tile, lanes, load, store


@intrinsic
def room_for(typingctx, tile):
    """Return a vector on the stack that has room for a tile with one vector a row."""
    if not isinstance(tile, Tile):
        return None
    kind = Vector(tile.dtype)

    def codegen(context, builder, sig, args):
        size = tile.rows * tile.vectors * tile.lanes
        memory = cgutils.alloca_once(builder, context.get_data_type(tile.dtype), ir.IntType(64)(size))
        vector = cgutils.create_struct_proxy(kind)(context, builder)
        vector.data, vector.size = memory, ir.IntType(64)(size)
        return vector._getvalue()

    return kind(tile), codegen


def over_lanes(function: Function, operands: int) -> Function:
    """Make function(tile, ...) from a function of one or two numbers: a loop that LLVM vectorizes."""
    point = compiled(function)

    def of_one(t):
        a = room_for(t)
        store(a, 0, lanes(a), 0, t)
        for k in range(a.size):
            a[k] = point(a[k])
        return load(a, 0, lanes(a), 0, t)

    def of_two(t, y):
        a, b = room_for(t), room_for(y)
        store(a, 0, lanes(a), 0, t)
        store(b, 0, lanes(b), 0, y)
        for k in range(a.size):
            a[k] = point(a[k], b[k])
        return load(a, 0, lanes(a), 0, t)

    return inline(of_one if operands == 1 else of_two)
