"""The recipe beside pytabkit's RealMLP-TD-S: the same inputs, and from the same first weights and rows the same path.

`realmlp/*.npz` hold tables and what pytabkit 1.7.3 made of them in 8 of 256 epochs, as `realmlp/read_out.py` writes it.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fastbp.tables.columns import Columns
from fastbp.tabular import fitting, recipe
from fastbp.tabular.recipe import Recipe
from fastbp.training import feeds

FOLDER = Path(__file__).parent / "realmlp"


@pytest.fixture(params=["numbers", "classes"])
def theirs(request):
    """What was read out, with X of objects and y as numbers, for classes their numbers."""
    with np.load(FOLDER / f"{request.param}.npz") as arrays:
        found = SimpleNamespace(**arrays)
    found.X = np.hstack([found.numbers.astype(object), found.words.astype(object)])
    found.classes = None
    if found.y.dtype.kind == "U":
        names, found.y = np.unique(found.y, return_inverse=True)
        found.classes = len(names)
    return found


def test_inputs_are_theirs(theirs):
    columns = Columns.fit(theirs.X, theirs.train)
    inputs = columns.transform(theirs.X[theirs.held], "float64")
    assert inputs.shape == theirs.inputs.shape
    np.testing.assert_allclose(inputs, theirs.inputs, rtol=0, atol=1e-6)


def test_as_many_rows_train_and_validate(theirs):
    train, held = fitting._holdout(len(theirs.y), 0.2, np.random.default_rng(0))
    assert (len(train), len(held)) == (len(theirs.train), len(theirs.held))


def parameters(theirs):
    """Scales, and [W, b] of each layer, with W = V / sqrt(inputs)."""
    scales, *layers = (getattr(theirs, f"parameters_{i}") for i in range(9))
    return scales[0], [[V / np.sqrt(len(V)), b[0]] for V, b in zip(layers[::2], layers[1::2], strict=True)]


def outputs(model, theirs, epoch=None):
    """Return the model's outputs for the rows that validate, or pytabkit's after an epoch: probabilities or numbers."""
    if epoch is None:
        x = Columns.fit(theirs.X, theirs.train).transform(theirs.X[theirs.held])
        return model.predict(x)[:, None] if theirs.classes is None else model.predict_proba(x)
    found = theirs.outputs[epoch].astype(float)
    if theirs.classes is None:
        y = theirs.y[theirs.train]
        return (found - y.mean()) / y.std()
    found = np.exp(found)
    return found / found.sum(axis=1, keepdims=True)


def error(theirs, epoch):
    """Return pytabkit's validation error after an epoch: share of wrong classes, or RMSE in deviations of y."""
    found, y = outputs(None, theirs, epoch), theirs.y[theirs.held]
    if theirs.classes is not None:
        return np.mean(found.argmax(axis=1) != y)
    train = theirs.y[theirs.train]
    return np.sqrt(np.mean((found[:, 0] - (y - train.mean()) / train.std()) ** 2))


def follow(theirs, monkeypatch, **settings):
    """Return our outputs after each of their epochs and the trained member: their rows, first weights and orders."""
    made, ended, orders, found = Recipe.model, recipe.BestEpoch.on_epoch_end, iter(theirs.orders), []

    def model(self, inputs, random, embedding):
        ours, (scales, layers) = made(self, inputs, random, embedding), parameters(theirs)
        assert (ours.scales == scales).all() and not layers[-1][0].any() and not ours.parameters[-1][0].any()
        for ours_now, wanted in zip(ours.parameters, layers, strict=True):
            for array, values in zip(ours_now, wanted, strict=False):
                array[...] = values
        return ours

    def end(self, model, logs):
        ended(self, model, logs)
        found.append(outputs(model, theirs))
        model.stop_training = len(found) == len(theirs.outputs)

    monkeypatch.setattr(fitting, "_holdout", lambda *_: (theirs.train, theirs.held))
    monkeypatch.setattr(Recipe, "model", model)
    monkeypatch.setattr(feeds, "shuffle", lambda order, key: np.copyto(order, next(orders)))
    monkeypatch.setattr(recipe.BestEpoch, "on_epoch_end", end)
    usual = Recipe(theirs.classes, hidden_layer_sizes=(32, 32, 32), **settings)
    (member,) = fitting.fit(fitting.Table(theirs.X, theirs.y), usual, np.random.default_rng(0))
    return found, member


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_path_is_theirs_for_eight_epochs(theirs, dtype, monkeypatch):
    found, member = follow(theirs, monkeypatch, dtype=dtype)
    for epoch, ours in enumerate(found):
        np.testing.assert_allclose(ours, outputs(None, theirs, epoch), rtol=0, atol=1e-5, err_msg=f"epoch {epoch}")
    np.testing.assert_allclose(member.errors, [error(theirs, epoch) for epoch in range(len(found))], rtol=0, atol=1e-5)
    assert member.best_epoch == theirs.best_epoch
    np.testing.assert_array_equal(outputs(member.model, theirs), found[member.best_epoch - 1])


def test_the_path_tells_small_changes_of_the_recipe(theirs, monkeypatch):
    found, _ = follow(theirs, monkeypatch, epsilon=2e-8)
    assert abs(found[-1] - outputs(None, theirs, -1)).max() > 1e-4
