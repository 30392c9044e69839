"""Register tiles as one Numba type, with their loads and stores.

A vector is one cache line: 16 float32 or 8 float64, on every CPU. Where registers are narrower LLVM splits it in two or
four, so layouts and code are the same everywhere; only the tile's shape (registers.py) depends on the CPU. A `Tile` of
rows x vectors is one value of @njit code, and its vectors live in registers:

    t = load(b, j, 0, LANES, like)                       # t_ij <- b_j
    for k in range(I):
        t = outer_add(t, x, ..., W, ...)                 # t_ij += x_ik w_kj                        (eq. 7)
    store(h, ..., where(t < 0, -0.0, t + 0.0))           # h_ij <- F(t_ij)                          (eqs. 8, 40)

Tiles are loaded from vectors and stored there (memory.py). No fast-math flag is set: NaN, infinities and the sign of
zero mean what they mean in IEEE 754.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from ..compiler.intrinsics import intrinsic, intrinsic_of_literals
from ..entries.records import LINE
from .memory import element_address

i32 = ir.IntType(32)


class Tile(types.Type):
    """rows x vectors vectors of dtype, each as wide as a cache line, or of one lane, a number."""

    dtype: types.Type
    rows: int
    vectors: int
    lanes: int

    def __init__(self, dtype: types.Type, rows: int = 1, vectors: int = 1, lanes: int | None = None) -> None:
        self.dtype, self.rows, self.vectors = dtype, rows, vectors
        self.lanes = lanes or LINE * 8 // dtype.bitwidth
        super().__init__(name=f"Tile({dtype}, {rows} x {vectors} x {self.lanes})")

    def of(self, dtype: types.Type) -> "Tile":
        """The tile of this shape that holds another dtype."""
        return Tile(dtype, self.rows, self.vectors, self.lanes)


@register_model(Tile)
class TileModel(models.PrimitiveModel):
    """An LLVM array of vectors; LLVM's SROA pass splits it into registers."""

    def __init__(self, manager: Any, tile: Tile) -> None:
        super().__init__(manager, tile, ir.ArrayType(_vector(tile), tile.rows * tile.vectors))


def _vector(tile):
    element = ir.IntType(1 if tile.dtype == types.boolean else tile.dtype.bitwidth)
    if isinstance(tile.dtype, types.Float):
        element = ir.FloatType() if tile.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.VectorType(element, tile.lanes) if tile.lanes > 1 else element


def _int(tile):
    return types.Integer.from_bitwidth(tile.dtype.bitwidth)


def _pack(tile, builder, vectors):
    value = ir.Constant(ir.ArrayType(_vector(tile), len(vectors)), ir.Undefined)
    for n, vector in enumerate(vectors):
        value = builder.insert_value(value, vector, n)
    return value


def _unpack(builder, value):
    return [builder.extract_value(value, n) for n in range(value.type.count)]


def _splat(builder, scalar, lanes):
    if lanes == 1:
        return scalar
    undef = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    lane0 = builder.insert_element(undef, scalar, i32(0))
    return builder.shuffle_vector(lane0, undef, ir.Constant(ir.VectorType(i32, lanes), [0] * lanes))


def _shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(i32, len(lanes)), list(lanes)))


