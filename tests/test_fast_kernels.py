"""Every fast kernel against its plain twin on every hard shape, and what only the fast ones promise."""

import inspect

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from oracles import expected, run

from fastbp.kernels import (
    activation,
    build,
    elementwise,
    linear,
    loss,
    normalization,
    panels,
    parameters,
    shuffle,
    twin_phases,
    twins,
    workspace,
)
from fastbp.kernels import row as rows
from fastbp.kernels.registry import KERNELS
from fastbp.kernels.simd import LINE
from fastbp.kernels.tile import ROWS, tile_shape
from fastbp.kernels.workspace import batch_rows, labels_dtype
from fastbp.network import Network

TWINS = [name for name, entry in KERNELS.items() if entry.twin]
ALONE = [name for name, entry in KERNELS.items() if entry.adapter and not entry.twin]


@pytest.mark.parametrize("name", TWINS)
def test_a_fast_kernel_agrees_with_its_twin_on_every_hard_shape(name, dtype, hard_shapes, rounding, rng):
    entry = KERNELS[name]
    tiny = np.finfo(dtype).tiny
    for shape in hard_shapes:
        arguments = entry.sample(*shape, dtype, rng)
        fast, twin = run(entry, "fast", arguments), run(entry, "twin", arguments)
        for out, same, (_, magnitude) in zip(fast, twin, expected(entry, arguments), strict=False):
            bound = rounding(max(shape)) * magnitude + (tiny if np.any(magnitude) else 0)
            error = abs(out.astype(np.float64) - same)
            assert np.all(error <= 2 * bound), f"off by {error.max()} at B, I, O = {shape}"  # NaN fails, too


@pytest.mark.parametrize("name", [*TWINS, *ALONE])
def test_a_fast_kernel_is_right(name, dtype, few_hard_shapes, rounding, rng):
    entry = KERNELS[name]
    tiny = np.finfo(dtype).tiny
    for shape in few_hard_shapes:
        arguments = entry.sample(*shape, dtype, rng)
        for out, (values, magnitude) in zip(run(entry, "fast", arguments), expected(entry, arguments), strict=False):
            bound = rounding(max(shape)) * magnitude + (tiny if np.any(magnitude) else 0)
            error = abs(out.astype(np.float64) - values)
            assert np.all(error <= bound), f"off by {error.max()} at B, I, O = {shape}"


@pytest.mark.parametrize("name", [*TWINS, *ALONE])
def test_the_same_bits_from_call_to_call(name, dtype, rng):
    entry = KERNELS[name]
    arguments = entry.sample(33, 37, 19, dtype, rng)
    for first, second in zip(run(entry, "fast", arguments), run(entry, "fast", arguments), strict=True):
        assert first.tobytes() == second.tobytes()


def test_a_rows_results_do_not_depend_on_the_rows_beside_it(dtype, rng):
    passes = [name + end for name in activation.ACTIVATIONS for end in ("", "_derivative")]
    names = "linear_relu", "linear_relu_backward_input", "softmax", "layer_norm", "layer_norm_backward_input"
    for name in (f"fast_{name}" for name in (*names, *passes)):
        entry = KERNELS[name]
        together = entry.sample(ROWS + 1, 37, 19, dtype, rng)
        whole = run(entry, "fast", together)
        for row in range(ROWS + 1):
            alone = [a[row : row + 1] if len(a) == ROWS + 1 else a for a in together]
            for single, of_all in zip(run(entry, "fast", alone), whole, strict=True):
                assert single.tobytes() == of_all[row].tobytes()


# ---- signs, infinities and ties ------------------------------------------------------------------------------------


