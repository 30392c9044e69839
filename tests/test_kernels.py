"""Every registered kernel on every hard shape: right, alike on any threads, and touching nothing but its outputs."""

import inspect
import math
import re

import numpy as np
import pytest
from guarded import DTYPES, POISON, in_parallel, run, variants
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracles import ORACLES, expected

from fastbp.kernels.compiler.jit import PlainLoop
from fastbp.kernels.registry import KERNELS
from fastbp.kernels.specification import (
    embedding,
    members,
    normalization,
    paper,
    pointwise,
    products,
    regularization,
    scaling,
    sparse,
)

PLAIN = [name for name, entry in KERNELS.items() if isinstance(entry.kernel, PlainLoop)]
WITHOUT_ARITHMETIC = {
    "identity", "identity_derivative", "relu_derivative", "leaky_relu_derivative",
    "fast_transpose", "fast_pack", "fast_unpack", "fast_shuffle", "sort_csr", "embed_category",
}  # fmt: skip


@DTYPES
@pytest.mark.parametrize("name", PLAIN)
def test_right_on_hard_shapes_and_the_same_bits_in_parallel(name, dtype, few_hard_shapes, rounding, rng):
    entry = KERNELS[name]
    tiny = np.finfo(dtype).tiny
    for shape in few_hard_shapes:
        arguments = entry.sample(*shape, dtype, rng)
        found = [run(entry, variant, arguments) for variant in variants(name, dtype)]
        right = expected(entry, arguments)
        for outputs in found:
            assert len(outputs) == len(right)
            for out, serial, (values, magnitude) in zip(outputs, found[0], right, strict=True):
                assert out.tobytes() == serial.tobytes(), f"serial and parallel differ at B, I, O = {shape}"
                error = abs(out.astype(np.float64) - values)
                bound = rounding(max(shape)) * magnitude + (tiny if np.any(magnitude) else 0)
                assert np.all(error <= bound), f"off by {error.max()} at B, I, O = {shape}"  # NaN fails, too


def test_every_loop_is_tried_in_parallel_or_is_the_code_of_two_that_are():
    names = [name for name, _ in in_parallel()]
    assert len(names) == len(set(names)) and {dtype for _, dtype in in_parallel()} == {"float32", "float64"}
    codes = [KERNELS[name].kernel.__wrapped__.__code__ for name in names]
    for name in set(PLAIN) - set(names):
        assert codes.count(KERNELS[name].kernel.__wrapped__.__code__) == 2


# ---- the registry --------------------------------------------------------------------------------------------------


def test_every_kernel_is_registered_under_its_name_with_an_oracle():
    tables = [loops for name, loops in vars(pointwise).items() if name.endswith("_LOOPS")]
    assert len(tables) == 6  # activations, their derivatives and parameters, losses, updates, those of groups
    modules = products, regularization, normalization, scaling, members, sparse, embedding, paper
    loops = [*tables, *map(vars, modules)]  # as printed, where they are
    found = [kernel for table in loops for kernel in table.values() if isinstance(kernel, PlainLoop)]
    assert {name: KERNELS[name].kernel for name in PLAIN} == {kernel.__name__: kernel for kernel in found}
    alone = {name for name in KERNELS if name not in PLAIN and not KERNELS[name].reference}
    in_their_own_tests = {"fast_pack", "fast_unpack", "fast_shuffle"}  # test_fast_kernels.py, test_shuffle.py
    assert set(ORACLES) == {*PLAIN, *alone} - in_their_own_tests
    assert all(entry.name == name for name, entry in KERNELS.items())
    assert all(KERNELS[name].kernel.__name__ == name for name in PLAIN)


@pytest.mark.parametrize("name", [name for name in KERNELS if name not in PLAIN])
def test_a_fast_kernel_is_entered_as_its_reference_is(name):
    entry, reference = KERNELS[name], KERNELS[name].reference
    assert name.startswith("fast_")
    if reference:
        assert reference is KERNELS[reference.name] and reference.name in PLAIN
        endings = "", "_row", "_tail_row", "_in_place", "_output", "_output_row"
        assert name.removeprefix(f"fast_{reference.name}") in endings
        for what in ("equations", "arguments", "flop", "reads"):
            assert getattr(entry, what) == getattr(reference, what)
        inspect.signature(entry.adapter).bind(*inspect.signature(reference.kernel).parameters)  # takes as many