def _call(builder, name, *args):
    """An LLVM intrinsic of one type, such as llvm.fmuladd.v16f32."""
    kind = args[0].type
    element, lanes = (kind.element, f"v{kind.count}") if isinstance(kind, ir.VectorType) else (kind, "")
    suffix = f"{lanes}f{32 if element == ir.FloatType() else 64}"
    function = ir.FunctionType(kind, [kind] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{suffix}"), args)


def _fma(builder, a, b, c):
    return _call(builder, "fmuladd", a, b, c)  # llvm.fma is a library call where the CPU has no FMA


@intrinsic
def lanes(typingctx, array):
    """Elements in a vector of this array's dtype, a constant."""
    n = LINE * 8 // array.dtype.bitwidth
    return types.intp(array), lambda context, builder, sig, args: context.get_constant(types.intp, n)


@intrinsic_of_literals
def zeros(typingctx, like, rows, vectors):
    """Tile of zeros, rows x vectors, of the dtype of an array or tile."""
    return _zeros(Tile(like.dtype, rows.literal_value, vectors.literal_value), like, rows, vectors)


def _zeros(tile, *arguments):
    def codegen(context, builder, sig, args):
        return ir.Constant(ir.ArrayType(_vector(tile), tile.rows * tile.vectors), None)

    return tile(*arguments), codegen


@intrinsic
def transposed_pair(typingctx, tile):
    """Return a tile of 2 rows transposed: row n holds lane n of both, then zeros; further vectors follow as rows."""
    out = Tile(tile.dtype, tile.vectors * tile.lanes, 1)

    def codegen(context, builder, sig, args):
        n, vectors, rows = tile.lanes, _unpack(builder, args[0]), []
        zero = ir.Constant(_vector(tile), None)
        for first, second in zip(vectors[: tile.vectors], vectors[tile.vectors :], strict=True):
            for half in range(2):
                pairs = _shuffle(builder, first, second, [half * n // 2 + i // 2 + n * (i % 2) for i in range(n)])
                rows += [_shuffle(builder, pairs, zero, [i, i + 1] + [n] * (n - 2)) for i in range(0, n, 2)]
        return _pack(out, builder, rows)

    return out(tile), codegen


# Memory


def _address(context, builder, kind, vector, first, last, pointee):
    """Return where vector[first] stands, as a pointer to `pointee`; see `element_address`."""
    return builder.bitcast(element_address(context, builder, kind, vector, first, last), pointee.as_pointer())


def _at(builder, at, *steps):
    """at + sum of n * step; steps that are zero leave no code."""
    for n, step in steps:
        at = builder.add(at, builder.mul(at.type(n), step)) if n else at
    return at


def _vectors_of(context, builder, tile, array_type, array, at, row_step, vector_step):
    """Addresses of a tile's vectors."""
    addresses = []
    for r in range(tile.rows):
        for v in range(tile.vectors):
            first = _at(builder, at, (r, row_step), (v, vector_step))
            last = builder.add(first, at.type(tile.lanes - 1))
            addresses.append(_address(context, builder, array_type, array, first, last, _vector(tile)))
    return addresses


def _element_bytes(tile):
    return tile.dtype.bitwidth // 8


@intrinsic
def load(typingctx, array, at, row_step, vector_step, like):
    """Tile shaped like `like`: vector (r, v) is array[at + r row_step + v vector_step:][:LANES]."""

    def codegen(context, builder, sig, args):
        vectors = []
        for address in _vectors_of(context, builder, sig.return_type, sig.args[0], *args[:4]):
            vectors.append(builder.load(address, align=_element_bytes(like)))
        return _pack(like, builder, vectors)

    return like(array, types.intp, types.intp, types.intp, like), codegen


@intrinsic
def store(typingctx, array, at, row_step, vector_step, tile):
    """array[at + r row_step + v vector_step:][:LANES] <- vector (r, v) of the tile."""

    def codegen(context, builder, sig, args):
        addresses = _vectors_of(context, builder, tile, sig.args[0], *args[:4])
        for address, vector in zip(addresses, _unpack(builder, args[4]), strict=True):
            builder.store(vector, address, align=_element_bytes(tile))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, types.intp, tile), codegen


@intrinsic
def outer_add(typingctx, t, A, a, row_step, B, b, vector_step):
    """t[r, v] + A[a + r row_step] * B[b + v vector_step:][:LANES]: one step of a product's sum, eqs. 7, 24, 32."""

    def codegen(context, builder, sig, args):
        value, A_, a_, row, B_, b_, step = args
        wide = Tile(t.dtype, 1, t.vectors, t.lanes)
        right = [
            builder.load(address, align=_element_bytes(t))
            for address in _vectors_of(context, builder, wide, B, B_, b_, b_.type(0), step)
        ]
        sums = _unpack(builder, value)
        for r in range(t.rows):
            at = _at(builder, a_, (r, row))
            left = builder.load(_address(context, builder, A, A_, at, at, _vector(t).element))
            left = _splat(builder, left, t.lanes)
            for v in range(t.vectors):
                sums[r * t.vectors + v] = _fma(builder, left, right[v], sums[r * t.vectors + v])
        return _pack(t, builder, sums)

    return t(t, A, types.intp, types.intp, B, types.intp, types.intp), codegen


@intrinsic
def prefetch(typingctx, array, at):
    """Prefetch the cache line of array[at]; any `at` is allowed."""

    def codegen(context, builder, sig, args):
        data = cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        pointer = builder.bitcast(builder.gep(data, [args[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@intrinsic
def prefetch_address(typingctx, address):
    """Prefetch the cache line at an address into the second-level cache."""

    def codegen(context, builder, sig, args):
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [builder.inttoptr(args[0], byte), i32(0), i32(2), i32(1)])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def transpose(typingctx, out, to, array, at, like):
    """out[to + c LANES + r] <- array[at + r LANES + c] for r, c in 0..LANES-1: a square of LANES cache lines each."""

    def codegen(context, builder, sig, args):
        out_, to_, array_, at_, _ = args
        n, align = like.lanes, _element_bytes(like)
        square, step = Tile(like.dtype, like.lanes, 1), at_.type(like.lanes)
        zero = at_.type(0)
        rows = [
            builder.load(address, align=align)
            for address in _vectors_of(context, builder, square, array, array_, at_, step, zero)
        ]
        low = [n * (i % 2) + i // 2 for i in range(n)]  # 0, n, 1, n + 1, ...
        high = [lane + n // 2 for lane in low]
        half = n // 2
        while half:  # log2(n) rounds, each a perfect shuffle of the lanes' and the rows' numbers
            pairs = [(rows[i], rows[i + n // 2]) for i in range(n // 2)]
            rows = [_shuffle(builder, a, b, pick) for a, b in pairs for pick in (low, high)]
            half //= 2
        for row, address in zip(rows, _vectors_of(context, builder, square, out, out_, to_, step, zero), strict=True):
            builder.store(row, address, align=align)
        return context.get_dummy_value()

    return types.void(out, types.intp, array, types.intp, like), codegen
