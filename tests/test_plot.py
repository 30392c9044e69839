"""Pictures show what the library computes, to the number, and change nothing."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

import fastbp
from fastbp import callbacks, plot
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.plot import canvas, confusing, functions, graph, landscape

rng = np.random.default_rng(7)
X = rng.standard_normal((90, 6))
Y = (X @ rng.standard_normal((6, 4))).argmax(1)


def model(sizes=(6, 9, 4), epochs=5, **settings):
    m = fastbp.Model(sizes, seed=1, **{"dtype": "float64"} | settings)
    m.fit(X, Y, epochs=epochs, batch_size=16, verbose=0)
    return m


def axes(**settings):
    return Figure((4, 3), layout="constrained").add_subplot(**settings)


def drawn(ax, label):
    """The numbers of the line of this label."""
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def written(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def same_state(a, b):
    return all(
        np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y
        for x, y in zip(a.values(), b.values(), strict=True)
        if not isinstance(x, dict)
    ) and str(a["random"]) == str(b["random"])


@pytest.mark.parametrize(
    "draw",
    [
        lambda m, ax: plot.loss_surface(m, X, Y, ax, points=2),
        lambda m, ax: plot.error_curve(m, X, Y, ax=ax),
        lambda m, ax: plot.descent(m, X, Y, ax=ax, steps=3, points=2, batch_size=8),
        lambda m, ax: plot.descent(m, X, Y, 1, (2, 3), ax, steps=3),
        lambda m, ax: plot.network(m, ax),
        lambda m, ax: plot.confusion(m, X, Y, ax),
    ],
    ids=["loss_surface", "error_curve", "descent", "descent of one", "network", "confusion"],
)
@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": "adam", "dtype": "float32", "dropout": 0.2, "layer_norm": True}], ids=str
)
def test_the_model_stays_as_it_is_and_the_axes_come_back(draw, settings):
    m, ax = model(**settings), axes()
    before, rate = m.get_state(), m.learning_rate
    assert draw(m, ax) is ax
    assert same_state(before, m.get_state()) and m.learning_rate == rate


# ---- activation


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_draws_the_function_and_its_derivative(name):
    ax = plot.activation(name, axes(), reach=3.0)
    t, h = drawn(ax, f"$F(t)$, {name}")
    at, d = drawn(ax, "$F'(t)$")
    kept = np.isfinite(d)
    at, d = at[kept], d[kept]
    assert t[0] == -3 and t[-1] == 3 and 0 in t
    np.testing.assert_array_equal(at, t)
    m = fastbp.Model([1, 1, 1], name, dtype="float64", loss="squared_error")
    for W, b, *_ in m.parameters:
        W[...], b[...] = 1, 0
    np.testing.assert_allclose(h, m.predict(t[:, None]), atol=1e-12)
    smooth = np.abs(t) > 1e-3
    step = 1e-6
    F = ACTIVATIONS[name]
    slope = (functions.values(F, t + step)[0] - functions.values(F, t - step)[0]) / (2 * step)
    np.testing.assert_allclose(d[smooth], slope[smooth], atol=1e-8)


def test_relu_at_zero_has_the_papers_derivative_and_no_slope_is_drawn_over_the_jump():
    ax = plot.activation("relu", axes())
    at, d = drawn(ax, "$F'(t)$")
    assert d[np.nanargmin(np.abs(at))] == 1
    assert np.isnan(d).sum() == 1 and set(d[np.isfinite(d)]) == {0.0, 1.0}
    dot = ax.get_lines()[-1]
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([0], [1])


# ---- the landscape


@pytest.mark.parametrize("layer_norm", [False, True])
def test_random_directions_are_as_long_as_each_units_weights(layer_norm):
    m = model(layer_norm=layer_norm)
    m.parameters[0][0][:, 2] = 0
    pair = landscape.random_directions(m, 3)
    for direction in pair:
        for (dW, *others), (W, *_) in zip(m.network.views(direction), m.parameters, strict=True):
            np.testing.assert_allclose(np.linalg.norm(dW, axis=0), np.linalg.norm(W, axis=0), rtol=1e-12)
            assert not np.any(others)
    assert not np.array_equal(*pair)
    np.testing.assert_array_equal(pair, landscape.random_directions(m, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_surface_is_what_evaluate_says_of_moved_parameters(dtype):
    m = model(dtype=dtype)
    a = landscape.symmetric(2) * 0.7
    assert a[2] == 0 and len(a) == 5 and a[0] == -a[-1] == -0.7
    d1, d2 = landscape.random_directions(m, 0)
    E = landscape.losses(m, X, Y, landscape.flat_parameters(m), (d1, d2), a, a)
    assert E[2, 2] == m.evaluate(X, Y)["loss"]
    moved = fastbp.Model((6, 9, 4), dtype=dtype)
    parts = zip(moved.parameters, m.parameters, m.network.views(d1), m.network.views(d2), strict=True)
    for layer in parts:
        for to, of, along, across in zip(*layer, strict=True):
            to[...] = of + a[4] * along + a[1] * across
    assert E[1, 4] == pytest.approx(moved.evaluate(X, Y)["loss"], rel=1e-6 if dtype == "float32" else 1e-12)


def test_a_surface_in_three_dimensions_and_one_that_overflows():
    ax = plot.loss_surface(model(), X, Y, axes(projection="3d"), points=2)
    assert ax.get_zlabel() == "$E$" and len(ax.collections) == 1
    with np.errstate(over="ignore", invalid="ignore"):
        ax = plot.loss_surface(model(dtype="float32"), X, Y, axes(), points=2, reach=1e30)
    assert len(ax.collections)


# ---- confusion


def test_confusion_counts_rows():
    m = model(epochs=2)
    guesses, counts = m.predict(X), confusing.confusion_counts(m, X, Y)
    for i in range(4):
        for j in range(4):
            assert counts[i, j] == sum(t == i and g == j for t, g in zip(Y, guesses, strict=True))
    ax = plot.confusion(m, X, Y, axes())
    shown = {(int(text._y), int(text._x)): int(text.get_text()) for text in ax.texts}
    assert shown == {(i, j): counts[i, j] for i, j in np.argwhere(counts)}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1", "2", "3"]


def test_confusion_of_yes_and_no_and_what_has_no_classes():
    m = fastbp.Model([6, 1], loss="binary_cross_entropy", class_names=["yes"])
    assert confusing.confusion_counts(m, X, Y > 1).sum() == 90
    assert confusing.class_names(m) == ["0", "1"]
    for other, y, message in (
        (m, np.full(90, 0.5), "probabilities"),
        (fastbp.Model([6, 1], loss="squared_error"), Y, "squared_error"),
        (fastbp.Model([6, 2], loss="binary_cross_entropy"), np.eye(2)[Y % 2], "one class a row"),
    ):
        with pytest.raises(ValueError, match=message):
            plot.confusion(other, X, y, axes())


def test_long_names_that_differ_at_their_end_stay_apart():
    names = [f"one of many classes, {end}" for end in ("red", "blue", "green", "$5")]
    labels = [label.get_text() for label in plot.confusion(model(class_names=names), X, Y, axes()).get_yticklabels()]
    assert len(set(labels)) == 4 and labels[0] == "one of ma…ses, red" and labels[3].endswith(r", \$5")


# ---- epochs, layers, kernels


def test_history_takes_all_its_forms():
    lists = {"loss": [3.0, 2.0, 1.5], "val_accuracy": [0.1, 0.5, 0.4], "seconds": [1, 1, 1]}
    dicts = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    for form in (lists, dicts, fastbp.History(**lists)):
        ax = plot.history(form, axes())
        left, right = ax.figure.axes
        np.testing.assert_array_equal(drawn(left, "loss"), [[1, 2, 3], lists["loss"]])
        np.testing.assert_array_equal(drawn(right, "validation accuracy"), [[1, 2, 3], lists["val_accuracy"]])
        assert left is ax and (left.get_ylabel(), right.get_ylabel()) == ("loss", "accuracy")
    assert plot.history({"accuracy": [1]}, axes()).get_ylabel() == "accuracy"


def test_diagnosis_draws_each_layers_norm():
    watching = callbacks.Diagnose(X, Y)
    model().fit(X, Y, epochs=3, verbose=0, callbacks=[watching])
    for quantity in ("h", "dt", "W", "dW", "update"):
        ax = plot.diagnosis(watching.reports, axes(), quantity=quantity)
        for i in range(2):
            norms = [getattr(report.layers[i], quantity) for report in watching.reports]
            np.testing.assert_array_equal(drawn(ax, f"layer {i + 1}"), [[1, 2, 3], norms])
    assert len(plot.diagnosis(watching.reports[0], axes()).get_lines()[0].get_xdata()) == 1


def test_network_names_every_shape_and_quantity():
    text = "\n".join(written(plot.network(fastbp.Model([6, 9, 5, 4], ["tanh", "gelu"]), axes())))
    for part in ("6 × 9", "9 × 5", "5 × 4", "tanh", "gelu", "softmax", "cross entropy", "(z - y) / B"):
        assert part in text
    for layer in (1, 2, 3):
        assert rf"\partial E/\partial W_{{{layer}}}" in text and rf"\partial E/\partial b_{{{layer}}}" in text
    assert r"\partial E/\partial x" not in text  # which nothing needs


def test_network_shows_what_normalizes_a_layer():
    text = "\n".join(written(plot.network(fastbp.Model([6, 9, 5, 4], layer_norm=[False, True]), axes())))
    for part in (
        r"$g_{2}$, $c_{2}$: 5",
        r"n_{2} = g_{2} \odot u_{2} + c_{2}",
        "relu}(n_{2})",
        r"\partial E/\partial g_{2}",
    ):
        assert part in text
    assert "g_{1}" not in text and "relu}(t_{1})" in text


@pytest.mark.parametrize("settings, x", [({}, "X"), ({"input_shift": 1}, r"(X - \mathrm{shift}) \odot \mathrm{scale}")])
def test_network_shows_the_scaling_layer(settings, x):
    shown = written(plot.network(fastbp.Model([6, 9, 4], scaling_layer=True, **settings), axes()))
    assert "$s$: 6" in shown and rf"$x = s \odot {x}$" + "\nB × 6" in shown
    assert r"$\partial E/\partial s = \Sigma\, (\partial E/\partial t_{1} \cdot W_{1}^T) \odot x / s$" in shown
    assert not any("partial s" in text for text in written(plot.network(fastbp.Model([6, 9, 4], **settings), axes())))


def test_a_deep_network_leaves_out_its_middle_and_says_how_much():
    ax = plot.network(fastbp.Model([6, *[3] * 30, 4]), axes())
    (left_out,) = [line for line in written(ax) if "more" in line]
    numbers = {n for n in range(1, 32) if any(f"$W_{{{n}}}$: " in line for line in written(ax))}
    assert int(left_out.split()[0]) == 31 - len(numbers) and {1, 31} <= numbers
    assert graph._layers_shown(4, 3.0) == [1, 2, 3, 4] and graph._layers_shown(5, 3.0) == [1, 2, 0, 5]


PROFILE = {
    "machine": {"peak_gflops": 100.0, "bandwidth_gbs": 20.0},
    "kernels": [
        {"name": "linear", "layer": 1, "flop": 4000, "bytes": 100, "gflops": 80.0},
        {"name": "linear", "layer": 2, "flop": 400, "bytes": 100, "gflops": 30.0},
        {"name": "loss", "layer": None, "flop": 50, "bytes": 100, "gflops": 5.0},
        {"name": "gather", "layer": None, "flop": 0, "bytes": 100, "gflops": 0.0},
    ],
}


def test_roofline_puts_each_kernel_that_computes_in_its_place():
    class Profile:
        to_dict = staticmethod(lambda: PROFILE)

    for profile in (PROFILE, Profile()):
        ax = plot.roofline(profile, axes())
        np.testing.assert_array_equal(drawn(ax, "linear"), [[40, 4], [80, 30]])
        np.testing.assert_array_equal(drawn(ax, "loss"), [[0.5], [5]])
        assert [text.get_text() for text in ax.get_legend().texts] == ["linear", "loss"]
        assert written(ax) == ["100 GFLOP/s", "20 GB/s", "1", "2"]
        x, roof = (np.asarray(values) for values in ax.get_lines()[0].get_data())
        np.testing.assert_allclose(roof, np.minimum(100, 20 * x))
        assert 5 in x and (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_colours_are_okabe_and_itos():
    assert set(canvas.COLOURS) <= {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
