"""Scaling layers, V of W = V / sqrt(inputs), and learning rates of parameters by kind."""

import copy
import re

import numpy as np
import pytest
from scipy import sparse

import fastbp
from fastbp.data.labelled import labelled
from fastbp.kernels.program.state import lanes_of
from fastbp.optimizers import SGD, Adam, AdamW, Lion, NAdam, RMSprop

SETTINGS = {
    "scales": {"scaling_layer": True},
    "ntk": {"parametrization": "ntk"},
    "rates": {"rate_factors": {"b": 0.1, "W": 2.0}},
    "all": {"scaling_layer": True, "parametrization": "ntk", "rate_factors": {"b": 0.1, "scales": 6}},
    "penalties": {"scaling_layer": True, "parametrization": "ntk", "l1": 0.01, "l2": 0.1},
    "limits": {"scaling_layer": True, "parametrization": "ntk", "clip_value": 0.01, "clip_norm": 0.05},
    "vectors": {
        "scaling_layer": True,
        "layer_norm": True,
        "activation": "prelu",
        "dropout": 0.25,
        "rate_factors": {"gain": 3, "slope": 0.3},
    },
}


OF_OPTIMIZERS = "learning_rate", "parametrization", "rate_factors", "epsilon"


def data(I, rows, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, I)), rng.integers(0, classes, rows)


def made(sizes, dtype="float64", kernels="fast", **settings):
    optimizer = {name: settings.pop(name) for name in OF_OPTIMIZERS if name in settings}
    settings["optimizer"] = {"name": settings.get("optimizer", "adam"), **optimizer}
    model = fastbp.Model(sizes, **{"activation": "selu", "seed": 1} | settings, dtype=dtype, kernels=kernels)
    model.scales[:] = np.random.default_rng(2).uniform(-2, 2, len(model.scales))
    return model


def everything(model):
    state = model.get_state()
    return np.concatenate([state["parameters"], *state["optimizer"].values()])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion"])
