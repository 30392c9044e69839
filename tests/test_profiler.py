"""The profiler: its steps are real ones, its counts right, its times add up, and its files are what they should be."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from profiles import BENT, NETWORKS, rows

import fastbp
from fastbp.execution import threads
from fastbp.inspection.profiler import costs, peaks, saved, steps, tables
from fastbp.inspection.profiler.assembly import Counts
from fastbp.kernels.program.phases import Kernel
from fastbp.optimizers import SGD

MACHINE = peaks.Machine("a CPU", 2, 512, 200.0, 40.0)


@pytest.fixture
def profiled(monkeypatch, rng):
    """Profile a model of these settings on a machine of known speed."""
    monkeypatch.setattr(steps, "measure", lambda n_threads, dtype, precision: replace(MACHINE, threads=n_threads))
    monkeypatch.setattr(steps, "counts", lambda name, dtype: Counts(512, 2, 3, 0, 0))

    def profile(sizes, batch_size, count=3, **settings):
        model = fastbp.Model(sizes, seed=0, **settings)
        return fastbp.profile(model, *rows(model, 2 * batch_size, rng), batch_size=batch_size, steps=count)

    return profile


# ---- counts --------------------------------------------------------------------------------------------------------


def test_flop_of_a_network_counted_by_hand(profiled):
    found = profiled((3, 4, 2), 5, count=7)
    flop = {(row.name, row.layer): row.flop / 7 for row in found.kernels if row.product}
    assert flop == {
        ("fast_linear_relu", 1): 2 * 5 * 3 * 4,
        ("fast_linear", 2): 2 * 5 * 4 * 2,
        ("fast_linear_descent", 1): 2 * 5 * 3 * 4,
        ("fast_linear_descent", 2): 2 * 5 * 4 * 2,
        ("fast_linear_relu_backward_input", 2): 2 * 5 * 4 * 2,
    }
    others = {(row.name, row.layer): (row.flop / 7, row.bytes / 7) for row in found.kernels if not row.product}
    assert others["fast_softmax_cross_entropy", 2] == (6 * 5 * 2 + 4 * 5, 4 * (2 * 5 * 2 + 2 * 5))
    assert others["fast_gather", None][1] == 4 * (2 * 5 * 3 + 5 + 2 * 3)


@pytest.mark.parametrize("sizes, batch_size, settings", NETWORKS)
def test_the_products_of_a_step_take_6_B_I_O_but_for_the_inputs_gradient(sizes, batch_size, settings, profiled):
    found = profiled(sizes, batch_size, **settings)
    products = sum(row.flop for row in found.kernels if row.product)
    pairs = list(zip(sizes, sizes[1:], strict=False))
    assert products == 3 * batch_size * (6 * sum(i * o for i, o in pairs) - 2 * sizes[0] * sizes[1])
    assert sum(row.product for row in found.kernels) == 3 * len(pairs) - 1
    assert all(row.product == ("linear" in row.name) for row in found.kernels)


def test_each_block_reads_the_weights_and_the_update_their_gradients(profiled):
    whole, split = costs.Step, fastbp.Model((20, 100, 2), optimizer="adam")
    once, twice = (whole(split.network, 200, split.dtype, blocks, False) for blocks in (1, 2))
    params = [costs.cost(Kernel("linear_backward_params"), 0, step) for step in (once, twice)]
    assert params[0].flop == params[1].flop == 2 * 200 * 20 * 100
    assert params[1].bytes - params[0].bytes == 4 * (20 * 100 + 100)
    n = split.network.n_parameters
    adam = Kernel("update", "adam")
    update = [costs.cost(adam, 0, step) for step in (once, twice)]
    assert [each.bytes for each in update] == [4 * 7 * n, 4 * 8 * n] and update[0].layer is None
    copied = costs.cost(adam, 0, whole(split.network, 200, split.dtype, 2, False, copies=2))
    assert (copied.flop, copied.bytes) == (2 * update[1].flop, 2 * update[1].bytes)


@pytest.mark.parametrize(
    "settings, names",
    [
        ({}, {"fast_linear_relu", "fast_linear_descent", "fast_linear_relu_backward_input"}),
        ({"optimizer": "adam"}, {"fast_linear_backward_params", "fast_adam_update"}),
        ({"activation": "tanh"}, {"fast_linear", "fast_tanh", "fast_tanh_derivative"}),
        (
            {"dropout": 0.5, "optimizer": SGD(momentum=0.5, nesterov=True)},
            {"fast_dropout", "fast_relu", "fast_relu_derivative", "fast_nesterov_update", "undo_scaling"},
        ),
        ({"clip_norm": 1.0, "label_smoothing": 0.1}, {"fast_limit", "fast_smoothed_cross_entropy"}),
        ({"loss": "squared_error"}, {"fast_squared_error"}),
        (
            {"layer_norm": True, "activation": "gelu"},
            {"fast_layer_norm", "fast_layer_norm_backward_params", "fast_layer_norm_backward_input", "fast_gelu"},
        ),
    ],
)
def test_rows_bear_the_registrys_names_and_equations(settings, names, profiled):
    found = profiled((9, 8, 7), 6, **settings)
    assert names | {"fast_gather"} <= {row.name for row in found.kernels}
    assert len({(row.name, row.layer) for row in found.kernels}) == len(found.kernels)
    for row in found.kernels:
        if row.name not in ("prefetch_rows", "undo_scaling"):  # have no entry
            assert row.equations == costs.KERNELS[row.name].equations and row.bytes > 0
        assert (row.layer is None) == (row.name.endswith(("prefetch_rows", "gather", "update", "limit")))


def test_a_kernel_that_nobody_knows_has_a_row():
    model = fastbp.Model((3, 4, 2))
    step = costs.Step(model.network, 5, model.dtype, 1, True)
    assert costs.cost(Kernel("new_kernel"), 1, step) == costs.Cost("new_kernel", 2, (), False, 0, 0)


def test_an_activation_of_the_users_has_rows_of_its_name(profiled):
    found = profiled((9, 8, 7), 6, activation=BENT)
    rows = {row.name: row for row in found.kernels}
    assert rows["bent"].layer == rows["bent_derivative"].layer == 1
    assert rows["bent"].calls == 3 and rows["bent"].seconds > 0 and rows["bent"].bytes == 0
    assert "fast_linear_hadamard_backward_input" in rows


def test_rows_of_one_worker_stand_in_the_program_and_prefetch_where_it_takes_whole_minibatches(profiled):
    alone = profiled((9, 8, 7), 6, n_threads=1)
    assert {(row.name, row.layer): row.calls for row in alone.kernels} == {
        ("fast_gather", None): 3, ("fast_linear_relu", 1): 3, ("fast_linear", 2): 3,
        ("fast_softmax_cross_entropy", 2): 3, ("fast_transpose", 2): 3, ("fast_linear_descent", 2): 3,
        ("fast_linear_relu_backward_input", 2): 3, ("fast_bias_backward", 2): 3, ("fast_linear_descent", 1): 3,
        ("fast_bias_backward", 1): 3, ("prefetch_rows", None): 3,
    }  # fmt: skip
    blocks = profiled((20, 100, 2), 200, n_threads=1)
    assert next(row.calls for row in blocks.kernels if row.name == "prefetch_rows") == 3 * 2 * 5  # phases of a block


# ---- the profile ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes, batch_size, settings", NETWORKS[::2])
def test_times_add_up(sizes, batch_size, settings, profiled):
    found = profiled(sizes, batch_size, count=5, **settings)
    step = found.step
    assert step.count == 5 and step.seconds_unprofiled > 0
    assert 0 < step.kernel_seconds <= step.seconds
    assert math.isclose(step.kernel_seconds + step.outside_seconds, step.seconds)
    assert math.isclose(sum(row.seconds for row in found.kernels), 5 * step.kernel_seconds)
    for row in found.kernels:
        replicas = row.name.endswith("_update") and row.calls <= 10  # a worker copies the leader's for those it missed
        assert row.calls >= 5 and (replicas or row.calls % 5 == 0)
        assert 1 / found.machine.threads - 1e-9 <= row.efficiency <= 1 + 1e-9  # one thread at least
        assert math.isclose(row.gflops, row.flop / row.seconds / 1e9)
        assert math.isclose(row.peak_share, row.gflops / 200)
        assert math.isclose(row.memory_share, row.bytes / row.seconds / 40e9)
        reached = row.peak_share / row.efficiency >= 0.5, row.memory_share > 1, row.memory_share >= 0.5
        order = zip(("compute", "cache", "memory"), reached, strict=True)
        assert row.bound == (next((name for name, yes in order if yes), "neither") if row.bytes else "")
    assert [row.seconds for row in found.kernels] == sorted((row.seconds for row in found.kernels), reverse=True)


def test_a_profile_from_end_to_end(tmp_path, rng):
    model = fastbp.Model((20, 100, 2), seed=0)
    X, y = rows(model, 500, rng)
    model.fit(X, y, epochs=1, verbose=0)
    before = model.get_state()
    found = fastbp.profile(model, X, y, batch_size=200, seconds=0.05)
    after = model.get_state()
    assert before["steps"] == after["steps"] and before["random"] == after["random"]
    np.testing.assert_array_equal(before["parameters"], after["parameters"])
    assert isinstance(found, fastbp.Profile) and found.step.seconds * found.step.count >= 0.05
    assert found.machine.peak_gflops > 0 < found.machine.bandwidth_gbs and found.machine.threads == threads.most()

    found.save(tmp_path / "profile.json")
    assert saved.read(tmp_path / "profile.json") == json.loads(json.dumps(found.to_dict()))
    assert_form(found.to_dict())
    text = str(found)
    assert all(row.name in text for row in found.kernels) and found.machine.cpu in text
    assert "outside" in text and "without clocks" in text


def assert_form(profile):
    """The form of the JSON: names and kinds of all that is in it."""
    number = (int, float)
    kernel = {
        "name": str, "layer": (int, type(None)), "equations": (tuple, list), "product": bool, "calls": int,
        "seconds": number, "flop": int, "bytes": int, "gflops": number, "peak_share": number,
        "memory_share": number, "bound": str,
        "efficiency": number, "simd": (dict, type(None)),
    }  # fmt: skip
    form = {
        "machine": {"cpu": str, "threads": int, "simd_bits": int, "peak_gflops": number, "bandwidth_gbs": number}
        | {"bfloat16_gflops": number, "granted": number},
        "step": dict.fromkeys(("seconds", "kernel_seconds", "outside_seconds", "seconds_unprofiled"), number)
        | {"count": int},
        "compile": {"seconds": number, "cache_hits": int},
    }
    assert set(profile) == {*form, "kernels"}
    for part, kinds in [
        *((profile[name], form[name]) for name in form),
        *((row, kernel) for row in profile["kernels"]),
    ]:
        assert set(part) == set(kinds)
        assert all(isinstance(part[name], kind) for name, kind in kinds.items())
    for row in profile["kernels"]:
        if row["simd"]:
            assert set(row["simd"]) == {"width_bits", "fma", "packed", "scalar", "gathers"}
        assert row["bound"] in ("compute", "memory", "cache", "neither", "")


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"batch_size": 0}, "batch_size"),
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": math.nan}, "seconds"),
        ({"X": np.zeros((2, 5))}, "X"),
        ({"y": [0, 9]}, "y"),
    ],
)
def test_bad_input_is_named(wrong, message):
    given = {"X": np.zeros((2, 3)), "y": [0, 1]} | wrong
    with pytest.raises((ValueError, TypeError), match=rf"^{message}\b"):
        fastbp.profile(fastbp.Model((3, 4, 2)), given.pop("X"), given.pop("y"), **given)


def test_only_fast_kernels_are_profiled():
    with pytest.raises(ValueError, match="'fast'.*'elementwise'"):
        fastbp.profile(fastbp.Model((3, 4, 2), kernels="elementwise"), np.zeros((2, 3)), [0, 1])


# ---- two profiles --------------------------------------------------------------------------------------------------


def profile_of(seconds, count, **machine):
    rows = [{"name": name, "layer": layer, "seconds": each} for (name, layer), each in seconds.items()]
    known = {"cpu": "a", "threads": 2, "simd_bits": 512, "peak_gflops": 200.0, "bandwidth_gbs": 40.0}
    step = {"count": count, "seconds": 2e-3, "kernel_seconds": 1.5e-3, "seconds_unprofiled": 1.9e-3}
    return {"machine": known | machine, "kernels": rows, "step": step}


def test_profiles_are_compared_step_by_step():
    a = profile_of({("fast_linear", 1): 1e-2, ("fast_gather", None): 1e-3}, 10)
    b = profile_of({("fast_linear", 1): 1e-2, ("fast_tanh", 2): 4e-6}, 20)
    lines = [line.split() for line in tables.compared(a, b).splitlines()]
    assert lines[1] == ["fast_linear", "1", "1", "ms", "500", "us", "0.50"]
    assert lines[2] == ["fast_gather", "100", "us"] and lines[3] == ["fast_tanh", "2", "200", "ns"]
    assert lines[5] == ["step", "2", "ms", "2", "ms", "1.00"]
    assert "different machines" not in tables.compared(a, b)
    assert "different machines" in tables.compared(a, profile_of({("fast_linear", 1): 1.0}, 1, threads=1))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"machine": {}, "kernels": [], "step": {}}', "\x00", '{"kernels": 3}']
)
def test_what_is_no_profile_is_refused(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json: not a profile"):
        saved.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    "part, name, value",
    [("step", "count", 0), ("step", "count", "3"), ("machine", "cpu", 3), ("step", "seconds", None)],
)
def test_a_profile_of_other_numbers_is_refused(part, name, value, tmp_path):
    profile = profile_of({("fast_linear", 1): 1e-2}, 10)
    (tmp_path / "a.json").write_text(json.dumps(profile))
    assert saved.read(tmp_path / "a.json") == profile
    profile[part][name] = value
    (tmp_path / "a.json").write_text(json.dumps(profile))
    with pytest.raises(ValueError, match=r"a\.json: not a profile"):
        saved.read(tmp_path / "a.json")


def test_numbers_as_people_write_them():
    assert [tables.duration(s) for s in (2.5, 1e-3, 4.56789e-5, 3e-9, 0.0)] == [
        "2.5 s",
        "1 ms",
        "45.7 us",
        "3 ns",
        "0 ns",
    ]
    assert tables.spans((6, 7, 8, 40)) == "6-8, 40" and tables.spans(()) == "" and tables.spans((5,)) == "5"
