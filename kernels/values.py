"""Arithmetic on tiles, lane by lane."""

import operator

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, type_callable

from .simd import Tile, _call, _fma, _int, _pack, _shuffle, _splat, _unpack, _vector


@intrinsic
def lane_numbers(typingctx, like):
    """Integer tile of the shape of `like`: 0, 1, 2, ... in each vector."""
    tile = like.of(_int(like))

    def codegen(context, builder, sig, args):
        return _pack(tile, builder, [ir.Constant(_vector(tile), list(range(tile.lanes)))] * (tile.rows * tile.vectors))

    return tile(like), codegen


def _lanewise(tile, result, operands, emit):
    """Signature and code of an operation lane by lane; scalar operands become tiles."""
    kinds = [kind if isinstance(kind, Tile) else tile.dtype for kind in operands]

    def codegen(context, builder, sig, args):
        columns = []
        for kind, arg in zip(sig.args, args, strict=True):
            many = tile.rows * tile.vectors
            columns.append(
                _unpack(builder, arg) if isinstance(kind, Tile) else [_splat(builder, arg, tile.lanes)] * many
            )
        return _pack(result, builder, [emit(builder, *row) for row in zip(*columns, strict=True)])

    return result(*kinds), codegen


def _arithmetic(python_operator, on_floats, on_integers):
    """tile <op> tile, tile <op> scalar and scalar <op> tile as Python's own operator."""

    @type_callable(python_operator)
    def type_it(typingctx):
        def typer(a, b):
            if isinstance(a, Tile) or isinstance(b, Tile):
                return a if isinstance(a, Tile) else b

        return typer

    def codegen(context, builder, sig, args):
        tile = sig.return_type
        emit = getattr(builder, on_floats if isinstance(tile.dtype, types.Float) else on_integers)
        signature, code = _lanewise(tile, tile, sig.args, lambda builder, x, y: emit(x, y))
        args = [context.cast(builder, *each) for each in zip(args, sig.args, signature.args, strict=True)]
        return code(context, builder, signature, args)

    for kinds in ((Tile, Tile), (Tile, types.Number), (types.Number, Tile)):
        lower_builtin(python_operator, *kinds)(codegen)


_arithmetic(operator.add, "fadd", "add")
_arithmetic(operator.sub, "fsub", "sub")
_arithmetic(operator.mul, "fmul", "mul")
_arithmetic(operator.truediv, "fdiv", None)
_arithmetic(operator.lshift, None, "shl")
_arithmetic(operator.rshift, None, "ashr")
_arithmetic(operator.and_, None, "and_")
_arithmetic(operator.xor, None, "xor")


@intrinsic
def fma(typingctx, a, b, c):
    """a * b + c, rounded once where the CPU has FMA."""
    tile = next(kind for kind in (a, b, c) if isinstance(kind, Tile))
    return _lanewise(tile, tile, (a, b, c), _fma)


def _where(symbol):
    """Intrinsic (a, b, x, y) -> x where a <symbol> b, else y."""

    @intrinsic
    def where(typingctx, a, b, x, y):
        test, pick = a if isinstance(a, Tile) else b, x if isinstance(x, Tile) else y
        compare = "fcmp_ordered" if isinstance(test.dtype, types.Float) else "icmp_signed"
        kinds = [
            k if isinstance(k, Tile) else t.dtype for k, t in zip((a, b, x, y), (test, test, pick, pick), strict=True)
        ]

        def choose(builder, a, b, x, y):
            return builder.select(getattr(builder, compare)(symbol, a, b), x, y)

        _, codegen = _lanewise(test, pick, kinds, choose)
        return pick(*kinds), codegen

    return where


where_less = _where("<")  # y where either is NaN
where_equal = _where("==")


@intrinsic
def bits(typingctx, tile):
    """A float tile's bits as integers."""
    kind = tile.of(_int(tile))
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.bitcast(x, _vector(kind)))


@intrinsic
def from_bits(typingctx, tile):
    """The float tile with these bits."""
    kind = tile.of(types.float32 if tile.dtype.bitwidth == 32 else types.float64)
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.bitcast(x, _vector(kind)))


@intrinsic
def to_float(typingctx, tile):
    """Integers to floats of the same width."""
    kind = tile.of(types.float32 if tile.dtype.bitwidth == 32 else types.float64)
    return _lanewise(tile, kind, (tile,), lambda builder, x: builder.sitofp(x, _vector(kind)))


@intrinsic
def sqrt(typingctx, tile):
    """Square roots, rounded as IEEE 754 asks."""
    return _lanewise(tile, tile, (tile,), lambda builder, x: _call(builder, "sqrt", x))


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