def test_relu_leaves_minus_zero_where_t_is_negative_and_the_gradient_reads_it(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    t = np.array([-np.inf, -1, -tiny, -0.0, 0.0, tiny, 1, np.inf, np.nan], dtype)
    h, dt, dh = np.empty((1, 9), dtype), np.empty((1, 9), dtype), np.arange(3, 12, dtype=dtype)[None]
    KERNELS["fast_linear_relu"].call("fast", h, np.zeros((1, 1), dtype), np.ones((1, 9), dtype), t)
    np.testing.assert_array_equal(h[0], [0, 0, 0, 0, 0, tiny, 1, np.inf, np.nan])
    assert np.signbit(h[0, :8]).tolist() == [True] * 3 + [False] * 5
    h[0, 8] = 1  # NaN has a sign, too
    KERNELS["fast_linear_relu_backward_input"].call("fast", dt, dh, np.eye(9, dtype=dtype), h)
    assert dt[0].tolist() == [0, 0, 0, 6, 7, 8, 9, 10, 11]  # F'(0) = 1 (eq. 41)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_a_pass_leaves_the_signs_that_its_derivative_reads(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    t = np.array([[-np.inf, -1, -tiny, -0.0, 0.0, tiny, 1, np.inf, np.nan]], dtype)
    h, same, d = np.empty_like(t), np.empty_like(t), np.empty_like(t)
    KERNELS[f"fast_{name}"].call("fast", h, t)
    KERNELS[name].call("serial", same, t)
    np.testing.assert_array_equal(h, same)
    assert np.signbit(h[0, :8]).tolist() == [True] * 3 + [False] * 5
    KERNELS[f"fast_{name}_derivative"].call("fast", d, h)
    below = dtype.type({"relu": 0, "leaky_relu": 0.01}[name])
    assert d[0, :8].tolist() == [below] * 3 + [1] * 5  # F'(0) = 1, whatever the sign of zero


def test_errors_whose_gradient_is_bounded_have_it_at_infinity(dtype):
    t, y = np.array([[np.inf, -np.inf]], dtype), np.zeros((1, 2), dtype)
    for name, numbers in (("absolute_error", ()), ("huber", (1.0,))):
        for variant in ("fast", "twin"):
            dt, e = np.empty_like(t), np.empty(1, dtype)
            KERNELS[f"fast_{name}"].call(variant, dt, e, t, y, *numbers)
            assert dt.tolist() == [[1, -1]] and e.tolist() == [np.inf]


@pytest.mark.parametrize("end", ["", "_derivative"])
@pytest.mark.parametrize("name", activation.ACTIVATIONS)
def test_an_activation_is_right_far_from_zero_and_near_it(name, end, dtype):
    near = np.geomspace(1e-30, 10, 300)
    t = np.concatenate([np.linspace(-700, 700, 701), np.linspace(-40, 40, 801), near, -near]).astype(dtype)[None]
    if end and name not in activation.REMEMBERED:
        h = np.empty_like(t)
        KERNELS[f"fast_{name}"].call("fast", h, t)
        t = h
    [out] = run(KERNELS[f"fast_{name}{end}"], "fast", [t, t])
    [(values, magnitude)] = expected(KERNELS[f"fast_{name}{end}"], [t, t])
    limits = np.finfo(dtype)
    lost = np.any(magnitude) * float(limits.tiny) * (1 + abs(t))  # where a factor of t is no normal number
    assert np.all(abs(out - values) <= 4 * float(limits.eps) * magnitude + lost)


def test_no_overflow_at_huge_logits_and_nan_stays_in_its_row(dtype):
    t = np.full((5, 16), -1e4, dtype)  # whole vectors: what fills up a row of NaN is NaN, too
    t[:, :3] = [[1e4, -1e4, 0], [-1e4, -1e4, 1e4], [1e4, 1e4, -1e4], [0, np.nan, 0], [np.nan, 0, 0]]
    z, dt, e, y = np.empty_like(t), np.empty_like(t), np.empty(5, dtype), np.array([1, 2, 0, 0, 0])
    KERNELS["fast_softmax"].call("fast", z, t)
    assert z[:3, :3].tolist() == [[1, 0, 0], [0, 0, 1], [0.5, 0.5, 0]] and not z[:3, 3:].any()
    KERNELS["fast_softmax_cross_entropy"].call("fast", dt, e, t, y)
    np.testing.assert_allclose(e[:3], [2e4, 0, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(dt[:3], (z[:3] - np.eye(16)[y[:3]]) / 5, rtol=1e-6)
    assert np.isnan(z[3:]).all() and np.isnan(dt[3:]).all() and np.isnan(e[3:]).all()


@pytest.mark.parametrize("O", [1, 2, 10, 37])
def test_a_row_is_right_where_the_first_of_its_largest_logits_is_the_true_class(O, dtype, rng):
    B, L = 3 * ROWS + 1, LINE // dtype.itemsize
    rows, columns = batch_rows(B, dtype), -(-O // L) * L
    t, labels = rng.integers(-2, 3, (B, O)).astype(dtype), np.zeros(rows, labels_dtype(dtype))  # many ties
    labels[:B] = rng.integers(0, O, B)
    T, right = np.zeros((columns // L, rows, L), dtype), np.full(rows, np.nan, dtype)
    for j in range(O):
        T[j // L, :B, j % L] = t[:, j]
    e, w = np.empty(rows, dtype), np.ones(rows, dtype)
    loss.softmax_cross_entropy(T.ravel(), e, right, labels, w, rows, 0, rows, O, 1 / B, np.inf, 0.0)
    c = np.empty(B, np.int64)
    elementwise.predicted_class(c, t)
    assert right[:B].tolist() == (c == labels[:B]).tolist()


# ---- rows from outside, and panels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("X_dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("scaled", [True, False])
def test_rows_of_any_dtype_are_gathered(X_dtype, scaled, dtype, rng):
    eps = np.finfo(dtype).eps
    for I in (1, 7, 8, 9, 15, 16, 17, 37, 129):
        X, order = (255 * rng.random((61, I))).astype(X_dtype), rng.integers(0, 61, 33)
        shift, scale = (rng.random(I), 1 + rng.random(I)) if scaled else (np.zeros(I), np.ones(I))
        x = np.full((33, I), np.nan, dtype)
        KERNELS["fast_gather"].call("fast", x, X, order, shift, scale)
        wanted = (X[order].astype(np.float64) - shift) * scale
        magnitude = (X[order].astype(np.float64) + shift) * scale
        assert np.all(abs(x - wanted) <= 4 * eps * magnitude if scaled else x == X[order].astype(dtype))


@pytest.mark.parametrize("rows, columns", [(1, 1), (7, 9), (8, 8), (16, 16), (17, 33), (37, 2)])
def test_panels_are_columns_of_cache_lines_and_unpack_undoes_pack(rows, columns, dtype, rng):
    L = LINE // dtype.itemsize
    M = rng.standard_normal((rows, columns)).astype(dtype)
    high, wide = -(-rows // L) * L, -(-columns // L) * L
    P, back = np.full(high * wide, 7, dtype), np.full_like(M, np.nan)
    panels.pack(P, M)
    for i, j in np.ndindex(high, wide):
        at = j // L * high * L + i * L + j % L
        assert P[at] == (M[i, j] if i < rows and j < columns else 7)
    panels.unpack(back, P)
    assert np.array_equal(back, M)


def test_parameters_lie_where_the_layout_says(dtype, rng):
    network = Network((5, 19, 1, 3), "relu", layer_norm=(True, False))
    layers, size, _ = workspace.layout(network.layer_sizes, 1, dtype, network.layer_norms)
    flat = rng.standard_normal(network.n_parameters).astype(dtype)
    P, back = np.zeros(size, dtype), np.full_like(flat, np.nan)
    parameters.pack(P, flat, layers)
    for (W, *vectors), layer in zip(network.views(flat), layers, strict=False):
        weights = np.zeros_like(P[layer[workspace.W_AT] : layer[workspace.B_AT]])
        panels.pack(weights, W)
        assert np.array_equal(P[layer[workspace.W_AT] : layer[workspace.B_AT]], weights)
        starts = layer[workspace.B_AT], layer[workspace.G_AT]
        for vector, start in zip(vectors[:2], starts, strict=False):
            assert np.array_equal(P[start : start + len(vector)], vector)
    parameters.unpack(back, P, layers)
    assert np.array_equal(back, flat) and np.count_nonzero(P) == len(flat)


# ---- the table and the tile ----------------------------------------------------------------------------------------


MODULES = linear, loss, normalization, panels, rows, shuffle


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_compiled_function_is_reached_from_the_registry(module):
    functions = {
        name
        for name, function in vars(module).items()
        if isinstance(function, Dispatcher)
        and function.__module__ == module.__name__
        and not function.targetoptions.get("forceinline")
        and not name.startswith("_")
    }
    text = inspect.getsource(twins) + inspect.getsource(twin_phases)
    entered = {entry.kernel.__name__ for entry in KERNELS.values()}
    assert functions
    assert not {name for name in functions - entered if f".{name}(" not in text}


def test_every_pass_that_is_compiled_has_an_entry_and_a_twin():
    entered = {entry.kernel for entry in KERNELS.values() if entry.twin in KERNELS}
    tables = [things for name, things in vars(build).items() if name.isupper() and isinstance(things, dict)]
    assert len(tables) == 5  # activations, their derivatives, outputs, errors, updates
    for name, function in (item for table in tables for item in table.items()):
        kernel = inspect.getclosurevars(function).nonlocals.get("kernel", function)  # of a phase that calls one
        assert kernel in entered, f"{name} of {kernel.__module__} wants an entry in registry.py"
    tools = {"_jit", "pointer", "workspace"}
    single = {
        function
        for function in vars(build).values()
        if inspect.isfunction(function)
        and function.__module__ != build.__name__
        and function.__module__.rpartition(".")[2] not in tools
    }
    made_up_of_kernels = {build.forward, build.backward, build.block, build.train, build.train_replicas, build.launch}
    of_normalized_layers = {build.normalize, build.gain_backward, build.normalize_backward}
    assert single - entered == made_up_of_kernels | of_normalized_layers


def test_a_tiles_sums_fit_the_vector_registers():
    for features, machine, registers, bytes_each in [
        ("+avx512f,+avx", "x86_64", 32, 64),
        ("+avx2,+avx", "x86_64", 16, 32),
        ("+sse2", "x86_64", 16, 16),
        ("", "aarch64", 32, 16),
    ]:
        rows, vectors = tile_shape(features, machine)
        used = (rows * vectors + vectors) * LINE // bytes_each + 1  # the sums, a row of B and a splat of A
        assert used <= registers and 32 % rows == 0
