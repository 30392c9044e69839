"""Every fast kernel on every hard shape, against the oracle of its plain loop, and what only the fast ones promise."""

import numpy as np
import pytest
from guarded import DTYPES, run
from oracles import expected

from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.engine import code, compilation
from fastbp.kernels.entries.records import Record, aligned
from fastbp.kernels.losses import LOSSES, POINT_LOSSES
from fastbp.kernels.machine.registers import ROWS, tile_shape
from fastbp.kernels.machine.tiles import LINE
from fastbp.kernels.optimizers import RULES
from fastbp.kernels.program.entry_records import PACKING
from fastbp.kernels.program.layout import parameter_table
from fastbp.kernels.registry import KERNELS
from fastbp.kernels.specification import paper
from fastbp.network import Network

WITH_REFERENCE = [name for name, entry in KERNELS.items() if entry.reference]
ALONE = [name for name, entry in KERNELS.items() if entry.adapter and not entry.reference]
EXACT = ["fast_pack", "fast_unpack", "fast_shuffle"]  # without an oracle: see below, and test_shuffle.py


@DTYPES
@pytest.mark.parametrize("name", [name for name in (*WITH_REFERENCE, *ALONE) if name not in EXACT])
def test_a_fast_kernel_is_right_on_every_hard_shape(name, dtype, hard_shapes, few_hard_shapes, rounding, rng):
    """Products have three sizes, of which all combinations are tried; of the other kernels' two all pairs.

    test_kernels.py holds the plain loops to the same oracles and bounds.
    """
    entry = KERNELS[name]
    tiny = np.finfo(dtype).tiny
    for shape in hard_shapes if "linear" in name else few_hard_shapes:
        arguments = entry.sample(*shape, dtype, rng)
        for out, (values, magnitude) in zip(run(entry, "fast", arguments), expected(entry, arguments), strict=False):
            bound = rounding(max(shape)) * magnitude + (tiny if np.any(magnitude) else 0)
            error = abs(out.astype(np.float64) - values)
            assert np.all(error <= bound), f"off by {error.max()} at B, I, O = {shape}"  # NaN fails, too


@DTYPES
@pytest.mark.parametrize("name", [*WITH_REFERENCE, *ALONE])
def test_the_same_bits_from_call_to_call(name, dtype, rng):
    entry = KERNELS[name]
    arguments = entry.sample(33, 37, 19, dtype, rng)
    for first, second in zip(run(entry, "fast", arguments), run(entry, "fast", arguments), strict=True):
        assert first.tobytes() == second.tobytes()


@DTYPES
def test_a_rows_results_do_not_depend_on_the_rows_beside_it(dtype, rng):
    passes = [name + end for name in ACTIVATIONS for end in ("", "_derivative")]
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
        for variant in ("fast", "reference"):
            dt, e = np.empty_like(t), np.empty(1, dtype)
            KERNELS[f"fast_{name}"].call(variant, dt, e, t, y, *numbers)
            assert dt.tolist() == [[1, -1]] and e.tolist() == [np.inf]


