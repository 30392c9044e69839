"""Model: what training, prediction and state promise."""

import copy
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


class Slotted(fastbp.Model):
    """Has attributes in slots, one of them private, one never set."""

    __slots__ = ("__own", "tag", "unset")


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
    m, reference = model(dtype="float64"), model(dtype="float64")
    history = m.fit(X, y, epochs=1, batch_size=64, shuffle=False, verbose=0)
    total = correct = 0
    for start in range(0, 200, 64):  # the last batch is short: 8 rows
        rows = slice(start, start + 64)
        scores = reference.evaluate(X[rows], y[rows])
        total, correct = total + scores["loss"] * len(y[rows]), correct + scores["accuracy"] * len(y[rows])
        reference.fit(X[rows], y[rows], epochs=1, batch_size=64, shuffle=False, verbose=0)
    assert history.loss == pytest.approx([total / 200], rel=1e-12)
    assert history.accuracy == pytest.approx([correct / 200])
    assert np.array_equal(flat(m), flat(reference))


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
    copy = pickle.loads(pickle.dumps(m))
    m.fit(*data, epochs=2, verbose=0)
    copy.fit(*data, epochs=2, verbose=0)
    assert np.array_equal(flat(m), flat(copy))
    assert copy.class_names == ["a", "b", "c"]


@pytest.mark.parametrize("copied", ["pickle", "copy", "deepcopy"])
def test_copies_of_a_subclass_keep_all_its_attributes(data, copied):
    made = Slotted([5, 8, 3], optimizer="adam", seed=0)
    made.fit(*data, epochs=1, verbose=0)
    made.tag, made._Slotted__own, made.note = "t", [1], {"a": 2}
    how = {"pickle": lambda m: pickle.loads(pickle.dumps(m)), "copy": copy.copy, "deepcopy": copy.deepcopy}[copied]
    other = how(made)
    assert type(other) is Slotted and (other.tag, other._Slotted__own, other.note) == ("t", [1], {"a": 2})
    assert not hasattr(other, "unset") and other.stop_training is False
    for each in (made, other):
        each.fit(*data, epochs=1, verbose=0)
    assert made._flat.tobytes() == other._flat.tobytes() and made._flat is not other._flat


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
    m.fit(*data, epochs=1, verbose=0)  # compiles, during which Ctrl-C waits
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
