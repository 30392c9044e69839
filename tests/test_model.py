"""Model: what training, prediction and state promise."""

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp


@pytest.fixture
def data():
    """Learnable: 200 rows of 5 columns in 3 classes."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 5))
    return X, (X @ rng.standard_normal((5, 3))).argmax(1)


def model(**settings):
    return fastbp.Model([5, 17, 3], **{"seed": 3, **settings})


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


def test_training_learns(data):
    m = model()
    history = m.fit(*data, epochs=60, batch_size=16, verbose=0)
    assert m.evaluate(*data)["accuracy"] > 0.97
    assert history.loss[-1] < 0.3 * history.loss[0]


def test_one_step_is_equation_54(data):
    X, y = data
    m = model(dtype="float64", learning_rate=0.25)
    before = [(W.copy(), b.copy()) for W, b in m.parameters]
    _, gradients = m.gradients(X, y)
    m.fit(X, y, epochs=1, batch_size=len(X), shuffle=False, verbose=0)
    for (W0, b0), (dW, db), (W, b) in zip(before, gradients, m.parameters, strict=True):
        np.testing.assert_allclose(W, W0 - 0.25 * dW, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(b, b0 - 0.25 * db, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_bits_and_ten_fits_of_one_epoch_are_one_fit_of_ten(data, dtype):
    whole, parts, other = model(dtype=dtype), model(dtype=dtype), model(dtype=dtype, seed=4)
    history = whole.fit(*data, epochs=10, batch_size=48, verbose=0)
    losses = [parts.fit(*data, epochs=1, batch_size=48, verbose=0).loss[0] for _ in range(10)]
    other.fit(*data, epochs=10, batch_size=48, verbose=0)
    assert np.array_equal(flat(whole), flat(parts))
    assert history.loss == losses
    assert not np.array_equal(flat(whole), flat(other))


def test_history_holds_running_means_over_the_batches_as_they_were_trained(data):
    X, y = data
    m, twin = model(dtype="float64"), model(dtype="float64")
    history = m.fit(X, y, epochs=1, batch_size=64, shuffle=False, verbose=0)
    total = hits = 0
    for start in range(0, 200, 64):  # the last batch is short: 8 rows
        rows = slice(start, start + 64)
        scores = twin.evaluate(X[rows], y[rows])
        total, hits = total + scores["loss"] * len(y[rows]), hits + scores["accuracy"] * len(y[rows])
        twin.fit(X[rows], y[rows], epochs=1, batch_size=64, shuffle=False, verbose=0)
    assert history.loss == pytest.approx([total / 200], rel=1e-12)
    assert history.accuracy == pytest.approx([hits / 200])
    assert np.array_equal(flat(m), flat(twin))


def test_history_is_also_a_dict_with_validation_only_where_there_is_some(data):
    X, y = data
    m = model()
    history = m.fit(X, y, epochs=2, verbose=0)
    assert history.val_loss == history.val_accuracy == []
    history = m.fit(X[:150], y[:150], epochs=3, verbose=0, validation_data=(X[150:], y[150:]))
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert {len(values) for values in history.history.values()} == {3}
    assert history.val_loss[-1] == m.evaluate(X[150:], y[150:])["loss"]
    assert all(seconds > 0 for seconds in history.seconds)


@pytest.mark.parametrize("epochs, batch_size", [(0, 8), (1, 10_000), (2, 200), (1, 199), (1, 1)])
def test_epochs_and_batch_sizes_of_every_kind(data, epochs, batch_size):
    m = model()
    assert len(m.fit(*data, epochs=epochs, batch_size=batch_size, verbose=0).loss) == epochs
    assert np.isfinite(flat(m)).all()


def test_without_hidden_layer_and_with_many(data):
    for sizes in ([5, 3], [5, 1, 3], [5, 7, 6, 5, 4, 3]):
        m = fastbp.Model(sizes, seed=0)
        m.fit(*data, epochs=2, verbose=0)
        np.testing.assert_allclose(m.predict_proba(data[0]).sum(1), 1, rtol=1e-6)


def test_parameters_are_writable_views_of_one_vector():
    m = model()
    shapes = [(W.shape, b.shape) for W, b in m.parameters]
    assert shapes == [((5, 17), (17,)), ((17, 3), (3,))]
    for W, b in m.parameters:
        W[...], b[...] = 0, 0
    np.testing.assert_allclose(m.predict_proba(np.ones((2, 5))), 1 / 3)
    bases = {id(array.base) for layer in m.parameters for array in layer}
    assert len(bases) == 1


def test_initial_weights_are_he_normal_and_biases_zero():
    W, b = fastbp.Model([400, 300, 2], seed=0).parameters[0]
    assert abs(W.std() / np.sqrt(2 / 400) - 1) < 0.01
    assert abs(W.mean()) < 4 * np.sqrt(2 / 400 / W.size)
    assert not b.any()


def test_prediction_is_the_argmax_of_softmax_of_the_network(data):
    X, y = data
    m = model(dtype="float64")
    (W1, b1), (W2, b2) = m.parameters
    t = np.maximum(0, X @ W1 + b1) @ W2 + b2
    z = np.exp(t) / np.exp(t).sum(1, keepdims=True)
    np.testing.assert_allclose(m.predict_proba(X), z, rtol=1e-12)
    assert np.array_equal(m.predict(X), z.argmax(1))
    scores = m.evaluate(X, y)
    assert scores["loss"] == pytest.approx(-np.log(z[np.arange(200), y]).mean())
    assert scores["accuracy"] == pytest.approx((z.argmax(1) == y).mean())


def test_gradients_update_nothing(data):
    m = model()
    before = flat(m)
    loss, gradients = m.gradients(*data)
    assert np.array_equal(before, flat(m))
    assert loss == pytest.approx(m.evaluate(*data)["loss"], rel=1e-6)
    assert [(dW.shape, db.shape) for dW, db in gradients] == [((5, 17), (17,)), ((17, 3), (3,))]


def test_input_shift_and_scale_are_part_of_the_model(data):
    X, y = data
    shift, scale = X.mean(0), 1 / X.std(0)
    scaled, raw = model(dtype="float64"), model(dtype="float64", input_shift=shift, input_scale=scale)
    a = scaled.fit((X - shift) * scale, y, epochs=2, verbose=0)
    b = raw.fit(X, y, epochs=2, verbose=0)
    assert a.loss == b.loss
    assert np.array_equal(scaled.predict((X - shift) * scale), raw.predict(X))


def test_pickle_keeps_everything_to_the_bit(data):
    m = model(class_names=["a", "b", "c"], input_scale=[1, 2, 3, 4, 5])
    m.fit(*data, epochs=1, verbose=0)
    twin = pickle.loads(pickle.dumps(m))
    m.fit(*data, epochs=2, verbose=0)
    twin.fit(*data, epochs=2, verbose=0)
    assert np.array_equal(flat(m), flat(twin))
    assert twin.class_names == ["a", "b", "c"]


def test_several_threads_predict_on_one_model(data):
    X = np.tile(data[0], (40, 1))
    m = fastbp.Model([5, 300, 300, 3], seed=0)  # large enough for parallel launches
    alone = m.predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        for together in pool.map(lambda _: m.predict_proba(X), range(16)):
            assert np.array_equal(alone, together)


def test_ctrl_c_ends_fit_with_its_history_and_a_usable_model(data):
    import _thread

    m = model()
    threading.Timer(0.5, _thread.interrupt_main).start()
    start = time.perf_counter()
    history = m.fit(*data, epochs=10**9, verbose=0)
    assert time.perf_counter() - start < 30
    assert history.interrupted
    assert len(history.loss) == len(history.accuracy) == len(history.seconds)
    assert np.isfinite(m.evaluate(*data)["loss"])


def test_summary_and_repr_name_layers_and_counts():
    m = fastbp.Model([784, 128, 10])
    assert "(784, 128)" in m.summary() and "100,480" in m.summary() and "101,770" in m.summary()
    assert "784-128-10" in repr(m)


def test_progress_is_silent_or_a_bar_or_lines(data, capsys):
    m = model()
    m.fit(*data, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    m.fit(*data, epochs=2, verbose=2)
    assert capsys.readouterr().out.count("accuracy") == 2


# ---- settings beyond the paper's

EVERYTHING = {
    "activation": ["gelu", "tanh"],
    "optimizer": "adamw",
    "weight_decay": 0.02,
    "l1": 0.01,
    "l2": 0.02,
    "label_smoothing": 0.1,
    "dropout": [0.1, 0.2],
    "clip_value": 3.0,
    "clip_norm": 2.0,
    "initializer": "glorot_uniform",
}


@pytest.mark.parametrize(
    "settings", [EVERYTHING, {"loss": "huber", "delta": 0.3, "optimizer": "rmsprop", "rho": 0.8}, {}]
)
def test_all_settings_are_kept(settings, tmp_path):
    model = fastbp.Model([3, 5, 4, 2], seed=2, **settings)
    model.save(tmp_path / "model.safetensors")
    copies = [fastbp.Model(**model.get_config()), fastbp.load(tmp_path / "model.safetensors")]
    assert model.get_config() == copies[0].get_config() == copies[1].get_config()
    assert model.network == copies[0].network == copies[1].network
    assert {name: model.get_config()[name] for name in settings} == settings


@pytest.mark.parametrize("name", ["he", "glorot", "lecun"])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_initial_weights_have_the_variance_of_their_initializer(name, kind):
    (W, b), _ = fastbp.Model([200, 300, 2], seed=3, dtype="float64", initializer=f"{name}_{kind}").parameters
    variance = {"he": 2 / 200, "glorot": 2 / 500, "lecun": 1 / 200}[name]
    assert W.var() == pytest.approx(variance, rel=0.02) and abs(W.mean()) < 0.002 and not b.any()
    assert kind == "normal" or abs(W).max() <= np.sqrt(3 * variance)


@pytest.mark.parametrize("sizes", [(7, 7), (5, 9), (9, 5)])
def test_orthogonal_weights_are_orthogonal(sizes):
    [(W, _)] = fastbp.Model(sizes, seed=3, dtype="float64", initializer="orthogonal").parameters
    product = W @ W.T if sizes[0] <= sizes[1] else W.T @ W
    np.testing.assert_allclose(product, np.eye(min(sizes)), atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"activation": ["relu"]}, "activation"),
        ({"activation": ["relu", "sine"]}, "activation"),
        ({"loss": "log_loss"}, "loss"),
        ({"loss": "squared_error", "label_smoothing": 0.1}, "label_smoothing"),
        ({"dropout": 1}, "dropout"),
        ({"dropout": [0.1]}, "dropout"),
        ({"clip_norm": 0}, "clip_norm"),
        ({"clip_value": -1}, "clip_value"),
        ({"delta": 0}, "delta"),
        ({"l1": np.nan}, "l1"),
        ({"initializer": "ones"}, "initializer"),
        ({"weight_decay": 0.1}, "weight_decay"),
        ({"optimizer": "rmsprop", "rho": 1}, "rho"),
    ],
)
def test_bad_settings_beyond_the_papers_are_refused(settings, name):
    with pytest.raises(ValueError, match=name):
        fastbp.Model([3, 5, 4, 2], **settings)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_numbers_are_no_probabilities(loss):
    with pytest.raises(AttributeError, match="predict"):
        fastbp.Model([1, 2], loss=loss).predict_proba(np.zeros((3, 1)))


def test_numbers_are_predicted_as_numbers_and_have_no_accuracy():
    X = np.linspace(-1, 1, 40)[:, None]
    model = fastbp.Model([1, 16, 1], seed=0, loss="squared_error", learning_rate=0.1)
    history = model.fit(X, 3 * X[:, 0], epochs=200, batch_size=8, verbose=0)
    assert history.accuracy == [] and set(model.evaluate(X, 3 * X)) == {"loss"}
    assert model.predict(X).shape == (40,) and abs(model.predict(X) - 3 * X[:, 0]).max() < 0.2
    with pytest.raises(AttributeError, match="predict"):
        model.predict_proba(X)
