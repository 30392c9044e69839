"""Pointers to values, and calls by address: what arrives is what was sent, and stays within its bounds."""

import sys
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import types

from fastbp.kernels._jit import compiled_for
from fastbp.kernels.convert import borrowed
from fastbp.kernels.pointer import Pointer, address_of, call, pointer_to, value_at


class Parcel(NamedTuple):
    """Arrays and numbers of several types."""

    small: np.ndarray
    table: np.ndarray
    empty: np.ndarray
    count: int
    share: float
    flag: bool


def parcel_type():
    kinds = [types.Array(types.float32, 1, "C"), types.Array(types.intp, 2, "C"), types.Array(types.float64, 1, "C")]
    return types.NamedTuple([*kinds, types.intp, types.float64, types.boolean], Parcel)


@numba.njit
def borrow(parcel):
    return Parcel(
        borrowed(parcel.small), borrowed(parcel.table), borrowed(parcel.empty), parcel.count, parcel.share, parcel.flag
    )


def write(pointer, at, plus, out_at):
    """Note in `table` what the pointer leads to, and write to `small`."""
    parcel = borrow(value_at(pointer))
    sizes = parcel.small.size, parcel.table.shape[0], parcel.table.shape[1], parcel.empty.size
    for k in range(4):
        parcel.table[out_at, k] = sizes[k]
    parcel.table[out_at, 4] = parcel.count
    parcel.table[out_at, 5] = 2 if parcel.flag else 3
    parcel.small[at] = parcel.small[at] * parcel.share + plus


@numba.njit
def send(address, parcel, times):
    pointer = pointer_to(borrow(parcel))
    for k in range(times):
        call(address, pointer, k, 10 * k, 1)


@pytest.fixture(scope="module")
def writer():
    signature = types.void(Pointer(parcel_type()), types.intp, types.intp, types.intp)
    compiled = compiled_for(signature, write)
    return address_of(compiled, signature), compiled


def parcel(flag=True):
    return Parcel(np.arange(5, dtype="f4"), np.zeros((2, 6), np.intp), np.empty(0), 2**40, -0.5, flag)


@pytest.mark.parametrize("flag", [True, False])
def test_a_callee_finds_the_arrays_and_numbers_that_the_pointer_leads_to(writer, flag):
    sent = parcel(flag)
    send(writer[0], sent, 3)
    assert sent.small.tolist() == [0, 9.5, 19, 3, 4]
    assert sent.table.tolist() == [[0] * 6, [5, 2, 6, 0, 2**40, 2 if flag else 3]]


def test_no_reference_is_counted_or_lost(writer):
    sent = parcel()
    send(writer[0], sent, 1)
    before = [sys.getrefcount(array) for array in sent[:3]]
    for _ in range(100):
        send(writer[0], sent, 5)
    assert [sys.getrefcount(array) for array in sent[:3]] == before


def test_a_value_comes_back_as_it_was_pointed_to():
    @numba.njit
    def there_and_back(numbers):
        kept = pointer_to(numbers)
        other = pointer_to((numbers[1], -numbers[0]))
        return value_at(kept), value_at(other)

    for numbers in ((1, 2.5), (-(2**62), np.inf)):
        assert there_and_back(numbers) == (numbers, (numbers[1], -numbers[0]))


BOUNDS = """
import numpy as np
from numba import njit, types
from fastbp.kernels._jit import compiled_for
from fastbp.kernels.convert import borrowed
from fastbp.kernels.pointer import Pointer, address_of, call, pointer_to, value_at
from fastbp.kernels.simd import lanes, store, zeros

def write(pointer, at, vector_at, unused):
    array = value_at(pointer)[1]
    array[at] = 1
    store(array, vector_at, 0, 0, zeros(array, 1, 1))

array_type = types.Array(types.float64, 1, "C")
signature = types.void(Pointer(types.Tuple([types.intp, array_type])), types.intp, types.intp, types.intp)
compiled = compiled_for(signature, write)
address = address_of(compiled, signature)

@njit
def send(address, array, at, vector_at):
    call(address, pointer_to((7, borrowed(array))), at, vector_at, 0)

for at, vector_at in (0, 0), (19, 12), (20, 0), (0, 13):
    try:
        send(address, np.zeros(20), at, vector_at)
        print("inside")
    except IndexError:
        print("outside")
"""


def test_bounds_are_checked_behind_a_pointer_and_told_to_the_caller(run_python, tmp_path):
    told = run_python("-W", "error", "-c", BOUNDS, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)).stdout
    assert told.split() == ["inside", "inside", "outside", "outside"]
