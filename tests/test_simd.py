"""Register tiles: each operation against numpy."""

import numba
import numpy as np
import pytest

from fastbp.kernels.entries.functions import filled, fma, sign_bit, sqrt, where
from fastbp.kernels.machine.arithmetic import bits, from_bits, has_nan, lane_numbers, lane_sums, to_float
from fastbp.kernels.machine.conversion import load_as, load_scaled
from fastbp.kernels.machine.memory import as_vector
from fastbp.kernels.machine.tiles import (
    LINE,
    lanes,
    load,
    outer_add,
    prefetch,
    prefetch_address,
    store,
    transpose,
    transposed_pair,
    zeros,
)

compiled = numba.njit(error_model="numpy")


@pytest.fixture
def L(dtype):
    """Lanes of a vector."""
    return LINE // dtype.itemsize


def hard_numbers(dtype, rng, n):
    """Normal numbers, and among them what IEEE 754 treats apart."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny]
    a = rng.standard_normal(n).astype(dtype)
    a[rng.permutation(n)[: n // 2]] = np.resize(rng.permutation(special), n // 2)
    return a


# ---- lane by lane --------------------------------------------------------------------------------------------------


@compiled
def _lanewise(out, a, b, c):
    n, out, a, b, c = lanes(a), as_vector(out), as_vector(a), as_vector(b), as_vector(c)
    like = zeros(a, 2, 2)
    x, y, z = load(a, 0, 2 * n, n, like), load(b, 0, 2 * n, n, like), load(c, 0, 2 * n, n, like)
    store(out, 0 * 4 * n, 2 * n, n, x + y)
    store(out, 1 * 4 * n, 2 * n, n, x - y)
    store(out, 2 * 4 * n, 2 * n, n, x * y)
    store(out, 3 * 4 * n, 2 * n, n, x / y)
    store(out, 4 * 4 * n, 2 * n, n, fma(x, y, z))
    store(out, 5 * 4 * n, 2 * n, n, where(x < y, z, 2.0))
    store(out, 6 * 4 * n, 2 * n, n, where(x == y, -1.0, z))
    store(out, 7 * 4 * n, 2 * n, n, where(0.0 < x, x, -0.0))
    store(out, 8 * 4 * n, 2 * n, n, sqrt(x))
    store(out, 9 * 4 * n, 2 * n, n, from_bits(bits(x)))
    store(out, 10 * 4 * n, 2 * n, n, 1.0 - x * 2 + (3 - y) / 4.0)
    store(out, 11 * 4 * n, 2 * n, n, to_float(lane_numbers(x)))
    store(out, 12 * 4 * n, 2 * n, n, to_float((((bits(x) << 3) >> 5) & 1023) - 7))
    store(out, 13 * 4 * n, 2 * n, n, where(x <= y, 1.0, where(x > z, 2.0, where(x >= 0.0, z, 3.0))))
    store(out, 14 * 4 * n, 2 * n, n, -x)
    store(out, 15 * 4 * n, 2 * n, n, where(sign_bit(x), filled(x, 4.0), y))
    store(out, 16 * 4 * n, 2 * n, n, to_float(where(bits(x) == bits(y), 1, bits(x) & 3)))


def test_lane_by_lane_as_numpy(dtype, L, rng):
    a, b, c = (hard_numbers(dtype, rng, 4 * L) for _ in range(3))
    b[::3] = a[::3]
    out = np.full((17, 4 * L), np.nan, dtype)
    _lanewise(out.reshape(-1), a, b, c)
    two = dtype.type(2)
    with np.errstate(all="ignore"):
        word, other = (x.view(f"i{dtype.itemsize}") for x in (a, b))
        wanted = [
            a + b, a - b, a * b, a / b, None, np.where(a < b, c, two), np.where(a == b, -two / 2, c),
            np.where(a > 0, a, -0.0), np.sqrt(a), a, 1 - a * two + (3 - b) / 4, np.tile(np.arange(L), 4),
            ((word << 3) >> 5 & 1023) - 7,
            np.where(a <= b, 1, np.where(a > c, 2, np.where(a >= 0, c, 3))), -a, np.where(np.signbit(a), 4, b),
            np.where(word == other, 1, word & 3),
        ]  # fmt: skip
        product = a.astype(np.longdouble) * b
        exact, magnitude = product + c, abs(product) + abs(c)
    for number, (got, right) in enumerate(zip(out, wanted, strict=True)):
        if right is not None:
            right = right.astype(dtype)
            assert np.array_equal(got, right, equal_nan=True), f"operation {number}"
            assert np.array_equal(np.signbit(got[got == 0]), np.signbit(right[right == 0])), f"operation {number}"
    moderate = magnitude < np.finfo(dtype).max / 2  # False for NaN
    error = abs(out[4][moderate] - exact[moderate])
    assert np.any(moderate) and np.all(error <= 2 * np.finfo(dtype).eps * magnitude[moderate])
    assert np.isnan(out[4][np.isnan(a) | np.isnan(b) | np.isnan(c)]).all()


@compiled
def _has_nan(x):
    x = as_vector(x)
    return has_nan(load(x, 0, lanes(x), 0, zeros(x, 3, 1)))


def test_nan_is_found_in_any_lane_and_only_there(dtype, L):
    x = np.resize(np.array([np.inf, -np.inf, 1], dtype), 3 * L)
    assert _has_nan(x) is False
    for lane in range(3 * L):
        one = x.copy()
        one[lane] = np.nan
        assert _has_nan(one) is True


@compiled
def _first_lanes(out, a, n):
    out, a = as_vector(out), as_vector(a)
    t = load(a, 0, lanes(a), 0, zeros(a, 2, 1))
    store(out, 0, lanes(a), 0, where(lane_numbers(t) < n, t, 0.0))


def test_lane_numbers_pick_the_first_lanes_of_each_vector_and_drop_nan_in_the_others(dtype, L, rng):
    for n in (-1, 0, 1, L // 2, L - 1, L, L + 1):
        a, out = rng.standard_normal((2, L)).astype(dtype), np.full(2 * L, np.nan, dtype)
        a[:, max(n, 0) :] = np.nan
        _first_lanes(out, a.ravel(), n)
        assert np.array_equal(out.reshape(2, L), np.nan_to_num(a))


@compiled
def _lane_sums(out, a):
    out, a = as_vector(out), as_vector(a)
    store(out, 0, lanes(a), 0, lane_sums(load(a, 0, lanes(a), 0, zeros(a, 3, 1))))


def test_the_sum_of_a_vectors_lanes_is_in_all_of_them_to_the_same_bits(dtype, L, rng):
    a = rng.standard_normal((3, L)).astype(dtype)
    out = np.full((3, L), np.nan, dtype)
    _lane_sums(out.reshape(-1), a.ravel())
    assert (out == out[:, :1]).all()
    wanted, magnitude = a.sum(1, dtype=np.float64), abs(a).sum(1)
    assert np.all(abs(out[:, 0] - wanted) <= 4 * np.finfo(dtype).eps * magnitude)


@compiled
def _turned(out, a):
    out, a = as_vector(out), as_vector(a)
    store(out, 0, lanes(a), 0, transposed_pair(load(a, 0, 2 * lanes(a), lanes(a), zeros(a, 2, 2))))


def test_two_rows_become_as_many_rows_of_two_as_there_are_lanes(dtype, L, rng):
    a = rng.standard_normal((2, 2 * L)).astype(dtype)
    out = np.full((2 * L, L), np.nan, dtype)
    _turned(out.reshape(-1), a.ravel())
    assert np.array_equal(out[:, :2], a.T) and not out[:, 2:].any()


# ---- memory --------------------------------------------------------------------------------------------------------


@compiled
def _copy(out, a, at, row_step, vector_step):
    out, a = as_vector(out), as_vector(a)
    store(out, at + 1, row_step, vector_step, load(a, at, row_step, vector_step, zeros(a, 3, 2)))


def test_loads_and_stores_step_by_rows_and_vectors_at_any_address(dtype, L, rng):
    a = rng.standard_normal(9 * L).astype(dtype)
    for at, row_step, vector_step in [(0, 2 * L, L), (3, L, 3 * L), (1, L + 1, 4 * L), (5, 3 * L, L + 2)]:
        out, wanted = np.zeros(10 * L + 1, dtype), np.zeros(10 * L + 1, dtype)
        _copy(out, a, at, row_step, vector_step)
        for first in (at + r * row_step + v * vector_step for r in range(3) for v in range(2)):
            wanted[first + 1 : first + 1 + L] = a[first : first + L]
        assert np.array_equal(out, wanted)


@compiled
def _outer(out, a, b):
    out, a, b = as_vector(out), as_vector(a), as_vector(b)
    n = lanes(a)
    t = load(out, 0, 2 * n, n, zeros(a, 3, 2))
    store(out, 0, 2 * n, n, outer_add(t, a, 1, 2, b, 3, n))


def test_outer_add_is_a_row_times_a_column(dtype, L, rng):
    out, a, b = (rng.integers(-9, 10, n).astype(dtype) for n in (6 * L, 6, 2 * L + 3))
    wanted = out.reshape(3, 2 * L) + np.outer(a[1:6:2], b[3:])
    _outer(out, a, b)
    assert np.array_equal(out.reshape(3, 2 * L), wanted)


@compiled
def _transpose(out, to, a, at):
    out, a = as_vector(out), as_vector(a)
    transpose(out, to, a, at, zeros(a, 1, 1))


def test_transpose_turns_a_square(dtype, L, rng):
    a, out = rng.standard_normal(L * L + 5).astype(dtype), np.zeros(L * L + 4, dtype)
    _transpose(out, 3, a, 5)
    assert np.array_equal(out[3:-1].reshape(L, L), a[5:].reshape(L, L).T) and not out[[0, 1, 2, -1]].any()


@compiled
def _prefetch(a, at, address):
    a = as_vector(a)
    prefetch(a, at)
    prefetch_address(address)


def test_asking_for_memory_is_harmless_wherever_it_is(dtype):
    a = np.ones(3, dtype)
    for address in (0, 1, -1, 2**62, a.ctypes.data, a.ctypes.data + 1, a.ctypes.data - 2**40):
        _prefetch(a, address // dtype.itemsize, address)
    assert a.tolist() == [1, 1, 1]


# ---- conversion


@compiled
def _convert(out, a, at, shift, scale, j):
    out, a, shift, scale = as_vector(out), as_vector(a), as_vector(shift), as_vector(scale)
    like = zeros(out, 1, 1)
    store(out, 0, 0, 0, load_as(like, a, at))
    store(out, lanes(out), 0, 0, load_scaled(like, a, at, shift, scale, j))


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int32", "int64", "float32", "float64"])
def test_numbers_of_any_type_are_converted_and_scaled(kind, dtype, L, rng):
    info = np.iinfo(kind) if np.dtype(kind).kind in "iu" else None
    a = rng.integers(info.min, info.max, 40, kind) if info else rng.standard_normal(40).astype(kind)
    shift, scale, out = rng.standard_normal(25), rng.standard_normal(25), np.full(2 * L, np.nan, dtype)
    _convert(out, a, 3, shift, scale, 5)
    picked = a[3 : 3 + L]
    assert np.array_equal(out[:L], picked.astype(dtype))
    wanted = (picked.astype(np.float64) - shift[5 : 5 + L]) * scale[5 : 5 + L]
    magnitude = (abs(picked.astype(np.float64)) + abs(shift[5 : 5 + L])) * abs(scale[5 : 5 + L])
    assert np.all(abs(out[L:] - wanted) <= 3 * np.finfo(dtype).eps * magnitude)
