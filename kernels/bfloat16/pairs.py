"""Pairs of bfloat16 in compiled code: products of them summed in float32, by one instruction where the CPU has it.

A pair is an integer of 32 bits: the number with the lower index in its low half, the other in its high half. With
AVX512 a CPU may have VDPBF16PS, which is fma(a_0, b_0, fma(a_1, b_1, c)): it rounds twice, the high halves first, and
takes denormals as zero. Without it the same is computed by float32's FMA on widened numbers. A bfloat16 is the upper
half of a float32, so that to widen one is to shift or to mask a pair. The left operand is stored widened instead: each
of its numbers is used in few products, so that widening it in the loop would take longer than reading wide numbers.
Where denormals are flushed (flushing.py) all ways have the same bits on every x86 CPU with FMA.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..compiler.intrinsics import intrinsic
from ..library.levels import features
from ..library.loading import library
from ..machine.registers import FEATURES
from ..machine.tiles import Tile, _address, _at, _fma, _pack, _shuffle, _splat, _unpack, _vector, _vectors_of

NATIVE = "+avx512bf16" in (features(library().about) if library() else FEATURES)  # which agree where code is mixed
_INSTRUCTION = "llvm.x86.avx512bf16.dpbf16ps.512"
i32 = ir.IntType(32)


def _as_floats(builder, integers):
    """Return both numbers of each pair as float32, the low ones first."""
    kind = integers.type
    lanes = getattr(kind, "count", 1)
    vector = ir.VectorType(ir.FloatType(), lanes) if lanes > 1 else ir.FloatType()
    shift, mask = (ir.Constant(kind, [value] * lanes if lanes > 1 else value) for value in (16, 0xFFFF0000))
    return [builder.bitcast(x, vector) for x in (builder.shl(integers, shift), builder.and_(integers, mask))]


def _native(builder, sums, left, right):
    wide, vectors = [_splat(builder, pair, right[0].type.count) for pair in left], len(right)
    operands = [(wide[n // vectors], right[n % vectors]) for n in range(len(sums))]
    return _native_pairs(builder, sums, *zip(*operands, strict=True))


def _native_pairs(builder, sums, left, right):
    kind = ir.FunctionType(sums[0].type, [sums[0].type, right[0].type, right[0].type])
    dot = cgutils.get_or_insert_function(builder.module, kind, _INSTRUCTION)
    return [builder.call(dot, operands) for operands in zip(sums, left, right, strict=True)]


def _emulated(builder, sums, left, right):
    lanes = right[0].type.count
    return _fused(builder, sums, [_as_floats(builder, _splat(builder, pair, lanes)) for pair in left], right)


def _fused(builder, sums, left, right):
    columns, vectors, found = [_as_floats(builder, vector) for vector in right], len(right), list(sums)
    for r, (low, high) in enumerate(left):
        for v, (column_low, column_high) in enumerate(columns):
            n = r * vectors + v
            found[n] = _fma(builder, low, column_low, _fma(builder, high, column_high, found[n]))
    return found


@intrinsic
def pair_add(typingctx, t, A, a, row_step, B, b, vector_step):
    """t[r, v] + A[a + r row_step] . B[b + v vector_step:][:LANES]: two steps of a product's sum, of pairs A and B."""
    wide, one = Tile(types.int32, 1, t.vectors, t.lanes), Tile(types.int32, t.rows, 1, 1)

    def codegen(context, builder, sig, args):
        value, A_, a_, row, B_, b_, step = args
        places = _vectors_of(context, builder, wide, B, B_, b_, b_.type(0), step)
        right = [builder.load(place, align=4) for place in places]
        left = [
            builder.load(place, align=4) for place in _vectors_of(context, builder, one, A, A_, a_, row, a_.type(0))
        ]
        multiply = _native if NATIVE else _emulated
        return _pack(t, builder, multiply(builder, _unpack(builder, value), left, right))

    return t(t, A, types.intp, types.intp, B, types.intp, types.intp), codegen


