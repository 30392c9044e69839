"""Records, vectors, calls by address and atomics: what is read is what was written, and stays within its bounds."""

import sys

import numba
import numpy as np
import pytest
from numba import prange, types

from fastbp.kernels.compiler.jit import compiled_for
from fastbp.kernels.entries.records import LINE, Array, Layout, Record, Table
from fastbp.kernels.library.calls import entry_point
from fastbp.kernels.machine.atomic import atomic_add, atomic_publish, atomic_read, atomic_swap_if
from fastbp.kernels.machine.calls import address_of, call
from fastbp.kernels.machine.memory import part, vector_at
from fastbp.kernels.machine.records import copy_bytes, copy_record, record_at, record_type, records_from

ITEM = Layout("item", {"weight": "f8", "values": Array("T")})
PARCEL = Layout("parcel", {
    "status": "i8", "arrived": "i8", "tickets": "i8",
    "count": "i8", "share": "f8", "small": Array("T"), "table": Array("i8"), "labels": Array("label"),
    "items": Table(ITEM), "own": Table("parcel"), "address": "i8", "callee": "i8",
}, alone=("arrived", "tickets"))  # fmt: skip


@pytest.fixture
def compiled(dtype):
    """compiled(function): a function of a parcel's record, as what Python calls with a `Record`."""
    kept = []

    def make(function, parallel=False):
        signature = types.void(record_type(PARCEL, numba.from_dtype(dtype)))
        kept.append(compiled_for(signature, function, parallel, kept=False))
        return entry_point(address_of(kept[-1], signature))

    return make


@pytest.fixture
def sent(dtype):
    """A parcel, and the arrays that it leads to."""
    arrays = {
        "small": np.arange(5, dtype=dtype), "table": np.zeros(12, np.int64),
        "labels": np.arange(3, dtype=f"i{dtype.itemsize}"),
    }  # fmt: skip
    items, values = ITEM.new(3), np.arange(20, dtype=dtype)
    for k, item in enumerate(items):
        item["weight"], item["values"] = k + 0.5, (values.ctypes.data + k * values.itemsize, k + 1)
    record = Record(PARCEL)
    record.fill({"count": 2**40, "share": -0.5, "items": items, **arrays})
    return record, arrays | {"items": items, "values": values}


# ---- layouts


