"""What changes from step to step, decay by kind, and first weights from data."""

import re

import numpy as np
import pytest

import fastbp
from fastbp.optimizers import AdamW, Lion
from fastbp.schedules import CosineWaves, FlatCosine, StepDecay

rng = np.random.default_rng(3)
X, y = rng.standard_normal((60, 5)), rng.integers(0, 3, 60)


class Off:
    def factors(self, steps, steps_per_epoch, total):
        return np.zeros(len(steps))


class Double:
    def factors(self, steps, steps_per_epoch, total):
        return np.full(len(steps), 2.0)


def trained(kernels="fast", schedule=None, **settings):
    model = fastbp.Model([5, 9, 3], "selu", dtype="float64", seed=1, kernels=kernels, **settings)
    model.fit(X, y, epochs=3, batch_size=13, schedule=schedule, verbose=0)
    return model._flat


def test_flat_then_half_a_cosine():
    found = FlatCosine(0.2).factors(np.array([0, 20, 60, 100]), 10, 100)
    np.testing.assert_allclose(found, [1, 1, 0.5, 0], atol=1e-15)


@pytest.mark.parametrize("grouped", [{}, {"parametrization": "ntk", "decay_factors": {"b": 0, "W": 2}}])
def test_fast_and_elementwise_steps_agree(grouped):
    schedule = {"learning_rate": CosineWaves(2), "dropout": FlatCosine(0.3), "weight_decay": StepDecay(1, 0.5)}
    for optimizer in (AdamW(0.05, weight_decay=0.5, **grouped), Lion(0.01, weight_decay=0.5, **grouped)):
        both = [trained(kernels, schedule, optimizer=optimizer, dropout=0.3) for kernels in ("fast", "elementwise")]
        np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-12)


def test_what_is_scheduled_to_0_is_off():
    decaying = AdamW(0.05, weight_decay=0.5)
    np.testing.assert_allclose(trained(schedule={"dropout": Off()}, dropout=0.5), trained(dropout=1e-12), rtol=1e-9)
    np.testing.assert_array_equal(
        trained(schedule={"weight_decay": Off()}, optimizer=decaying), trained(optimizer=AdamW(0.05, weight_decay=0))
    )
    assert not np.array_equal(trained(optimizer=decaying), trained(optimizer=AdamW(0.05, weight_decay=0)))
    np.testing.assert_array_equal(trained(schedule={"learning_rate": FlatCosine()}), trained(schedule=FlatCosine()))


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("weight_decay", {}, "optimizer with weight_decay above 0, .* got optimizer=SGD"),
        ("weight_decay", {"optimizer": "adam"}, "optimizer with weight_decay above 0, .* got optimizer=Adam"),
        ("weight_decay", {"optimizer": Lion()}, "optimizer with weight_decay above 0, .* got optimizer=Lion"),
        ("dropout", {}, r"dropout above 0, got layer_sizes=\[5, 9, 3\], dropout=0.0"),
        ("dropout", {"dropout": [0.0]}, r"dropout above 0, got layer_sizes=\[5, 9, 3\], dropout=\(0.0,\)"),
        ("dropout", {"layer_sizes": [5, 3], "dropout": 0.5}, r"hidden layers .*, got layer_sizes=\[5, 3\]"),
    ],
)
def test_schedules_of_what_the_model_lacks_are_refused(name, settings, told):
    model = fastbp.Model(**{"layer_sizes": [5, 9, 3], "seed": 0} | settings)
    before = model.get_state()
    with pytest.raises(ValueError, match=rf"schedule\['{name}'\] needs .*{told}"):
        model.fit(X, y, schedule={name: FlatCosine()}, verbose=0)
    np.testing.assert_equal(model.get_state(), before)
    model.fit(X, y, schedule={name: None, "learning_rate": FlatCosine()}, epochs=1, verbose=0)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("optimizer", [AdamW, Lion])
def test_decay_by_kind_by_hand(kernels, optimizer):
    """Where the gradient is 0, a parameter at f times the rate r is multiplied by 1 - r f factor decay."""
    rule = optimizer(0.1, weight_decay=0.5, rate_factors={"W": 2, "b": 3}, decay_factors={"W": 0.25, "b": 0})
    model = fastbp.Model([1, 1], optimizer=rule, loss="squared_error", dtype="float64", kernels=kernels, seed=0)
    W, b = model.parameters[0]
    W[:], b[:] = 2.0, 1.0
    model.fit([[1.0]], [3.0], epochs=1, verbose=0, schedule={"weight_decay": StepDecay(1)})
    np.testing.assert_allclose(W, 2 * (1 - 0.1 * 2 * 0.25 * 0.5), rtol=1e-15)
    assert b[0] == 1.0
    assert fastbp.Model(**model.get_config()).optimizer == model.optimizer


@pytest.mark.parametrize(
    ("schedule", "error", "told"),
    [
        ({"momentum": FlatCosine()}, ValueError, "schedule must hold schedules of some of ['learning_rate', 'dropout'"),
        ({"dropout": {"dropout": FlatCosine()}}, TypeError, "schedule must hold schedules by name"),
        ({"dropout": 0.5}, TypeError, "schedule must be an object of fastbp.schedules"),
        ({"dropout": Double()}, ValueError, "schedule['dropout'] must return factors of at most 1"),
    ],
)
def test_bad_schedules_are_refused_by_name(schedule, error, told):
    with pytest.raises(error, match=re.escape(told)):
        trained(schedule=schedule, dropout=0.5)


def test_decay_factors_are_checked():
    for value, error in (({"c": 1}, ValueError), ({"W": -1}, ValueError), (3, TypeError)):
        with pytest.raises(error, match="decay_factors"):
            AdamW(decay_factors=value)


# ---- first weights from data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_sums_have_deviation_1_and_biases_lie_among_them(parametrization):
    optimizer = fastbp.optimizers.Adam(parametrization=parametrization)
    model = fastbp.Model([5, 9, 7, 3], "tanh", optimizer, dtype="float64", seed=1)
    fastbp.initialize_from_data(model, X, seed=2)
    h = X
    for W, b in model.parameters:
        t = h @ W
        np.testing.assert_allclose(t.std(axis=0), 1, rtol=1e-9)
        assert (t.min(axis=0) <= -b).all() and (-b <= t.max(axis=0)).all()
        h = np.tanh(t + b)


def test_first_weights_are_fixed_by_the_seed_and_survive_columns_that_are_constant():
    models = [fastbp.Model([2, 4, 1], loss="squared_error", seed=0) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fastbp.initialize_from_data(model, np.ones((6, 2)), seed=seed)
    assert np.array_equal(models[0]._flat, models[1]._flat) and not np.array_equal(models[0]._flat, models[2]._flat)
    assert np.isfinite(models[0]._flat).all()


@pytest.mark.parametrize("seed", [None, 0])
def test_bad_rows_change_no_weight_and_no_random_number(seed):
    model = fastbp.Model([2, 4, 1], loss="squared_error", seed=0)
    before = model.get_state()
    for rows in ([[1.0, np.nan]], [[1.0]], []):
        with pytest.raises(ValueError, match="X"):
            fastbp.initialize_from_data(model, rows, seed=seed)
    np.testing.assert_equal(model.get_state(), before)
    with pytest.raises(ValueError, match="Members"):
        fastbp.initialize_from_data(fastbp.Model([2, 4, 2], scaling_layer=fastbp.Members(2)), X[:, :2])
