"""The recipe beside pytabkit's RealMLP-TD: from the same first weights, rows and dropped outputs the same path.

`realmlp/*_td.npz` hold tables and what pytabkit 1.7.3 made of them in 8 epochs, as `realmlp/read_out.py` writes it.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fastbp.execution.fast_plan import FastPlan
from fastbp.tabular import fitting, recipe
from fastbp.tabular.recipe import Recipe
from fastbp.training import feeds

FOLDER = Path(__file__).parent / "realmlp"


@pytest.fixture(params=["numbers", "classes"])
def theirs(request):
    """What was read out, with X of objects and y as numbers, for classes their numbers."""
    with np.load(FOLDER / f"{request.param}_td.npz") as arrays:
        found = SimpleNamespace(**arrays)
    found.X = np.hstack([found.numbers.astype(object), found.words.astype(object)])
    found.classes = None
    if found.y.dtype.kind == "U":
        names, found.y = np.unique(found.y, return_inverse=True)
        found.classes = len(names)
    return found


def copy_parameters(model, theirs):
    """Write pytabkit's parameters into a model: its inputs are all waves, then all numbers, then the rest."""
    w, V, b, c, table, scales, *layers = (getattr(theirs, f"parameters_{i}") for i in range(17))
    n, outputs = V.shape[0], V.shape[2]
    ours, (our_table,) = model.embeddings, model.embeddings.tables
    ours.w[:], ours.b[:], ours.V[:], ours.c[:] = w[:, 0], b[:, 0], V.transpose(0, 2, 1), c[:, 0]
    our_table[:] = table
    places = [[n * outputs + k, *range(k * outputs, (k + 1) * outputs)] for k in range(n)]
    places = [*sum(places, []), *range(n * (1 + outputs), scales.size)]
    model.scales[:] = scales[0, places]
    layers = [*(layers[3 * i : 3 * i + 3] for i in range(3)), layers[9:]]
    for i, (mine, (Z, *vectors)) in enumerate(zip(model.parameters, layers, strict=True)):
        mine[0][:] = Z[places if i == 0 else slice(None)] / np.sqrt(len(Z))
        for vector, values in zip(mine[1:], vectors, strict=True):
            vector[:] = values[0]


def outputs(model, theirs, epoch=None):
    """Return the model's outputs for the rows that validate, or pytabkit's after an epoch: probabilities or numbers."""
    if epoch is None:
        x = fitting.inputs_of(theirs.columns, theirs.X[theirs.held], model.dtype)
        return model.predict(x)[:, None] if theirs.classes is None else model.predict_proba(x)
    found = theirs.outputs[epoch].astype(float)
    if theirs.classes is None:
        y = theirs.y[theirs.train]
        return (found - y.mean()) / y.std()
    found = np.exp(found)
    return found / found.sum(axis=1, keepdims=True)


def limits(theirs):
    if theirs.classes is not None:
        return 0, 1
    y = theirs.y[theirs.train]
    return (y.min() - y.mean()) / y.std(), (y.max() - y.mean()) / y.std()


def follow(theirs, monkeypatch, **settings):
    """Return our outputs after each of their epochs and the trained member: their rows, first weights and orders."""
    ended, orders, found, fit = recipe.BestEpoch.on_epoch_end, iter(theirs.orders), [], fitting.Columns.fit

    def columns(*arguments, **keywords):
        theirs.columns = fit(*arguments, **keywords)
        return theirs.columns

    def end(self, model, logs):
        ended(self, model, logs)
        found.append(np.clip(outputs(model, theirs), *limits(theirs)))

    monkeypatch.setattr(fitting.Columns, "fit", columns)
    monkeypatch.setattr(fitting, "_holdout", lambda *_: (theirs.train, theirs.held))
    monkeypatch.setattr(Recipe, "draw", lambda self, model, x, random: copy_parameters(model, theirs))
    monkeypatch.setattr(feeds, "shuffle", lambda order, key: np.copyto(order, next(orders)))
    monkeypatch.setattr(FastPlan, "key", property(lambda plan: 0, lambda plan, value: None), raising=False)
    monkeypatch.setattr(recipe.BestEpoch, "on_epoch_end", end)
    usual = Recipe(theirs.classes, (32, 32, 32), n_epochs=len(theirs.outputs), recipe="td", **settings)
    (member,) = fitting.fit(fitting.Table(theirs.X, theirs.y), usual, np.random.default_rng(0))
    return found, member


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_path_is_theirs_for_eight_epochs(theirs, dtype, monkeypatch):
    found, member = follow(theirs, monkeypatch, dtype=dtype)
    for epoch, ours in enumerate(found):
        np.testing.assert_allclose(ours, outputs(None, theirs, epoch), rtol=0, atol=1e-4, err_msg=f"epoch {epoch}")
    assert member.best_epoch == theirs.best_epoch
    np.testing.assert_array_equal(np.clip(outputs(member.model, theirs), *limits(theirs)), found[member.best_epoch - 1])


@pytest.mark.parametrize("change", [{"weight_decay": 0.019}, {"dropout": 0.151}, {"slope_rate": 0.09},
                                    {"embedding_rate": 0.09}])  # fmt: skip
def test_the_path_tells_small_changes_of_the_recipe(theirs, monkeypatch, change):
    found, _ = follow(theirs, monkeypatch, **change)
    assert abs(found[-1] - outputs(None, theirs, -1)).max() > 2e-4