def test_what_several_threads_write_has_a_cache_line_for_itself():
    fields = {name: PARCEL.offset(name) for name in PARCEL.fields}
    for name in ("arrived", "tickets"):
        assert fields[name] % LINE == 0
        assert not [other for other, at in fields.items() if other != name and at // LINE == fields[name] // LINE]
    assert PARCEL.private == min(at for name, at in fields.items() if at > fields["tickets"])
    assert PARCEL.itemsize % LINE == 0 and PARCEL.new(3).ctypes.data % LINE == 0


def test_fields_that_do_not_exist_are_refused(compiled):
    def reads(r):
        r.count = r.nothing

    with pytest.raises(numba.core.errors.TypingError, match="nothing"):
        compiled(reads)


# ---- fields


def test_compiled_code_finds_numbers_vectors_and_tables(compiled, sent, dtype):
    def note(r):
        table, small, labels, items = r.table, r.small, r.labels, r.items
        table[0], table[1], table[2], table[3] = r.count, small.size, table.size, labels.size
        for k in range(3):
            item = items[k]
            table[4 + k] = item.values.size
            small[k] = item.values[item.values.size - 1] + item.weight
        small[4] = small[4] * r.share + labels[2]

    record, arrays = sent
    compiled(note)(record)
    assert arrays["table"].tolist() == [2**40, 5, 12, 3, 1, 2, 3, 0, 0, 0, 0, 0]
    assert arrays["small"].tolist() == [0 + 0.5, 2 + 1.5, 4 + 2.5, 3, 4 * -0.5 + 2]


def test_compiled_code_writes_numbers_and_vectors_where_python_reads_them(compiled, sent):
    def write(r):
        r.count, r.share = r.count - 1, r.count / 2
        r.small = part(r.small, 1, 3)
        first = r.items[0]
        first.weight = 7
        first.values = r.small

    record, arrays = sent
    compiled(write)(record)
    assert (record["count"], record["share"]) == (2**40 - 1, 2.0**39)
    first, small = arrays["items"][0], arrays["small"]
    assert first["weight"] == 7 and first["values"].tolist() == (small.ctypes.data + small.itemsize, 3)


def test_a_part_begins_where_it_says_and_ends_with_its_size(compiled, sent):
    def write(r):
        middle = part(r.small, 1, 3)
        for k in range(middle.size):
            middle[k] = -middle[k]
        part(middle, 1, 1)[0] = 10

    record, arrays = sent
    compiled(write)(record)
    assert arrays["small"].tolist() == [0, -1, 10, -3, 4]


def test_numbers_at_an_address_are_of_the_type_asked_for(compiled, sent):
    def read(r):
        bytes_ = vector_at(r.address, 4, types.uint8)
        halves = vector_at(r.address, 2, types.uint16)
        table = r.table
        for k in range(bytes_.size):
            table[k] = bytes_[k]
        table[4], table[5] = halves[0], halves[1]

    record, arrays = sent
    numbers = np.array([1, 2, 255, 128], np.uint8)
    record["address"] = numbers.ctypes.data
    compiled(read)(record)
    assert arrays["table"][:6].tolist() == [1, 2, 255, 128, *numbers.view(np.uint16).tolist()]


def test_a_copy_of_a_record_leaves_out_what_threads_share(compiled, sent):
    def copy(r):
        mine = r.own[1]
        copy_record(mine, r)
        mine.count += 1
        last = records_from(r.own, 1)[1]
        last.count = 5

    record, _ = sent
    own = PARCEL.new(3)
    own["arrived"], own["tickets"] = 8, 9
    record.fill({"own": own, "arrived": 1, "tickets": 2})
    compiled(copy)(record)
    assert own["count"].tolist() == [0, 2**40 + 1, 5] and own["share"].tolist() == [0, -0.5, 0]
    assert own["arrived"].tolist() == [8] * 3 and own["tickets"].tolist() == [9] * 3
    assert own["small"][1].tolist() == (record["small"], 5) and record["count"] == 2**40


def test_bytes_are_copied_from_address_to_address(compiled, sent):
    def copy(r):
        copy_bytes(r.address, r.address + 24, 8)

    record, _ = sent
    words = np.arange(4)
    record["address"] = words.ctypes.data
    compiled(copy)(record)
    assert words.tolist() == [3, 1, 2, 3]


at_item = record_at(ITEM)


def test_a_record_of_another_layout_is_found_at_its_address(compiled, sent):
    def read(r):
        r.share = at_item(r.address, r).weight

    record, arrays = sent
    record["address"] = arrays["items"][2:].ctypes.data
    compiled(read)(record)
    assert record["share"] == 2.5


# ---- calls


def test_a_callee_gets_the_arguments_it_was_sent(compiled, sent, dtype):
    T = numba.from_dtype(dtype)

    def callee(r, k, plus):
        r.small[k] = r.small[k] * r.share + plus

    signature = types.void(record_type(PARCEL, T), types.intp, types.float64)
    kept = compiled_for(signature, callee, kept=False)

    def caller(r):
        for k in range(3):
            call(r.callee, r, k, 10.0 * k)

    record, arrays = sent
    record["callee"] = address_of(kept, signature)
    compiled(caller)(record)
    assert arrays["small"].tolist() == [0, 9.5, 19, 3, 4]


def test_no_reference_is_counted_or_lost(compiled, sent):
    def touch(r):
        part(r.small, 1, 2)[0] += r.items[1].values[0]

    record, arrays = sent
    run, before = compiled(touch), [sys.getrefcount(array) for array in arrays.values()]
    for _ in range(100):
        run(record)
    assert [sys.getrefcount(array) for array in arrays.values()] == before


BOUNDS = """
import numba
import numpy as np
from numba import types
from fastbp.kernels.entries.records import Array, Layout, Record
from fastbp.kernels.library.calls import entry_point
from fastbp.kernels.machine.calls import address_of, call
from fastbp.kernels.compiler.jit import compiled_for
from fastbp.kernels.machine.memory import part
from fastbp.kernels.machine.records import record_type
from fastbp.kernels.machine.tiles import lanes, store, zeros

LAYOUT = Layout("bounds", {"array": Array("T"), "at": "i8", "vector_at": "i8", "part_at": "i8", "callee": "i8"})
SIGNATURE = types.void(record_type(LAYOUT, types.float64))

def write(r):
    array = r.array
    array[r.at] = 1
    store(array, r.vector_at, 0, 0, zeros(array, 1, 1))
    part(array, 2, 3)[r.part_at] = 1

def send(r):
    call(r.callee, r)

writer, sender = (compiled_for(SIGNATURE, function) for function in (write, send))
enter, array = entry_point(address_of(sender, SIGNATURE)), np.zeros(20)
for at, vector_at, part_at in (0, 0, 0), (19, 12, 2), (20, 0, 0), (-1, 0, 0), (0, 13, 0), (0, 0, 3):
    record = Record(LAYOUT)
    record.fill({"array": array, "at": at, "vector_at": vector_at, "part_at": part_at})
    record["callee"] = address_of(writer, SIGNATURE)
    try:
        enter(record)
        print("inside")
    except IndexError as error:
        print("outside")
        assert "out of bounds" in str(error)
"""


def test_bounds_are_checked_behind_a_call_and_told_to_python(run_python, tmp_path):
    told = run_python("-W", "error", "-c", BOUNDS, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)).stdout
    assert told.split() == ["inside", "inside", "outside", "outside", "outside", "outside"]


# ---- atomics


def test_an_atomic_returns_what_was_there_before(compiled, sent):
    def work(r):
        table = r.table
        table[0] = atomic_add(r, "arrived", 5)
        table[1] = atomic_read(r, "arrived")
        table[2] = atomic_swap_if(r, "tickets", 3, 8)
        table[3] = atomic_read(r, "tickets")
        table[4] = atomic_swap_if(r, "tickets", 7, 9)
        table[5] = atomic_read(r, "tickets")
        atomic_publish(r, "tickets", -(2**62))

    record, arrays = sent
    record.fill({"arrived": 2, "tickets": 3})
    compiled(work)(record)
    assert arrays["table"][:6].tolist() == [2, 7, 1, 8, 0, 8]
    assert (record["arrived"], record["tickets"]) == (7, -(2**62))


def test_no_sum_is_lost_and_no_ticket_drawn_twice_by_threads_at_once(compiled, sent):
    def draw(r):
        table = r.table
        for worker in prange(8):
            for _ in range(1000):
                atomic_add(r, "arrived", worker)
                ticket = atomic_read(r, "tickets")
                while not atomic_swap_if(r, "tickets", ticket, ticket + 1):
                    ticket = atomic_read(r, "tickets")
                table[ticket] += 1

    record, _ = sent
    drawn = np.zeros(8000, np.int64)
    record.fill({"table": drawn, "arrived": 0, "tickets": 0})
    compiled(draw, parallel=True)(record)
    assert record["arrived"] == 1000 * sum(range(8)) and record["tickets"] == 8000 and (drawn == 1).all()