def test_fast_and_elementwise_steps_agree(settings, optimizer):
    lanes = lanes_of(np.float64)
    for I, hidden in [(1, 1), (lanes - 1, lanes + 1), (lanes, 13), (2 * lanes + 1, 31)]:
        X, y = data(I, 29)
        models = [
            made([I, hidden, 7, 3], kernels=kernels, optimizer=optimizer, learning_rate=0.01, **SETTINGS[settings])
            for kernels in ("fast", "elementwise")
        ]
        for model in models:
            model.fit(X, y, epochs=3, batch_size=8, verbose=0)
        fast, plain = map(everything, models)
        np.testing.assert_allclose(fast, plain, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(*(model.predict_proba(X) for model in models), rtol=1e-9)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bits_for_any_number_of_threads(threads):
    X, y = data(33, 700)
    found = []
    for n in (1, threads):
        model = made([33, 130, 70, 3], "float32", n_threads=n, **SETTINGS["all"])
        model.fit(X, y, epochs=2, batch_size=256, verbose=0)
        found.append(everything(model).tobytes())
    assert found[0] == found[1]


def gradient_of_scales(model, X, y):
    found = np.empty(model.network.n_parameters)
    plan = model._new_plan()
    plan.load(model._flat)
    plan.gradients(labelled(model, X, y), found)
    return model.network.scales(found)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_the_gradient_of_scales_is_the_slope_of_E(kernels):
    for I in (1, 7, 8, 9, 17):
        X, y = data(I, 23)
        model = made([I, 5, 3], kernels=kernels, scaling_layer=True, activation="tanh")
        if I > 1:
            model.scales[1] = 1e-12  # as small as it may be without losing digits
        found, step = gradient_of_scales(model, X, y), 1e-6
        for k in range(I):
            kept = model.scales[k]
            E = []
            for moved in (kept + step, kept - step):
                model.scales[k] = moved
                E.append(model.gradients(X, y)[0])
            model.scales[k] = kept
            assert found[k] == pytest.approx((E[0] - E[1]) / (2 * step), rel=1e-6, abs=1e-9)


def test_a_scale_of_zero_stays():
    X, y = data(4, 20)
    for kernels in ("fast", "elementwise"):
        model = made([4, 5, 3], kernels=kernels, scaling_layer=True)
        model.scales[2] = 0
        model.fit(X, y, epochs=2, batch_size=5, verbose=0)
        assert model.scales[2] == 0 and np.isfinite(model.scales).all()


def test_scales_are_a_factor_of_the_columns():
    X, y = data(6, 9)
    scaled, plain = made([6, 5, 3], scaling_layer=True), made([6, 5, 3])
    right = plain.predict_proba(X * scaled.scales)
    np.testing.assert_allclose(scaled.predict_proba(X), right, rtol=1e-12)
    np.testing.assert_allclose(scaled.predict_proba(X[:1]), right[:1], rtol=1e-12)
    assert scaled.evaluate(X, y)["loss"] == pytest.approx(plain.evaluate(X * scaled.scales, y)["loss"], rel=1e-12)
    assert plain.scales.size == 0


def test_a_row_that_its_scales_take_beyond_the_dtype_is_refused():
    model = made([3, 4, 2], "float32", scaling_layer=True)
    model.scales[:] = 1e30
    for row, told in (([1e20, 0, 0], "times the trained scales"), ([np.nan, 0, 0], "got nan in row 0")):
        with pytest.raises(ValueError, match=told):
            model.predict_proba(np.array([row], np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("place", [0, 57, 299])
def test_one_of_many_rows_that_its_scales_take_beyond_the_dtype_is_refused(dtype, kernels, place):
    large = float(np.sqrt(np.finfo(dtype).max)) * 3
    model = made([3, 4, 2], dtype, kernels, scaling_layer=True)
    X, y = data(3, 300, 2)
    assert np.isfinite(model.predict_proba(X * large)).all()  # with scales as small as these
    model.scales[:] = [1, large, 1]
    assert np.isfinite(model.predict_proba(X)).all()
    X[place, 1] = -large
    told = f"X must hold finite numbers within {dtype} times the trained scales, .* in row {place}, column 1"
    calls = [
        lambda rows: model.predict(rows),
        lambda rows: model.evaluate(rows, y),
        lambda rows: model.gradients(rows, y),
    ]
    for rows in (X, sparse.csr_array(X)):
        for call in calls:
            with pytest.raises(ValueError, match=told):
                call(rows)
    model.input_shift, model.input_scale = 1.0, 2.0
    for call in calls:
        with pytest.raises(ValueError, match=told):
            call(X)
    X[place, 1] = np.nan
    with pytest.raises(ValueError, match=f"got nan in row {place}"):
        model.predict(X)


def test_one_step_of_v_by_hand():
    """As w = v / sqrt(4), a step of v by alpha dE/dv moves w by alpha dE/dw / 4."""
    X, y = np.array([[1.0, 0.0, 0.0, 2.0]]), np.array([[3.0]])
    sgd = fastbp.optimizers.SGD(0.1, parametrization="ntk", rate_factors={"b": 0.5})
    model = fastbp.Model([4, 1], loss="squared_error", optimizer=sgd, dtype="float64", seed=0)
    W, b = model.parameters[0]
    W[:], b[:] = [[1.0], [1.0], [1.0], [0.5]], 0.0  # t = 2, so dE/dt = -1
    model.fit(X, y, epochs=1, verbose=0)
    np.testing.assert_allclose(W.ravel(), [1 + 0.1 / 4, 1, 1, 0.5 + 0.2 / 4], rtol=1e-15)
    np.testing.assert_allclose(b, [0.05], rtol=1e-15)


def test_adam_sees_v_and_its_gradient():
    """The first step of Adam is alpha dE/dv / (|dE/dv| + eps) for v: with a large eps it tells V from W."""
    X, y = np.array([[1.0, 0, 0, 0]]), np.array([[1.0]])
    for sigma, settings in ((1.0, {}), (0.5, {"parametrization": "ntk"})):
        adam = fastbp.optimizers.Adam(learning_rate=0.1, epsilon=1.0, **settings)
        model = fastbp.Model([4, 1], loss="squared_error", optimizer=adam, dtype="float64", seed=0)
        W, b = model.parameters[0]
        W[:], b[:] = 0.0, 0.0  # dE/dw_0 = -1
        model.fit(X, y, epochs=1, verbose=0)
        dv = sigma * 1.0
        root = np.sqrt(1 - 0.999)  # epsilon as at the end of section 2 of the paper
        m, v = 0.1 * dv, 0.001 * dv**2
        right = sigma * 0.1 * root / 0.1 * m / (np.sqrt(v) + 1.0)
        np.testing.assert_allclose(W.ravel(), [right, 0, 0, 0], rtol=1e-12)


def by_kind(model):
    slope = model.parameters[0][4]
    found = {
        "W": [layer[0] for layer in model.parameters],
        "b": [layer[1] for layer in model.parameters],
        "gain": model.parameters[0][2:4],
        "slope": [slope],
        "scales": [model.scales],
    }
    return {name: [part.copy() for part in parts] for name, parts in found.items()}


def test_a_rate_of_zero_leaves_a_kind_as_it_is():
    X, y = data(5, 30)
    for kind in ("W", "b", "gain", "slope", "scales"):
        model = made([5, 6, 3], activation="prelu", layer_norm=True, scaling_layer=True, rate_factors={kind: 0})
        before = by_kind(model)
        model.fit(X, y, epochs=1, batch_size=7, verbose=0)
        for name, after in by_kind(model).items():
            same = all(np.array_equal(a, b) for a, b in zip(before[name], after, strict=True))
            assert same == (name == kind)


def test_sparse_rows_give_what_dense_ones_do():
    X, y = data(40, 60)
    X[np.random.default_rng(3).random(X.shape) < 0.9] = 0
    found = []
    for rows in (X, sparse.csr_array(X)):
        model = made([40, 8, 3], **SETTINGS["all"])
        model.fit(rows, y, epochs=2, batch_size=16, verbose=0)
        found.append((everything(model).tobytes(), model.predict_proba(rows).tobytes()))
    assert found[0] == found[1]


def test_files_configs_and_copies_keep_it(tmp_path):
    X, y = data(5, 40)
    model = made([5, 6, 3], **SETTINGS["all"])
    model.fit(X, y, epochs=1, batch_size=9, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = fastbp.load(tmp_path / "model.safetensors")
    assert fastbp.Model(**model.get_config(), seed=0).network == model.network == loaded.network
    given = fastbp.Model(**model.get_config()).optimizer, loaded.optimizer, copy.deepcopy(model).optimizer
    assert {*given} == {model.optimizer} == {Adam(rate_factors=SETTINGS["all"]["rate_factors"], parametrization="ntk")}
    for each in (model, loaded):
        each.fit(X, y, epochs=1, batch_size=9, verbose=0)
    assert everything(model).tobytes() == everything(loaded).tobytes()
    assert "scaling" in model.summary() and f"{model.network.n_parameters:,}" in model.summary()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"parametrization": "mup"}, ValueError, "parametrization"),
        ({"rate_factors": {"c": 1}}, ValueError, "rate_factors must hold numbers for some of .*'c'"),
        ({"rate_factors": {"W": -1}}, ValueError, "rate_factors['W']"),
        ({"rate_factors": [1, 2]}, TypeError, "rate_factors must be a dict"),
        ({"parametrization": 1}, TypeError, "parametrization must be a string"),
    ],
)
@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, Lion, NAdam, RMSprop])
def test_bad_settings_are_refused_by_name(kind, settings, error, message):
    with pytest.raises(error, match=message if ".*" in message else re.escape(message)):
        kind(**settings)


