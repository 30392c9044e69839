"""bfloat16 in kernels: rounding worked by hand, products to the bit as VDPBF16PS has them, the mode for denormals."""

import platform

import numpy as np
import pytest

from fastbp.kernels.bfloat16 import flushing, pairs
from fastbp.kernels.compiler.jit import inline
from fastbp.kernels.entries.records import aligned
from fastbp.kernels.machine.registers import FEATURES
from fastbp.kernels.machine.tiles import load, store, zeros
from fastbp.kernels.program.state import LAYER
from fastbp.kernels.registry.bfloat16 import BFLOAT16_KERNELS, nan_pairs
from fastbp.kernels.registry.state import State
from fastbp.kernels.specification import bfloat16

FUSES = "+fma" in FEATURES or platform.machine() in ("aarch64", "arm64")
to_the_bit = pytest.mark.skipif(not FUSES, reason="sums are rounded otherwise where the CPU has no FMA")
HAND = {
    0x3F800000: 0x3F800000,  # 1
    0x3F808000: 0x3F800000,  # half way between 1 and the next: even is below
    0x3F808001: 0x3F810000,
    0x3F818000: 0x3F820000,  # half way, even is above
    0x3F817FFF: 0x3F810000,
    0xBF818000: 0xBF820000,
    0x7F7FFFFF: 0x7F800000,  # the largest float32 is nearest to infinity
    0x7F7F7FFF: 0x7F7F0000,
    0x7F800000: 0x7F800000,
    0xFF800000: 0xFF800000,
    0x00000000: 0x00000000,
    0x80000000: 0x80000000,
    0x7FFFFFFF: 0x7FFF0000,  # NaN stays NaN, of either sign
    0xFFFFFFFF: 0xFFFF0000,
    0x7F800001: 0x7FC00000,  # one that is signalling becomes quiet
    0x00018000: 0x00020000,  # denormals are rounded alike
}


def floats(bits):
    return np.array(list(bits), np.uint32).view(np.float32)


def rounded(x):
    r = np.full(x.size, np.nan, np.float32)
    bfloat16.round_bfloat16(r, np.ascontiguousarray(x, np.float32).ravel())
    return r.reshape(x.shape)


def flushed(x):
    """A float32 as the instruction has it: denormals are zeros of their sign."""
    x = np.asarray(x, np.float32)
    return np.where(abs(x) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), x), x)


def fused(a, b, c):
    """fma(a, b, c) of operands that bfloat16 holds: float64 holds the sum well enough (specification/bfloat16.py)."""
    with np.errstate(all="ignore"):
        exact = flushed(a).astype(np.float64) * flushed(b) + flushed(c)
        return flushed(exact.astype(np.float32))


def dot(c, a, b):
    """VDPBF16PS of a pair of numbers in each row of a and b."""
    return fused(a[:, 0], b[:, 0], fused(a[:, 1], b[:, 1], c))


def joined(x):
    """Numbers that bfloat16 holds, in pairs of neighbours in the last direction."""
    return np.ascontiguousarray((x.view(np.uint32) >> 16).astype(np.uint16)).view(np.int32)[..., 0]


@inline
def _multiply(s, first, last):
    for k in range(first, last):
        t = load(s.parameters, k * 16, 0, 0, zeros(s.parameters, 1, 1))
        store(s.out, k * 16, 0, 0, pairs.pair_add(t, s.half_rows, k, 0, s.half_pairs, k * 16, 0))


def multiply(s, l, first, last, start, end, worker):
    _multiply(s, first, last)


def begin_flushing(s, l, first, last, start, end, worker):
    s.step = flushing.flush_denormals()


def end_flushing(s, l, first, last, start, end, worker):
    flushing.put_back(s.step)


def halves(s, l, first, last, start, end, worker):
    """out <- half of parameters"""
    for k in range(s.parameters.size):
        s.out[k] = s.parameters[k] * s.factor


def computed(c, a, b):
    """t + a . b for lines of 16 in float32 c, one pair a line in a, and b's pairs."""
    out = np.full(c.size, np.nan, np.float32)
    state = State(LAYER.new(), np.float32, parameters=c, out=out, half_rows=a, half_pairs=b)
    steps = [(step, 0, 0, len(a), 0, 0) for step in (begin_flushing, multiply, end_flushing)]
    with state.computing(*steps) as run:
        run()
    return out


def test_rounding_by_hand():
    found = rounded(floats(HAND)).view(np.uint32)
    assert dict(zip(HAND, map(int, found), strict=True)) == HAND


def test_the_fast_rounding_is_the_plain_one_to_the_bit():
    rng = np.random.default_rng(0)
    bits = [*HAND, *rng.integers(0, 2**32, 5000, np.uint32)]
    for n in (1, 15, 16, 17, 31, 32, 33, len(bits)):
        x, found = floats(bits[:n]), np.full(n, np.nan, np.float32)
        BFLOAT16_KERNELS["fast_round_bfloat16"].call("fast", found, x)
        np.testing.assert_array_equal(found.view(np.uint32), rounded(x).view(np.uint32))


