"""Arithmetic on tiles, lane by lane: Python's operators and comparisons, and the functions that formulas use."""

import inspect
import operator

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable

from ..compiler.intrinsics import intrinsic
from ..entries import functions as formula
from .tiles import (
    Tile,
    _call,
    _fma,
    _int,
    _pack,
    _shuffle,
    _splat,
    _unpack,
    _vector,
)


@intrinsic
def lane_numbers(typingctx, like):
    """Integer tile of the shape of `like`: 0, 1, 2, ... in each vector."""
    tile = like.of(_int(like))

    def codegen(context, builder, sig, args):
        return _pack(tile, builder, [ir.Constant(_vector(tile), list(range(tile.lanes)))] * (tile.rows * tile.vectors))

    return tile(like), codegen


def _float(tile):
    return tile.of(types.float32 if tile.dtype.bitwidth == 32 else types.float64)


def _lanewise(tile, result, operands, emit):
    """Signature and code of an operation lane by lane; scalar operands become tiles."""
    kinds = [kind if isinstance(kind, Tile) else tile.dtype for kind in operands]

    def codegen(context, builder, sig, args):
        many, columns = tile.rows * tile.vectors, []
        for kind, arg in zip(sig.args, args, strict=True):
            alike = isinstance(kind, Tile)
            columns.append(_unpack(builder, arg) if alike else [_splat(builder, arg, tile.lanes)] * many)
        return _pack(result, builder, [emit(builder, *row) for row in zip(*columns, strict=True)])

    return result(*kinds), codegen


def _cast(context, builder, sig, signature, args):
    return [context.cast(builder, *each) for each in zip(args, sig.args, signature.args, strict=True)]


def _operator(python_operator, result, emit):
    """Give tile <op> tile, tile <op> number and number <op> tile their type, result(tile), and their code."""

    @type_callable(python_operator)
    def type_it(typingctx):
        def typer(a, b):
            if isinstance(a, Tile) or isinstance(b, Tile):
                return result(a if isinstance(a, Tile) else b)

        return typer

    def codegen(context, builder, sig, args):
        tile = next(kind for kind in sig.args if isinstance(kind, Tile))
        signature, code = _lanewise(tile, sig.return_type, sig.args, lambda builder, *xy: emit(tile, builder, *xy))
        return code(context, builder, signature, _cast(context, builder, sig, signature, args))

    for kinds in ((Tile, Tile), (Tile, types.Number), (types.Number, Tile)):
        lower_builtin(python_operator, *kinds)(codegen)


def _arithmetic(python_operator, on_floats, on_integers):
    def emit(tile, builder, x, y):
        return getattr(builder, on_floats if isinstance(tile.dtype, types.Float) else on_integers)(x, y)

    _operator(python_operator, lambda tile: tile, emit)


def _comparison(python_operator, symbol):
    """A tile of truth values, all false where either operand is NaN."""

    def emit(tile, builder, x, y):
        return (builder.fcmp_ordered if isinstance(tile.dtype, types.Float) else builder.icmp_signed)(symbol, x, y)

    _operator(python_operator, lambda tile: tile.of(types.boolean), emit)


_arithmetic(operator.add, "fadd", "add")
_arithmetic(operator.sub, "fsub", "sub")
_arithmetic(operator.mul, "fmul", "mul")
_arithmetic(operator.truediv, "fdiv", None)
_arithmetic(operator.lshift, None, "shl")
_arithmetic(operator.rshift, None, "ashr")
_arithmetic(operator.and_, None, "and_")
_arithmetic(operator.xor, None, "xor")
_comparison(operator.lt, "<")
_comparison(operator.le, "<=")
_comparison(operator.gt, ">")
_comparison(operator.ge, ">=")
_comparison(operator.eq, "==")


def _function(function, result, emit):
    """Compile a function of `formula` over tiles: result(kinds) is the tile that it returns."""

    @type_callable(function)
    def type_it(typingctx):
        def typer(*kinds):
            if any(isinstance(kind, Tile) for kind in kinds):
                return result(*kinds)

        typer.__signature__ = inspect.signature(function)
        return typer

    def codegen(context, builder, sig, args):
        tile = sig.return_type
        kinds = [kind if isinstance(kind, Tile) else tile.dtype for kind in sig.args]
        signature, code = _lanewise(tile, tile, kinds, emit)
        return code(context, builder, signature, _cast(context, builder, sig, signature, args))

    lower_builtin(function, *[types.Any] * len(inspect.signature(function).parameters))(codegen)


def _first_tile(*kinds):
    return next(kind for kind in kinds if isinstance(kind, Tile))


_function(formula.fma, _first_tile, _fma)
_function(formula.sqrt, _first_tile, lambda builder, x: _call(builder, "sqrt", x))
_function(formula.where, lambda condition, x, y: _first_tile(x, y), lambda builder, c, x, y: builder.select(c, x, y))


@type_callable(operator.neg)
def _type_neg(typingctx):
    def typer(tile):
        if isinstance(tile, Tile):
            return tile

    return typer


@lower_builtin(operator.neg, Tile)
def _neg(context, builder, sig, args):
    return _pack(sig.return_type, builder, [builder.fneg(x) for x in _unpack(builder, args[0])])


@intrinsic
def bits(typingctx, tile):
    """A float tile's bits as integers."""
    kind = tile.of(_int(tile))
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.bitcast(x, _vector(kind)))


@intrinsic
def from_bits(typingctx, tile):
    """The float tile with these bits."""
    kind = _float(tile)
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.bitcast(x, _vector(kind)))


@intrinsic
def to_float(typingctx, tile):
    """Integers to floats of the same width."""
    kind = _float(tile)
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.sitofp(x, _vector(kind)))


@intrinsic
def one_lane(typingctx, number):
    """A number as a tile of one lane, which compiles to the number itself."""
    tile = Tile(number, 1, 1, 1)
    return tile(number), lambda context, builder, sig, args: _pack(tile, builder, [args[0]])


@intrinsic
def only_lane(typingctx, tile):
    """The number in a tile of one lane."""
    return tile.dtype(tile), lambda context, builder, sig, args: builder.extract_value(args[0], 0)


@intrinsic
def lane_sums(typingctx, tile):
    """Sum of each vector's lanes, in all of its lanes: halves are added, then halves of halves."""

    def codegen(context, builder, sig, args):
        sums, step = _unpack(builder, args[0]), tile.lanes // 2
        while step:
            other = [lane ^ step for lane in range(tile.lanes)]
            sums = [builder.fadd(x, _shuffle(builder, x, x, other)) for x in sums]
            step //= 2
        return _pack(tile, builder, sums)

    return tile(tile), codegen


@intrinsic
def has_nan(typingctx, tile):
    """Whether any lane is NaN."""

    def codegen(context, builder, sig, args):
        found = ir.Constant(ir.IntType(1), 0)
        for x in _unpack(builder, args[0]):
            flags = builder.bitcast(builder.fcmp_unordered("uno", x, x), ir.IntType(tile.lanes))
            found = builder.or_(found, builder.icmp_unsigned("!=", flags, flags.type(0)))
        return found

    return types.boolean(tile), codegen
