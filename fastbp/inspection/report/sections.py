"""The parts of the page, one function each; one that has nothing to tell returns None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import plot
from ...plot import confusing, epochs
from ..profiler import steps, tables
from . import page
from .outcome import Outcome
from .page import Section

PROFILED = 4096  # rows at most that the kernels are measured on
PROFILE_SECONDS = 0.25  # of steps with clocks
FEW = 12  # classes whose table needs no unfolding
_IF_USED = (
    "momentum", "nesterov", "l1", "l2", "label_smoothing", "dropout", "layer_norm", "clip_value", "clip_norm",
    "rate_factors",
)  # fmt: skip
_ELSEWHERE = ("layer_sizes", "input_shift", "input_scale", "feature_names", "class_names")


def result(training: Outcome) -> Section:
    """Tell what came out, and where from."""
    scores, told = training.scores, dict[str, object]()
    if "accuracy" in scores:
        told["test accuracy"] = f"{scores['accuracy']:.2%}"
    if "R2" in scores:
        told["test R2"] = f"{scores['R2']:.4f}"
    told |= {
        "test loss": f"{scores['loss']:.4g}",
        "training time": f"{training.seconds:.2f} s",
        "epochs": len(training.history.loss),
        "parameters": f"{training.model.network.n_parameters:,}",
    }
    broken_off = page.paragraph("Training was interrupted.") if training.history.interrupted else ""
    return Section("Result", page.pairs(told) + broken_off)


def settings(training: Outcome) -> Section:
    """List what the model was made with, and what else is known."""
    plain = _flattened(training.model.get_config())
    used = {n: v for n, v in plain.items() if v is not None and not (n in _IF_USED and not np.any(v))}
    rows = {"layers": "-".join(map(str, training.model.layer_sizes)), "batch size": training.batch_size}
    rows |= training.settings | used
    return Section("Settings", page.pairs({name.replace("_", " "): value for name, value in rows.items()}))


def _flattened(config: dict[str, Any]) -> dict[str, Any]:
    """Return what is told here of a model's settings, those of its optimizer and loss behind their names."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= {name if key == "name" else key: setting for key, setting in value.items()}
        elif name not in _ELSEWHERE:
            flat[name] = value
    return flat


def data(training: Outcome) -> Section:
    """Tell of the rows: how many, of which classes or numbers."""
    held, names = training.data, training.data.class_names
    told: dict[str, object] = {
        "source": held.name,
        "rows to train on": f"{len(held.X):,}",
        "rows to test on": f"{len(training.test[1]):,}",
        "columns": f"{held.X.shape[1]:,}",
        "values": f"{held.X.min():g} to {held.X.max():g}",
    }
    if held.task == "regression":
        body = page.pairs(told | {"standardized target": f"{held.y.min():.4g} to {held.y.max():.4g}"})
    else:
        body, counts = page.pairs(told | {"classes": f"{len(names):,}"}), _counts(training)
        rows = [[name, *(f"{count[c]:,}" for count in counts)] for c, name in enumerate(names)]
        table = page.table(["class", "to train on", "to test on"], rows)
        body += _perhaps_folded("Rows of each class", table, len(names))
    if held.feature_names:
        body += page.folded("Columns", page.paragraph(", ".join(held.feature_names)))
    return Section("Data", body)


def columns(training: Outcome) -> Section | None:
    """Tell what became of a table's columns, and which matter."""
    if training.columns is None:
        return None
    ranked = sorted(training.columns, key=lambda pair: -pair[1])
    rows = [[one.name, f"{matter:+.4f}", one.kind, one.became, one.note] for one, matter in ranked]
    of = "root mean squared error" if training.data.task == "regression" else "share of wrong classes"
    told = page.paragraph(f"How much the {of} of the rows held out grows when a column is shuffled among them.")
    head, rest = ["column", "matters", "kind", "became", "note"], rows[FEW:]
    more = page.folded(f"{len(rest)} more columns", page.table(head, rest)) if rest else ""
    return Section("Columns", told + page.table(head, rows[:FEW]) + more)


def _counts(training: Outcome) -> list[np.ndarray]:
    """Return how many rows each class has to train and to test on."""
    classes = len(training.data.class_names)
    return [np.bincount(y, minlength=classes) for y in (training.data.y, training.test[1])]


def network(training: Outcome) -> Section:
    """Draw the layers."""
    caption = "What each layer computes on the way to the error E, and the gradients that come back; B rows a step."
    return Section("Network", page.picture(lambda ax: plot.network(training.model, ax), caption, 7.5, 5.0))


