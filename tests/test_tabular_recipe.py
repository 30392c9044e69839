"""The recipe for tables: first weights, the kept epoch, the end of waves, and which rows validate."""

import math

import numpy as np
import pytest

import fastbp
from fastbp.tabular import fitting
from fastbp.tabular.recipe import BestEpoch, Recipe, Rows


def test_first_weights_are_those_of_the_recipe():
    model = Recipe(3).model(50, np.random.default_rng(0))
    (W, b), (V, c), _, (last, d) = model.parameters
    for weights, inputs in ((W, 50), (V, 256)):
        assert weights.std() * math.sqrt(inputs) == pytest.approx(1, abs=0.03)
    for biases in (b, c):
        assert biases.std() == pytest.approx(1, abs=0.15) and abs(biases.mean()) < 0.2
    assert not last.any() and not d.any() and (model.scales == 1).all()
    assert [F.name for F in model.network.activations[:-1]] == ["selu"] * 3
    numbers = Recipe(None).model(4, np.random.default_rng(0))
    assert [F.name for F in numbers.network.activations[:-1]] == ["mish"] * 3
    assert (model.learning_rate, numbers.learning_rate) == (0.04, 0.07)
    assert numbers.optimizer.epsilon == 0.5e-8  # half, as our loss is half of the mean of squares


def test_the_latest_epoch_of_equal_errors_is_kept():
    model = fastbp.Model([2, 2], seed=0)
    best = BestEpoch("val_accuracy")
    for epoch, accuracy in enumerate([0.5, 0.75, 0.75, 0.25]):
        model.parameters[0][0][:] = epoch
        best.on_epoch_end(model, {"val_accuracy": accuracy, "epoch": epoch})
    best.on_train_end(model)
    assert best.epoch == 3 and (model.parameters[0][0] == 2).all()


def test_a_stop_after_a_wave_needs_a_wave_without_a_gain():
    ends = Recipe(2, n_epochs=150, stop_after_wave=True)._ends_of_waves()
    assert ends == {9, 29, 69, 149} and not Recipe(2)._ends_of_waves()
    for errors, stops in (({5: 0.9}, 29), ({25: 0.1}, 69), ({25: 0.1, 45: 0.05}, 149), ({25: 0.1, 45: 0.1}, 69)):
        model, best = fastbp.Model([2, 2], seed=0), BestEpoch("val_loss", ends)
        model.stop_training = False
        for epoch in range(150):
            best.on_epoch_end(model, {"val_loss": errors.get(epoch, 1.0 + epoch), "epoch": epoch})
            if model.stop_training:
                break
        assert epoch == stops


def test_the_kept_epoch_predicts_its_own_validation_error():
    random = np.random.default_rng(0)
    x = random.standard_normal((90, 4)).astype(np.float32)
    y = (x[:, 0] + 0.5 * random.standard_normal(90) > 0).astype(int)
    recipe = Recipe(2, hidden_layer_sizes=(16,), n_epochs=20, batch_size=16)
    held = Rows(x[60:], y[60:])
    trained = recipe.train(recipe.model(4, random), Rows(x[:60], y[:60]), held)
    wrong = np.mean(trained.model.predict(held.x) != held.y)
    errors = trained.validation_errors
    assert wrong == pytest.approx(errors.min()) == pytest.approx(errors[trained.best_epoch - 1])
    assert trained.best_epoch == len(errors) - int(np.argmin(np.round(errors[::-1], 9)))


def test_rows_are_split_as_the_recipe_says():
    for n, first in [(1, 1), (4, 4), (5, 4), (11, 9), (1000, 800)]:
        train, held = fitting._holdout(n, 0.2, np.random.default_rng(0))
        assert len(train) == first and sorted([*train, *held]) == list(range(n))
    parts = list(fitting._folds(11, 3, np.random.default_rng(0)))
    assert sorted(len(held) for _, held in parts) == [3, 4, 4]
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(11))
    assert all(sorted([*train, *held]) == list(range(11)) for train, held in parts)


def test_rates_of_parts_hold_whatever_the_recipe():
    for recipe in ("td-s", "td"):
        own = {"embedding_rate": 0.3, "slope_rate": 0.7, "recipe": recipe, "weight_decay": 0.1}
        given = Recipe(2, number_embedding=True, activation="blended_selu", **own)
        expected = {"b": 0.1, "scales": 6.0, "slope": 0.7, "numbers": 0.3}
        assert given._optimizer().rate_factors == expected
        assert given._optimizer().decay_factors == expected | {"b": 0.0}
        without = Recipe(2, number_embedding=False, activation="selu", **own)._optimizer()
        assert without.rate_factors == {"b": 0.1, "scales": 6.0}


def test_the_rate_of_waves_changes_what_is_learned_with_any_recipe():
    random = np.random.default_rng(0)
    x = random.standard_normal((64, 2)).astype(np.float32)
    ends = []
    for rate in (0.0, 1.0):
        recipe = Recipe(
            2, hidden_layer_sizes=(8,), n_epochs=2, batch_size=16, number_embedding=True, embedding_rate=rate
        )
        model = recipe.model(2, np.random.default_rng(0), recipe.embedding([0, 1], {}))
        before = model.get_state()["parameters"].copy()
        recipe.train(model, Rows(x, (x[:, 0] > 0).astype(int)), None)
        ends.append((before, model.get_state()["parameters"]))
    assert np.array_equal(ends[0][0], ends[1][0]) and not np.array_equal(ends[0][1], ends[1][1])