def equations_in(docstring):
    numbers = set()
    for listed in re.findall(r"\beqs?\. ([\d, -]+)", docstring):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
            numbers.update(range(int(first), int(last or first) + 1))
    return numbers


@pytest.mark.parametrize("name", KERNELS)
def test_docstring_names_equations_and_each_arguments_direction_and_shape(name):
    entry = KERNELS[name]
    if entry.documented.__module__ == paper.__name__:  # others may cite equations of other papers
        assert equations_in(entry.documented.__doc__) == set(entry.equations)
    arguments = entry.directions
    shapes = {"y": "B,", "order": "B,", "B": "B,", "I": "I,", "O": "O,"}
    shapes |= {"entries": "N,", "columns": "N,", "ends": "B,", "indptr": "B + 1,", "bounds": "I + 1,"}
    shapes["levels"] = "B,"
    for word, (argument, (direction, shape)) in zip(entry.arguments.split(), arguments.items(), strict=True):
        kind, _, word = word.rpartition(":")
        scalar = word[0].isdigit() or "," in word
        wanted = None if scalar else shapes.get(word, "n," if word.endswith("*") else ", ".join(word))
        assert shape == ("panels," if kind == "panels" else wanted), f"{argument} is registered as {word!r}"
        assert direction in ((None,) if scalar else ("in", "out", "in, out"))
    order = ["scalar" if direction is None else direction.split(", ")[-1] for direction, _ in arguments.values()]
    assert order == sorted(order, key=["out", "in", "scalar"].index) and order[0] == "out"


@pytest.mark.parametrize("name", KERNELS)
def test_cost_is_positive_whole_and_counts_each_argument_once(name, dtype, hard_shapes, rng):
    entry = KERNELS[name]
    for shape in hard_shapes[::7]:
        flop, traffic = entry.flop(*shape), entry.bytes(*shape, dtype.itemsize)
        assert type(flop) is type(traffic) is int
        assert traffic > 0 and (flop > 0 or (entry.reference or entry).name in WITHOUT_ARITHMETIC)
        times = [{None: 0, "in": 1, "out": 1, "in, out": 2}[direction] for direction, _ in entry.directions.values()]
        sizes = [np.size(argument) for argument in entry.sample(*shape, dtype, rng)]
        elements = sum(many * size for many, size in zip(times, sizes, strict=True))
        if "panels" in entry.arguments:  # what fills panels up is not counted
            elements = 2 * shape[1] * shape[2]
        if name == "cross_entropy":  # reads one probability a row
            elements = 3 * shape[0]
        assert traffic == elements * dtype.itemsize


# ---- values that want care -----------------------------------------------------------------------------------------


def test_no_overflow_at_huge_logits(dtype):
    t = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]], dtype)
    z, dt, e = np.full_like(t, np.nan), np.full_like(t, np.nan), np.full(3, np.nan, dtype)
    paper.softmax(z, t)
    third = dtype.type(1) / dtype.type(3)
    assert z.tolist() == [[1, 0, 0], [third] * 3, [0.5, 0.5, 0]]
    errors = []
    for y in range(3):
        paper.softmax_cross_entropy(dt, e, t, np.full(3, y))
        np.testing.assert_allclose(dt, (z - np.eye(3)[y]) / 3, rtol=0, atol=np.finfo(dtype).eps / 9)
        errors.append(e.copy())
    ln2, ln3 = np.log(dtype.type(2)), np.log(dtype.type(3))
    np.testing.assert_allclose(np.transpose(errors), [[0, 2e4, 1e4], [ln3] * 3, [ln2, ln2, 2e4 + ln2]], rtol=1e-6)


def test_nan_in_a_row_of_logits_stays_in_its_row(dtype):
    t = np.array([[1, 2], [np.nan, 0], [0, np.nan], [2, 1]], dtype)
    z = np.zeros_like(t)
    paper.softmax(z, t)
    assert np.isnan(z).all(1).tolist() == [False, True, True, False]
    assert np.isfinite(z[[0, 3]]).all()