@intrinsic
def wide_add(typingctx, t, A, a, row_step, other, B, b, vector_step):
    """The same of numbers of A that stand wide, as bits of float32, those of a pair `other` apart."""
    wide = Tile(types.int32, 1, t.vectors, t.lanes)

    def codegen(context, builder, sig, args):
        value, A_, a_, row, other_, B_, b_, step = args
        places = _vectors_of(context, builder, wide, B, B_, b_, b_.type(0), step)
        right = [builder.load(place, align=4) for place in places]
        left = []
        for r in range(t.rows):
            low = _at(builder, a_, (r, row))
            both = (_address(context, builder, A, A_, at, at, ir.FloatType()) for at in (low, builder.add(low, other_)))
            left.append([_splat(builder, builder.load(place), t.lanes) for place in both])
        return _pack(t, builder, _fused(builder, _unpack(builder, value), left, right))

    return t(t, A, types.intp, types.intp, types.intp, B, types.intp, types.intp), codegen


@intrinsic
def pair_products(typingctx, t, pairs):
    """t + pairs . pairs, lane by lane: what the peak is measured with."""

    def codegen(context, builder, sig, args):
        sums, found = _unpack(builder, args[0]), []
        for total, both in zip(sums, _unpack(builder, args[1]), strict=True):
            if NATIVE:
                found += _native_pairs(builder, [total], [both], [both])
            else:  # numbers that stand wide already, as the fast kernels have one of the two
                wide = builder.bitcast(both, total.type)
                found.append(_fma(builder, wide, wide, _fma(builder, wide, wide, total)))
        return _pack(t, builder, found)

    return t(t, pairs), codegen


@intrinsic
def store_upper(typingctx, array, at, tile):
    """array[at:][: LANES / 2] <- the upper halves of one vector of integers of 32 bits, in their order."""

    def codegen(context, builder, sig, args):
        halved = Tile(types.int32, 1, 1, tile.lanes // 2)
        (place,) = _vectors_of(context, builder, halved, array, *args[:2], args[1].type(0), args[1].type(0))
        (vector,), narrow = _unpack(builder, args[2]), ir.VectorType(ir.IntType(16), tile.lanes)
        upper = builder.lshr(vector, ir.Constant(vector.type, [16] * tile.lanes))
        builder.store(builder.trunc(upper, narrow), builder.bitcast(place, narrow.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, tile), codegen


@intrinsic
def turn_pairs(typingctx, out, to, array, at, like):
    """A square of 16 rows and 16 columns, its rows in pairs, transposed: 16 columns in pairs, a line each pair.

    In a line pairs of neighbouring columns are exchanged first: (w_2k,c  w_2k+1,c  w_2k,c+1  w_2k+1,c+1) becomes
    (w_2k,c  w_2k,c+1  w_2k+1,c  w_2k+1,c+1). Then what is left is to transpose numbers of 64 bits, 8 x 8.
    """
    n = like.lanes // 2

    def codegen(context, builder, sig, args):
        out_, to_, array_, at_, _ = args
        square, step, zero = Tile(types.int32, n, 1, like.lanes), at_.type(like.lanes), at_.type(0)
        short, wide = ir.VectorType(ir.IntType(16), 4 * n), ir.VectorType(ir.IntType(64), n)
        exchanged = [4 * (i // 4) + (0, 2, 1, 3)[i % 4] for i in range(4 * n)]
        rows = []
        for place in _vectors_of(context, builder, square, array, array_, at_, step, zero):
            line = builder.bitcast(builder.load(place, align=4), short)
            rows.append(builder.bitcast(_shuffle(builder, line, line, exchanged), wide))
        low = [n * (i % 2) + i // 2 for i in range(n)]
        half, high = n // 2, [lane + n // 2 for lane in low]
        while half:  # as `transpose` of machine/tiles.py
            both = [(rows[i], rows[i + n // 2]) for i in range(n // 2)]
            rows = [_shuffle(builder, a, b, pick) for a, b in both for pick in (low, high)]
            half //= 2
        places = _vectors_of(context, builder, square, out, out_, to_, step, zero)
        for row, place in zip(rows, places, strict=True):
            builder.store(builder.bitcast(row, _vector(square)), place, align=4)
        return context.get_dummy_value()

    return types.void(out, types.intp, array, types.intp, like), codegen