def hard_pairs(rng, n):
    """Operands of which sums cancel, are denormal, infinite or NaN, and such that come as they come."""
    exponents = rng.integers(-126, 127, (n, 5))
    exponents[: n // 2] = rng.integers(-70, -50, (n // 2, 5))  # products about the smallest normal number
    exponents[: n // 4] = rng.integers(-3, 3, (n // 4, 5))  # and about one
    numbers = rounded(np.ldexp(rng.uniform(-2, 2, (n, 5)), exponents).astype(np.float32))
    special = rng.random((n, 5)) < 0.02
    numbers[special] = rng.choice(
        floats([0, 0x80000000, 0x7F800000, 0xFF800000, 0x00010000, 0x807F0000]), special.sum()
    )
    c = numbers[:, 4] * rng.uniform(0.5, 1, n).astype(np.float32)
    cancelling = rng.random(n) < 0.3
    with np.errstate(all="ignore"):
        c[cancelling] = -(numbers[:, 0] * numbers[:, 2])[cancelling]
    return c, numbers[:, :2], numbers[:, 2:4]


@to_the_bit
def test_a_pair_of_products_is_the_instruction_to_the_bit():
    rng, n = np.random.default_rng(1), 200
    with np.errstate(all="ignore"):
        c, a, b = hard_pairs(rng, 16 * n)
    a = np.repeat(a[::16], 16, axis=0)  # a line shares its left pair
    given, right = aligned(16 * n, np.float32), aligned(16 * n, np.int32)
    given[:], right[:] = c, joined(b)
    found, expected = computed(given, np.ascontiguousarray(joined(a)[::16]), right), dot(c, a, b)
    both = np.isnan(found) & np.isnan(expected)
    np.testing.assert_array_equal(found.view(np.uint32)[~both], expected.view(np.uint32)[~both])
    assert 0 < both.sum() < len(c) / 4 and (expected == 0).any() and np.isinf(expected).any()


def test_a_pair_by_hand_rounds_twice_the_high_half_first():
    ulp = 2.0**-23
    c, a, b = aligned(16, np.float32), np.array([[1, 1]], np.float32), np.array([[-1, ulp / 2]], np.float32)
    c[:] = 1
    found = computed(c, joined(a), np.repeat(joined(b), 16))
    assert (found == 0).all()  # 1 + ulp / 2 is rounded to 1, then 1 - 1; in the other order ulp / 2 would be left


@pytest.mark.skipif(not flushing.FLUSHES, reason="the mode is x86's")
def test_denormals_are_flushed_between_and_the_mode_is_put_back():
    tiny = np.finfo(np.float32).tiny
    source, out = np.array([tiny, tiny / 4, -tiny / 4, 1], np.float32), np.empty(4, np.float32)
    state = State(LAYER.new(), np.float32, parameters=source, out=out, factor=0.5)
    steps = {step: (step, 0, 0, 0, 0, 0) for step in (begin_flushing, halves, end_flushing)}
    with state.computing(*steps.values()) as run:
        run()
    np.testing.assert_array_equal(out, [0, 0, -0.0, 0.5])
    assert np.signbit(out).tolist() == [False, False, True, False]
    with state.computing(steps[halves]) as run:
        run()
    np.testing.assert_array_equal(out, source / 2)
    assert np.float32(tiny) / 2 > 0  # nor has NumPy's arithmetic changed


PRODUCTS = [name for name in BFLOAT16_KERNELS if name.startswith("linear")]


def operands(entry, shape, rng):
    """Arguments of an entry, inputs rounded, outputs full of NaN."""
    arguments = entry.sample(*shape, np.float32, rng)
    directions = [direction for direction, _ in entry.directions.values()]
    return [np.full_like(a, np.nan) if d == "out" else rounded(a) for a, d in zip(arguments, directions, strict=True)]


@pytest.mark.parametrize("dtype", ["float32"], indirect=True)
@pytest.mark.parametrize("name", PRODUCTS)
def test_plain_products_are_right_and_the_fast_ones_are_they_to_the_bit(name, hard_shapes, rng):
    plain, fast = BFLOAT16_KERNELS[name], BFLOAT16_KERNELS[f"fast_{name}"]
    for shape in hard_shapes[:: 1 if FUSES else 7]:
        arguments = operands(plain, shape, rng)
        parallel = [a.copy() for a in arguments]
        plain.call("serial", *arguments)
        plain.call("parallel", *parallel)
        assert parallel[0].tobytes() == arguments[0].tobytes()
        for wide in (0, 1):  # as code with the instruction has the left operand, and code without it
            found = [np.full_like(arguments[0], np.nan), *arguments[1:]]
            with fast.adapter(*found, wide=wide) as run:
                run()
            if FUSES:
                np.testing.assert_array_equal(found[0], arguments[0], err_msg=f"at B, I, O = {shape}")
            else:
                np.testing.assert_allclose(found[0], arguments[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32"], indirect=True)
@pytest.mark.parametrize("name", PRODUCTS)
def test_plain_products_agree_with_float64(name, few_hard_shapes, rng, rounding):
    for shape in few_hard_shapes:
        out, *given = arguments = operands(BFLOAT16_KERNELS[name], shape, rng)
        BFLOAT16_KERNELS[name].call("serial", *arguments)
        a, b, *plus = (array.astype(np.float64) for array in given)
        a, b = (a.T, b) if "params" in name else (a, b.T) if "input" in name else (a, b)
        plus = plus[0] if plus else 0
        bound = rounding(max(shape)) * (abs(a) @ abs(b) + abs(plus))
        assert (abs(out - (a @ b + plus)) <= bound).all()


def test_rooms_of_pairs_begin_as_nan():
    assert np.isnan(nan_pairs(2).view(np.uint32).astype(np.uint32).view(np.float32)).all()