def test_relu_and_its_derivative_at_the_edges(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    t = np.array([-np.inf, -1, -tiny, -0.0, 0.0, tiny, 1, np.inf, np.nan], dtype)
    negative = [True, True, True, False, False, False, False, False]  # t, and h as the kernel leaves it: -0.0 is zero
    alone, fused = np.full((1, 9), np.inf, dtype), np.full((9, 1), np.inf, dtype)
    paper.relu(alone, t[None])
    paper.linear_relu(fused, t[:, None], np.ones((1, 1), dtype), np.array([-0.0], dtype))
    for h in (alone.ravel(), fused.ravel()):
        np.testing.assert_array_equal(h, [0, 0, 0, 0, 0, tiny, 1, np.inf, np.nan])
        assert np.signbit(h[:8]).tolist() == negative
        dt, dh = np.full((1, 9), np.nan, dtype), np.arange(3, 12, dtype=dtype)[None]
        paper.relu_backward(dt, dh, h[None])
        assert dt[0, :8].tolist() == [0, 0, 0, 6, 7, 8, 9, 10]  # F'(0) = 1 (eq. 41), whatever the sign of zero
        paper.linear_relu_backward_input(dt, dh, np.eye(9, dtype=dtype), h[None])
        assert dt[0, :8].tolist() == [0, 0, 0, 6, 7, 8, 9, 10]


def test_the_lowest_of_equal_classes_is_predicted():
    c = np.full(4, POISON)
    paper.predicted_class(c, np.array([[1.0, 3, 3], [2, 2, 2], [-1, -1, -2], [0.0, -0.0, 0.0]]))
    assert c.tolist() == [1, 0, 0, 0]


# ---- properties

KINDS = st.sampled_from([np.dtype("float32"), np.dtype("float64")])
GRID = st.integers(-1280, 1280).map(lambda k: k / 64)  # sums of these are exact


@st.composite
def cases(draw):
    """Logits and true classes of a batch."""
    B, O = draw(st.integers(1, 9)), draw(st.integers(1, 37))
    t = draw(arrays(draw(KINDS), (B, O), elements=GRID))
    return t, draw(arrays(np.int64, B, elements=st.integers(0, O - 1)))


def loss(t, y):
    dt, e = np.full_like(t, np.nan), np.full(len(t), np.nan, t.dtype)
    E = paper.softmax_cross_entropy(dt, e, t, y)
    return dt, e, E


@given(cases())
def test_softmax_gradients_sum_to_zero_along_a_row(case):
    dt, _, _ = loss(*case)
    bound = (dt.shape[1] + 8) * np.finfo(dt.dtype).eps / len(dt)
    assert all(abs(math.fsum(row)) <= bound for row in dt)


@given(cases(), st.integers(-6400, 6400))
def test_a_shift_of_the_logits_changes_no_bit(case, steps):
    t, y = case
    shifted = (t + steps / 64).astype(t.dtype)  # exact
    for before, after in zip(loss(t, y), loss(shifted, y), strict=True):
        assert np.array_equal(before, after)
    z, z_shifted = np.full_like(t, np.nan), np.full_like(t, np.nan)
    paper.softmax(z, t)
    paper.softmax(z_shifted, shifted)
    assert np.array_equal(z, z_shifted)


@given(cases(), st.integers(1, 17), st.integers(0, 2**32 - 1))
def test_the_gradient_of_a_batch_is_the_mean_of_its_rows_gradients(case, I, seed):
    t, y = case
    (B, O), eps = t.shape, np.finfo(t.dtype).eps
    x = np.random.default_rng(seed).uniform(-1, 1, (B, I)).astype(t.dtype)

    def gradients(rows):
        dt, _, E = loss(t[rows], y[rows])
        dW, db = np.full((I, O), np.nan, t.dtype), np.full(O, np.nan, t.dtype)
        paper.linear_backward_params(dW, db, x[rows], dt)
        return E, dW, db

    each = zip(*(gradients(slice(row, row + 1)) for row in range(B)), strict=True)
    for of_batch, of_rows in zip(gradients(slice(None)), each, strict=True):
        bound = (B + 8) * eps * (1 + np.mean(np.abs(of_rows), axis=0))
        assert np.all(abs(of_batch - np.mean(of_rows, axis=0, dtype=np.float64)) <= bound)