def test_a_layer_is_asked_for_by_true_or_false():
    with pytest.raises(TypeError, match="scaling_layer"):
        fastbp.Model([2, 3], scaling_layer=1.5)


def test_what_is_given_is_not_changed_and_what_changes_nothing_is_left_out():
    given = {"scales": 6, "b": 0.1, "W": 1}
    adam = Adam(rate_factors=given, parametrization="NTK")
    given["b"] = 2
    assert adam == Adam(rate_factors={"b": 0.1, "scales": 6}, parametrization="ntk") != Adam(rate_factors={"b": 0.1})
    assert adam.factors == (1, 0.1, 1, 1, 6, 1, 1) and Adam(rate_factors={"W": 1.0}) == Adam()
    fastbp.Model([2, 3], optimizer=adam).get_config()["optimizer"]["rate_factors"]["b"] = 2
    assert adam.factors == (1, 0.1, 1, 1, 6, 1, 1)


# ---- rows that fill no minibatch, and the waves ----------------------------------------------------------------------


def test_drop_last_takes_whole_minibatches():
    X, y = data(3, 23)
    for rows, batch, steps in [(23, 8, 2), (23, 23, 1), (23, 30, 1), (16, 8, 2)]:
        model = made([3, 4, 3])
        model.fit(X[:rows], y[:rows], epochs=1, batch_size=batch, drop_last=True, verbose=0)
        assert model.get_state()["steps"] == steps
    whole, part = made([3, 4, 3]), made([3, 4, 3])
    whole.fit(X[:16], y[:16], epochs=1, batch_size=8, shuffle=False, verbose=0)
    part.fit(X, y, epochs=1, batch_size=8, shuffle=False, drop_last=True, verbose=0)
    assert everything(whole).tobytes() == everything(part).tobytes()


def test_waves_start_and_end_at_zero_each_twice_as_long():
    total = 15 * 64
    factors = fastbp.schedules.CosineWaves().factors(np.arange(total + 1), 64, total)
    np.testing.assert_allclose(factors[[0, 64, 192, 448, 960]], 0, atol=1e-12)
    tops = total * (2.0 ** np.arange(0.5, 4) - 1) / 15
    np.testing.assert_allclose(fastbp.schedules.CosineWaves().factors(tops, 64, total), 1, rtol=1e-12)
    assert factors.min() >= 0 and factors.max() <= 1