@pytest.mark.parametrize("end", ["", "_derivative"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_right_far_from_zero_and_near_it(name, end, dtype):
    near = np.geomspace(1e-30, 10, 300)
    t = np.concatenate([np.linspace(-700, 700, 701), np.linspace(-40, 40, 801), near, -near]).astype(dtype)[None]
    F = ACTIVATIONS[name]
    more = [np.full(t.shape[1], F.parameter[1], dtype)] if F.parameter else []
    if end and F.of_h:
        h = np.empty_like(t)
        KERNELS[f"fast_{name}"].call("fast", h, t)
        t = h
    [out] = run(KERNELS[f"fast_{name}{end}"], "fast", [t, t, *more])
    [(values, magnitude)] = expected(KERNELS[f"fast_{name}{end}"], [t, t, *more])
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
def test_a_row_is_correct_where_the_first_of_its_largest_logits_is_the_true_class(O, dtype, rng):
    B = 3 * ROWS + 1
    t, y = rng.integers(-2, 3, (B, O)).astype(dtype), rng.integers(0, O, B)  # many ties
    with KERNELS["fast_softmax_cross_entropy"].variants["fast"](np.empty_like(t), np.empty(B, dtype), t, y) as compute:
        compute()
        correct = compute.state.fields["correct_rows"][:B]
    c = np.empty(B, np.int64)
    paper.predicted_class(c, t)
    assert correct.tolist() == (c == y).tolist()


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
    KERNELS["fast_pack"].call("fast", P, M)
    for i, j in np.ndindex(high, wide):
        at = j // L * high * L + i * L + j % L
        assert P[at] == (M[i, j] if i < rows and j < columns else 7)
    KERNELS["fast_unpack"].call("fast", back, P)
    assert np.array_equal(back, M)


def test_parameters_lie_where_the_layout_says(dtype, rng):
    network = Network((5, 19, 1, 3), layer_norm=(True, False))
    layers, size = parameter_table(network.layer_sizes, network.stack, dtype)
    flat = rng.standard_normal(network.n_parameters).astype(dtype)
    P, back, record = aligned(size, dtype), np.full_like(flat, np.nan), Record(PACKING)
    record.fill({"panels": P, "flat": flat, "layers": layers, "n_layers": len(layers)})
    code.entry("pack_parameters", dtype)(record)
    for (W, *vectors), layer in zip(network.views(flat), layers, strict=True):
        weights = np.zeros_like(P[layer["W"] : layer["b"]])
        KERNELS["fast_pack"].call("fast", weights, W)
        assert np.array_equal(P[layer["W"] : layer["b"]], weights)
        starts = [layer["b"], *([layer["gain"], layer["gain"] + layer["columns"]] if layer["gain"] >= 0 else [])]
        for vector, start in zip(vectors, starts, strict=True):
            assert np.array_equal(P[start : start + len(vector)], vector)
    record["flat"] = back
    code.entry("unpack_parameters", dtype)(record)
    assert np.array_equal(back, flat) and np.count_nonzero(P) == len(flat)


@pytest.mark.parametrize("variant", ["fast", "reference"])
def test_kernels_of_groups_by_hand(variant, dtype):
    """With sigma 1/2: V is 4 and -2, dE/dV 2 and 4, and half of the rate 1/4 takes 1/8 of these."""
    arrays = {name: np.array(values, dtype) for name, values in {"W": [2, -1], "dW": [4, 8], "m": [1, 0]}.items()}
    own = 0.5, np.dtype(dtype).type(0.5)
    W, m, dW = arrays["W"].copy(), arrays["m"], arrays["dW"]
    KERNELS["fast_sgd_group_update"].call(variant, W, dW, (), 0.25, 1, *own)
    assert W.tolist() == [(4 - 0.25) / 2, (-2 - 0.5) / 2]
    W = arrays["W"].copy()
    KERNELS["fast_momentum_group_update"].call(variant, W, m, dW, (0.5,), 0.25, 1, *own)
    assert m.tolist() == [0.5 - 0.25, -0.5]  # m <- m / 2 - dE/dV / 8, then V <- V + m
    assert W.tolist() == [(4 + 0.25) / 2, (-2 - 0.5) / 2] and dW.tolist() == [4, 8]


# ---- the table and the tile ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def called():
    """Names of the kernels that entries call, and for what each is made: {name: set}."""
    found = {}
    for entry in (KERNELS[name] for name in (*WITH_REFERENCE, *ALONE)):
        with entry.variants["fast"](*entry.sample(3, 3, 3, "float32", np.random.default_rng(0))) as compute:
            compute()
            for kernel in compute.kernels:
                found.setdefault(getattr(kernel, "name", None), set()).add(getattr(kernel, "of", None))
    return found


def test_every_kernel_that_a_program_may_name_is_called_by_an_entry(called):
    in_whole_steps = {"row_block", "row_block_clocked", "prefetch_rows", "drop", "drop_below", "undo_scaling"}
    in_whole_steps |= {"activate_row", "output_row"}  # whose formulas have entries under these names
    in_whole_steps |= {"heads_forward", "heads_backward_params", "heads_backward_input", "heads_bias_backward"}
    in_whole_steps |= {"inputs_backward", "members_backward_params", "merge_members"}  # tests/test_members.py
    in_whole_steps |= set(compilation._BFLOAT16)  # which have a table of their own, in tests/test_bfloat16.py
    parametric = {name for name, F in ACTIVATIONS.items() if F.parameter}
    unused = set() if parametric else {"parameter_backward"}
    named = {*compilation._PLAIN, *compilation._MAKERS, *compilation._SPARSE, "gather"}
    assert set(called) - {None} == named - in_whole_steps - unused


def test_what_is_listed_has_an_entry(called):
    assert called["activate"] == called["derive"] | {name for name, F in ACTIVATIONS.items() if F.parameter}
    assert called["activate"] == set(ACTIVATIONS)
    assert called["loss"] == set(LOSSES) | set(POINT_LOSSES)
    assert called["predict"] == {loss.link for loss in LOSSES.values()}
    assert called["update"] == {None, *called["update_groups"]} == {None, *RULES}


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