def curves(training: Outcome) -> Section:
    """Draw the learning curve."""
    if not training.history.loss:
        return Section("Learning curve", page.paragraph("No epoch came to its end."))
    shown = "Loss" if training.data.task == "regression" else "Loss and accuracy"
    caption = f"{shown} by epoch; validation is on rows that no step is trained on."
    return Section("Learning curve", page.picture(lambda ax: plot.history(training.history, ax), caption, 5.5, 3.6))


def confusion(training: Outcome) -> Section | None:
    """Draw which classes are taken for which, and count them."""
    if training.data.task == "regression":
        return None
    model, (X, y) = training.model, training.test
    caption = "Rows held out: how many of each true class are predicted to be of which."
    size = min(4.5 + 0.1 * len(training.data.class_names), 8.0)
    drawn = page.picture(lambda ax: plot.confusion(model, X, y, ax), caption, size, size * 0.85)
    counts = confusing.confusion_counts(model, X, y)
    right, true, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    rows = [
        [name, f"{true[c]:,}", f"{right[c]:,}", _share(right[c], true[c]), _share(right[c], predicted[c])]
        for c, name in enumerate(training.data.class_names)
    ]
    head = ["class", "rows", "right", "recall", "precision"]
    return Section("Confusion matrix", drawn + _perhaps_folded("Each class", page.table(head, rows), len(rows)))


def diagnosis(training: Outcome) -> Section:
    """Tell what a batch showed after the last epoch, and draw its norms from epoch to epoch."""
    batch = training.data.X[:DIAGNOSED], training.data.y[:DIAGNOSED]
    last = training.reports[-1] if training.reports else training.model.diagnose(*batch)
    found = [finding.text for finding in last.findings]
    body = page.listed(found) if found else page.paragraph("No problem found in the last epoch.")
    head, *lines = last.table()
    body += page.table(head, lines, texts=2)
    if training.reports:
        drawings = ((q, lambda ax, q=q: plot.diagnosis(training.reports, ax, quantity=q)) for q in epochs.QUANTITIES)
        body += page.beside(page.picture(draw, _CAPTIONS[q], 4.4, 3.0) for q, draw in drawings)
    return Section("Diagnosis", body)


def kernels(training: Outcome) -> Section:
    """Tell how close the kernels come to the machine."""
    rows = training.data.X[:PROFILED], training.data.y[:PROFILED]
    try:
        profile = steps.profile(training.model, *rows, batch_size=training.batch_size, seconds=PROFILE_SECONDS)
    except ValueError as reason:  # not on every CPU
        return Section("Kernels", page.paragraph(f"Not profiled: {reason}."))
    machine, step = profile.machine, profile.step
    told: dict[str, object] = {
        "CPU": machine.cpu,
        "threads": machine.threads,
        "peak": f"{machine.peak_gflops:.4g} GFLOP/s",
        "memory": f"{machine.bandwidth_gbs:.3g} GB/s",
        "a step": tables.duration(step.seconds_unprofiled),
        "outside kernels": f"{step.outside_seconds / step.seconds:.1%}",
    }
    caption = "Each kernel's speed over the arithmetic it does for a byte of memory, under the roof of this machine."
    drawn = page.picture(lambda ax: plot.roofline(profile, ax), caption, 5.5, 4.2)
    lines = (tables.cells(kernel, step) for kernel in profile.kernels)
    drawn += page.paragraph("Calls, time, FLOP and bytes of one step:")
    told_of = page.listed(notes) if (notes := tables.notes(profile)) else ""
    return Section("Kernels", page.pairs(told) + drawn + page.table(tables.HEAD, lines, texts=2) + told_of)


ALL: tuple[Callable[[Outcome], Section | None], ...] = (
    result, columns, curves, confusion, diagnosis, network, settings, data, kernels,
)  # fmt: skip

DIAGNOSED = 256  # rows: some hundred tell enough
_CAPTIONS = {
    "h": "Outputs of each layer, by epoch.",
    "dt": "Gradients by what enters each layer's activation, by epoch.",
    "W": "Weights, by epoch.",
    "dW": "Gradients by the weights, by epoch.",
    "update": "A step's length as a share of the weights', by epoch; usual is a thousandth.",
}


def _perhaps_folded(summary: str, table: str, classes: int) -> str:
    return table if classes <= FEW else page.folded(summary, table)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
