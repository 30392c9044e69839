"""Members: networks that share their hidden layers, each with scales of the inputs and an output layer of its own."""

import numpy as np
import pytest
from scipy import special

import fastbp
from fastbp import Members
from fastbp.data.labelled import labelled
from fastbp.execution import threads
from fastbp.kernels.program.state import lanes_of

LANES = lanes_of(np.float64)
SHAPES = [(1, 1, 2), (LANES - 1, LANES + 1, 3), (LANES, 13, 2), (2 * LANES + 1, 31, 5)]  # inputs, units, members
LOSSES = {
    "cross_entropy": 3, "binary_cross_entropy": 1, "squared_error": 2, "poisson": 1,
}  # one of each link, with its outputs  # fmt: skip
OF_OPTIMIZERS = "learning_rate", "parametrization", "rate_factors"
SETTINGS = {
    "plain": {"activation": "relu"},
    "recipe": {"parametrization": "ntk", "rate_factors": {"b": 0.1, "scales": 6}},
    "vectors": {"activation": "prelu", "layer_norm": True, "dropout": 0.25, "rate_factors": {"gain": 3, "slope": 0.3}},
    "penalties": {"activation": "mish", "l1": 0.01, "l2": 0.1, "dropout": 0.4},
    "limits": {"clip_value": 0.01, "clip_norm": 0.05},
}


def made(sizes, members=3, dtype="float64", **settings):
    of_optimizer = {name: settings.pop(name) for name in OF_OPTIMIZERS if name in settings}
    settings["optimizer"] = {"name": settings.get("optimizer", "adam"), **of_optimizer}
    given = {"activation": "selu", "seed": 1} | settings
    model = fastbp.Model(sizes, dtype=dtype, scaling_layer=Members(members, "normal"), **given)
    for _, b, *_ in model.parameters:
        b[:] = np.random.default_rng(5).standard_normal(len(b)) / 3
    return model


def data(I, rows, loss="cross_entropy", seed=0):
    rng = np.random.default_rng(seed)
    X, outputs = rng.standard_normal((rows, I)), LOSSES[loss]
    if loss == "cross_entropy":
        return X, rng.integers(0, outputs, rows)
    y = rng.integers(0, 2, (rows, outputs)) if loss == "binary_cross_entropy" else rng.poisson(1.5, (rows, outputs))
    return X, y.astype(float)


def everything(model):
    state = model.get_state()
    return np.concatenate([state["parameters"], *state["optimizer"].values()])


# ---- what members are, in NumPy ------------------------------------------------------------------------------------


def logits(model, X):
    """t of each member, of shape (members, rows, outputs), for tanh."""
    layers, members = model.parameters, model.network.n_members
    found = []
    for scales, (V, c) in zip(model.scales, layers[-members:], strict=True):
        h = X * scales
        for W, b in layers[:-members]:
            h = np.tanh(h @ W + b)
        found.append(h @ V + c)
    return np.array(found)


def outputs(t, loss):
    if loss == "cross_entropy":
        powers = np.exp(t - t.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)
    return {"binary_cross_entropy": 1 / (1 + np.exp(-t)), "squared_error": t, "poisson": np.exp(t)}[loss]


def errors(z, y, loss):
    """The error of each row."""
    if loss == "cross_entropy":
        return -np.log(np.take_along_axis(z, np.broadcast_to(y[:, None], (*z.shape[:-1], 1)), -1))[..., 0]
    if loss == "binary_cross_entropy":
        return -(y * np.log(z) + (1 - y) * np.log(1 - z)).sum(-1)
    return ((z - y) ** 2 / 2 if loss == "squared_error" else z - y + special.rel_entr(y, z)).sum(-1)


def predicted(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("loss", LOSSES)
def test_predictions_and_errors_are_means_over_the_members(loss, kernels):
    for I, hidden, members in SHAPES:
        X, y = data(I, 23, loss)
        weights = np.random.default_rng(3).uniform(0, 2, 23)
        model = made([I, hidden, 7, LOSSES[loss]], members, loss=loss, activation="tanh", kernels=kernels)
        each = outputs(logits(model, X), loss)
        mean = each.mean(0)
        for rows in (23, 1):
            found = predicted(model, X[:rows]).reshape(rows, -1)
            np.testing.assert_allclose(found[:, -mean.shape[-1] :], mean[:rows], rtol=1e-12)  # of one output behind 1-z
        E = model.gradients(X, y, sample_weight=weights)[0]
        assert E == pytest.approx(np.average(errors(each, y, loss).mean(0), weights=weights), rel=1e-10)
        scores = model.evaluate(X, y, sample_weight=weights)
        assert scores["loss"] == pytest.approx(np.average(errors(mean, y, loss), weights=weights), rel=1e-9)
        if loss == "cross_entropy":
            assert scores["accuracy"] == pytest.approx(np.average(mean.argmax(1) == y, weights=weights))


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("sizes", [[5, 9, 4, 3], [5, 3]], ids=["deep", "without hidden layers"])
def test_gradients_are_the_slope_of_E(sizes, kernels):
    X, y = data(5, 21)
    model, step = made(sizes, 3, activation="tanh", kernels=kernels), 1e-6
    model.scales[1, 2] = 0  # which moves, too
    found, plan = np.empty(model.network.n_parameters), model._new_plan()
    plan.load(model._flat)
    plan.gradients(labelled(model, X, y), found)
    for k in range(len(found)):
        kept, E = model._flat[k], []
        for moved in (kept + step, kept - step):
            model._flat[k] = moved
            E.append(errors(outputs(logits(model, X), "cross_entropy"), y, "cross_entropy").mean())
        model._flat[k] = kept
        assert found[k] == pytest.approx((E[0] - E[1]) / (2 * step), rel=1e-6, abs=1e-9)


# ---- steps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_fast_and_elementwise_steps_agree(settings, optimizer):
    for I, hidden, members in SHAPES:
        X, y = data(I, 29)
        weights = np.random.default_rng(3).uniform(0, 2, 29) if members == 3 else None
        models = [
            made([I, hidden, 7, 3], members, kernels=kernels, optimizer=optimizer, learning_rate=0.01,
                 **SETTINGS[settings])
            for kernels in ("fast", "elementwise")
        ]  # fmt: skip
        history = [model.fit(X, y, sample_weight=weights, epochs=3, batch_size=11, verbose=0) for model in models]
        np.testing.assert_allclose(*map(everything, models), rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(*(each.loss for each in history), rtol=1e-9)
        np.testing.assert_allclose(*(each.accuracy for each in history), rtol=1e-9)
        np.testing.assert_allclose(*(model.predict_proba(X) for model in models), rtol=1e-8)


def test_gradients_of_many_rows_are_summed_in_blocks_of_them():
    X, y = data(9, 210)
    found = [made([9, 17, 5, 3], 5, kernels=kernels).gradients(X, y) for kernels in ("fast", "elementwise")]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)  # 5 times 216 rows: more than two blocks
    for fast, plain in zip(*(gradient for _, gradient in found), strict=True):
        for ours, right in zip(fast, plain, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-9, atol=1e-13)


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "_most", 3)
    X, y = data(33, 700)
    found = []
    for n in (1, 2, 3):
        model = made([33, 130, 70, 3], 5, "float32", n_threads=n, **SETTINGS["recipe"])
        model.fit(X, y, epochs=2, batch_size=250, verbose=0)
        found.append((everything(model).tobytes(), model.predict_proba(X).tobytes()))
    assert found[0] == found[1] == found[2]
