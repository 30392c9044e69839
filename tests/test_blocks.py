"""Small networks split a minibatch into blocks of rows: the same numbers, on any number of threads the same bits."""

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from processes import run
from trainings import AGREE, OPTIMIZERS, assert_alike, both, data, flat

import fastbp
from fastbp.data.samples import Labelled, Samples
from fastbp.execution import threads
from fastbp.execution.fast_plan import GRADIENT_ROWS
from fastbp.kernels.engine import minibatch
from fastbp.kernels.entries.records import Record
from fastbp.kernels.machine.records import record_type
from fastbp.kernels.machine.registers import ROWS
from fastbp.kernels.program.state import BLOCK_UNIT, STATE, block_size

SPLIT = [  # sizes, rows of a minibatch, blocks that it is split into
    ((20, 100, 2), 200, 2),
    ((131, 61, 37, 10), 97, 2),
    ((37, 61, 10), 300, 4),
    ((17, 33, 19, 31, 5), 700, 4),
]
LEFT_OVER = 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 2  # rows of the last minibatch: most of its blocks are empty


def blocks(model, batch_size):
    return model._plan._blocks(batch_size)


@pytest.mark.parametrize("sizes, batch_size, many", SPLIT)
def test_the_number_of_blocks_is_the_same_whatever_the_threads(sizes, batch_size, many, dtype):
    models = [fastbp.Model(sizes, dtype=dtype, n_threads=n) for n in (1, threads.most(), None)]
    assert {blocks(model, batch_size) for model in models} == {many}


