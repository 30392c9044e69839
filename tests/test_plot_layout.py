"""In a small figure as in a large one nothing is cut off, no text stands on another, no legend on data."""

import functools
from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from test_plot import PROFILE, X, Y, model

import fastbp
from fastbp import callbacks, plot
from fastbp.plot import canvas

NAMES = ["Iris setosa", "Iris versicolor $5", "Iris virginica of the hills and dales", "x"]
MANY = {"machine": PROFILE["machine"], "kernels": []}
for number, name in enumerate(("linear_relu_backward_input", "linear_backward_params", "linear_relu", "adam_update")):
    MANY["kernels"] += [
        {"name": name, "layer": layer, "flop": 40 * (number + 1), "bytes": 10 + layer, "gflops": 9 + layer / 9 + number}
        for layer in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def reports():
    watching = callbacks.Diagnose(X, Y)
    model((6, *[7] * 8, 4)).fit(X, Y, epochs=4, verbose=0, callbacks=[watching])
    return watching.reports


def classes(n):
    rows = np.random.default_rng(1)
    m = fastbp.Model([3, n], seed=0, class_names=[f"class {c}" for c in range(n)])
    return m, rows.standard_normal((40 * n, 3)), rows.integers(0, n, 40 * n)


def curves(epochs):
    falling = np.linspace(2, 0.1, epochs)
    return {"loss": falling, "val_loss": falling + 0.1, "accuracy": 1 - falling / 2, "val_accuracy": 0.9 - falling / 3}


SCALED = {"scaling_layer": True, "input_shift": 1}
NETWORKS = {
    "network": ([784, 512, 512, 10], {}),
    "network of one layer": ([784, 10], {}),
    "network, normalized": ([64, 32, 32, 9], {"layer_norm": True}),
    "network, deep": (
        [784, *[1024] * 9, 10], {"activation": "leaky_relu", "loss": "binary_cross_entropy", "input_scale": 2}
    ),
    "network of many layers": ([2, *[1024] * 9, 10], {}),
    "network of one layer, scaled": ([784, 10], SCALED),
    "network, scaled": ([784, 512, 512, 10], SCALED),
    "network, deep and scaled": ([2, *[1024] * 9, 10], SCALED),
}  # fmt: skip
PICTURES = {
    "history": lambda ax, _: plot.history(curves(20), ax),
    "history, an epoch": lambda ax, _: plot.history(curves(1), ax),
    "history, 500 epochs": lambda ax, _: plot.history(curves(500), ax),
    "activation": lambda ax, _: plot.activation("leaky_relu", ax),
    "loss_surface": lambda ax, _: plot.loss_surface(model(), X, Y, ax, points=4),
    "loss_surface, steep": lambda ax, _: plot.loss_surface(model(epochs=60), X, Y, ax, points=4, reach=2),
    "error_curve": lambda ax, _: plot.error_curve(model(epochs=60), X, Y, 2, ax=ax),
    "descent": lambda ax, _: plot.descent(model(epochs=0), X, Y, ax=ax, steps=15, points=4),
    "descent of one": lambda ax, _: plot.descent(model(epochs=0), X, Y, 1, ax=ax, steps=15, learning_rate=2),
    "diagnosis": lambda ax, reports: plot.diagnosis(reports, ax),
    "diagnosis, a report": lambda ax, reports: plot.diagnosis(reports[0], ax, quantity="h"),
    "confusion": lambda ax, _: plot.confusion(model(class_names=NAMES), X, Y, ax),
    "confusion, 10 classes": lambda ax, _: plot.confusion(*classes(10), ax),
    "confusion, 30 classes": lambda ax, _: plot.confusion(*classes(30), ax),
    "roofline": lambda ax, _: plot.roofline(PROFILE, ax),
    "roofline, crowded": lambda ax, _: plot.roofline(MANY, ax),
}


def texts(figure):
    """All text that is to be seen, ticks beyond an axis's ends aside, with the box it fills in pixels."""
    found = []
    for ax in figure.axes:
        found += [*ax.texts, ax.title]
        if ax.get_legend():
            found += ax.get_legend().texts
        for axis in (ax.xaxis, ax.yaxis) if ax.axison else ():
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            found.append(axis.label)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if low - slack <= tick.get_loc() <= high + slack:
                    found += [label for label in (tick.label1, tick.label2) if label.get_visible()]
    shown = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return min(width, height)


@functools.cache  # networks are looked at twice, and take longest
def network(name, size):
    """The Axes of a network's picture, drawn."""
    sizes, settings = NETWORKS[name]
    ax = Figure(size, layout="constrained").add_subplot()
    plot.network(fastbp.Model(sizes, **settings), ax)
    ax.figure.draw_without_rendering()
    return ax


@pytest.mark.parametrize("size", [(4, 3), (8, 6)], ids=str)
@pytest.mark.parametrize("name", [*PICTURES, *NETWORKS])
def test_nothing_is_cut_off_or_covered(name, size, reports):
    if name in NETWORKS:
        ax = network(name, size)
    else:
        ax = Figure(size, layout="constrained").add_subplot()
        PICTURES[name](ax, reports)
        ax.figure.draw_without_rendering()
    figure = ax.figure
    seen = texts(figure)
    page = figure.bbox
    assert seen
    for text, box in seen:
        assert -1 <= box.x0 and box.x1 <= page.x1 + 1 and -1 <= box.y0 and box.y1 <= page.y1 + 1, f"{text} is cut off"
    for (text, box), (other, covered) in combinations(seen, 2):
        assert overlap(box, covered) <= 1, f"{text} stands on {other}"
    frame = ax.get_window_extent()
    for text in ax.texts:  # those within stand within
        box = text.get_window_extent()
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1, text
    for each in figure.axes:
        legend = each.get_legend()
        assert legend is None or overlap(legend.get_window_extent(), ax.get_window_extent()) <= 1
    assert ax.get_window_extent().height > 0.45 * page.height  # room for the data is left


@pytest.mark.parametrize("size", [(4, 3), (8, 6)], ids=str)
@pytest.mark.parametrize("share", [0.7, 0.9, 1.0])
def test_no_number_stands_on_the_roof(size, share):
    kernels = [
        {"name": "linear", "layer": layer, "flop": flop, "bytes": 100, "gflops": share * min(100, flop / 5)}
        for layer, flop in enumerate((50, 200, 400, 550, 1000, 4000), 1)
    ]
    ax = Figure(size, layout="constrained").add_subplot()
    plot.roofline({"machine": PROFILE["machine"], "kernels": kernels}, ax)
    ax.figure.draw_without_rendering()
    x = np.geomspace(*ax.get_xlim(), 500)
    roof = ax.transData.transform(np.column_stack([x, np.minimum(100, 20 * x)]))
    numbers = [text for text in ax.texts if text.get_text().isdigit()]
    assert numbers
    for text in numbers:
        box = text.get_window_extent()
        assert not any(box.contains(*place) for place in roof), text


@pytest.mark.parametrize("size", [(4, 3), (8, 6)], ids=str)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("network, normalized", "network, deep")])
def test_text_stays_within_its_boxes(name, size):
    ax = network(name, size)
    boxes = [patch.get_window_extent() for patch in ax.patches]
    for text in [text for text in ax.texts if text.get_text() and text.get_weight() != "bold"]:
        own = text.get_window_extent()
        assert text.get_fontsize() >= 4
        assert any(b.x0 <= own.x0 and own.x1 <= b.x1 and b.y0 <= own.y0 and own.y1 <= b.y1 for b in boxes), text


def test_the_check_sees_what_it_looks_for():
    ax = Figure((4, 3), layout="constrained").add_subplot()
    ax.set_xticks([0.5, 0.51], ["one long label", "another"])
    ax.figure.draw_without_rendering()
    boxes = dict(texts(ax.figure))
    assert overlap(boxes["one long label"], boxes["another"]) > 1


def test_text_that_would_be_too_small_is_left_out():
    ax = Figure((4, 3), layout="constrained").add_subplot()
    plot.confusion(*classes(30), ax)
    assert not ax.texts and len(ax.figure.axes) == 2  # a scale stands for the counts
    assert min(label.get_fontsize() for label in ax.get_yticklabels()) >= canvas.LEAST_FONT - 1e-9