def test_minibatches_of_few_rows_and_large_networks_are_not_split():
    small, large = fastbp.Model([20, 100, 2]), fastbp.Model([784, 128, 10])
    assert [blocks(small, rows) for rows in (1, 32, 64)] == [1, 1, 1]
    assert [blocks(large, rows) for rows in (1, 64, 128, 10_000)] == [1, 1, 1, 1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("sizes, batch_size, many", SPLIT)
def test_trainings_in_blocks_agree(sizes, batch_size, many, optimizer, dtype, rng):
    X, y = data(rng, 2 * batch_size + batch_size // 3, sizes)
    pair = both(sizes, X, y, batch_size, dtype=dtype, **OPTIMIZERS[optimizer])
    assert blocks(pair[0][0], batch_size) == many
    assert_alike(pair, X, y)


@pytest.mark.parametrize("left_over", LEFT_OVER)
@pytest.mark.parametrize("sizes, batch_size, many", SPLIT[1:3])
def test_a_last_minibatch_smaller_than_a_block_agrees(sizes, batch_size, many, left_over, dtype, rng):
    X, y = data(rng, batch_size + left_over, sizes)
    for settings in ({}, OPTIMIZERS["adam"]):
        pair = both(sizes, X, y, batch_size, epochs=3, dtype=dtype, **settings)
        assert blocks(pair[0][0], batch_size) == many
        assert_alike(pair, X, y)


def test_a_gradient_over_many_rows_is_that_of_the_plain_loops_and_of_any_number_of_threads(dtype, rng):
    X, y = data(rng, 5 * GRADIENT_ROWS + 65, (20, 30, 3))
    model, plain = (fastbp.Model([20, 30, 3], dtype=dtype, seed=7, kernels=name) for name in ("fast", "elementwise"))
    E, layers = model.gradients(X, y)
    expected, twins = plain.gradients(X, y)
    assert E == pytest.approx(expected, rel=10 * AGREE[dtype.name])
    for (dW, db), (W_twin, b_twin) in zip(layers, twins, strict=True):
        np.testing.assert_allclose(dW, W_twin, rtol=0, atol=AGREE[dtype.name] * abs(W_twin).max())
        np.testing.assert_allclose(db, b_twin, rtol=0, atol=AGREE[dtype.name] * abs(W_twin).max())
    for n_threads in {1, threads.most()}:
        alone = fastbp.Model([20, 30, 3], dtype=dtype, seed=7, n_threads=n_threads).gradients(X, y)
        assert alone[0] == E
        for ours, theirs in zip(alone[1], layers, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_gradient_over_many_rows_is_summed_from_blocks(rng):
    X, y = data(rng, 5 * GRADIENT_ROWS + 65, (20, 30, 3))
    with fastbp.Model([20, 30, 3], seed=7)._loaded_plan() as plan:
        plan.gradients(Labelled(Samples(X), y), np.empty(20 * 30 + 30 + 30 * 3 + 3, np.float32))
    assert plan.buffers.state["blocks"] == 5


# ---- the same bits


SAME_BITS = (
    f"""
SPLIT, OPTIMIZERS = {SPLIT}, {OPTIMIZERS}
"""
    + """
from covering import covering
for (sizes, batch_size, blocks), dtype, settings in covering(SPLIT, ("float32", "float64"), [*OPTIMIZERS.values()]):
    X = random.standard_normal((2 * batch_size + 9, sizes[0]))
    y = random.integers(0, sizes[-1], len(X))
    enough = 6 * batch_size * sum((I + 1) * O for I, O in zip(sizes, sizes[1:])) // 1_300_000
    told = set()
    for n_threads in 1, 2, 3:
        model = fastbp.Model(sizes, seed=1, dtype=dtype, n_threads=n_threads, **settings)
        used.clear()
        history = model.fit(X, y, epochs=3, batch_size=batch_size, verbose=0)
        assert used == {min(n_threads, enough)}, (sizes, n_threads, used)
        assert model._plan.buffers.state["blocks"] == blocks
        states = model.get_state()["optimizer"].values()
        told.add(digest(model._flat, *states, history.loss, history.accuracy))
    assert len(told) == 1, (sizes, dtype, settings)
    print(*told)
"""
)


def test_any_number_of_threads_gives_the_same_bits_in_blocks():
    bits = run("from fastbp.optimizers import *" + SAME_BITS).split()
    assert len(bits) == len(set(bits)) == len(SPLIT) * len(OPTIMIZERS)


# ---- rows that are no numbers


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("bad", [0, 100, 299, 599, 602])  # in the first block, in later ones, in later minibatches
def test_a_bad_row_in_any_block_leaves_the_model_as_it_was(bad, optimizer, dtype, rng):
    sizes, batch_size, many = SPLIT[2]
    X, y = data(rng, 603, sizes)
    wrong = X.copy()
    wrong[bad, -1] = np.nan
    for n_threads in {1, threads.most()}:
        settings = {"dtype": dtype, "n_threads": n_threads, **OPTIMIZERS[optimizer]}
        model, twin = (fastbp.Model(sizes, seed=7, **settings) for _ in range(2))
        for each in (model, twin):
            each.fit(X, y, epochs=1, batch_size=batch_size, verbose=0)
        with pytest.raises(ValueError, match=rf"\b{bad}\b"):
            model.fit(wrong, y, epochs=2, batch_size=batch_size, shuffle=False, verbose=0)
        assert blocks(model, batch_size) == many
        assert_same_bits(model, twin)
        for each in (model, twin):
            each.fit(X, y, epochs=1, batch_size=batch_size, verbose=0)
        assert_same_bits(model, twin)


def assert_same_bits(model, twin):
    assert flat(model).tobytes() == flat(twin).tobytes()
    states = [each.get_state()["optimizer"] for each in (model, twin)]
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[1])


# ---- the split


@intrinsic
def _state(typingctx, address):
    """The state at an address, of a network of float32."""
    kind = record_type(STATE, types.float32)
    return kind(address), lambda context, builder, sig, args: builder.inttoptr(args[0], ir.IntType(8).as_pointer())


@numba.njit
def _block_rows(address, k):
    return minibatch.block_rows(_state(address), k)


@pytest.mark.parametrize("many", [1, 2, 3, 4, 7])
def test_blocks_are_whole_units_and_as_even_as_can_be(many):
    state = Record(STATE)
    state["blocks"] = many
    for B in [*range(20 * ROWS + 2), 997, 1000, 65_537]:
        state["batch"] = B
        rows = [_block_rows(state.address, k) for k in range(many)]
        assert rows[0][0] == 0 and rows[-1][1] == B
        assert all(last == first for (_, last), (first, _) in zip(rows, rows[1:], strict=False))
        assert all(first <= last and (last == B or last % BLOCK_UNIT == 0) for first, last in rows)
        units = [-(-(last - first) // BLOCK_UNIT) for first, last in rows]
        assert max(units) - min(units) <= 1
        if B:
            assert max(last - first for first, last in rows) <= block_size(B, many) <= block_size(B + 1, many)
