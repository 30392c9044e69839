"""Every kind of input that works gives the same bits; every kind that doesn't leaves the model as it was."""

import pickle
import re

import numpy as np
import pytest

import fastbp

RNG = np.random.default_rng(5)
X = RNG.integers(0, 9, (40, 4)).astype(np.float32)
y = RNG.integers(0, 3, 40)


def model():
    return fastbp.Model([4, 9, 3], seed=2)


def trained(X, y=y):
    m = model()
    m.fit(X, y, epochs=2, batch_size=16, verbose=0)
    return m.get_state()["parameters"]


def memory_mapped(tmp_path):
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[...] = X
    return np.memmap(tmp_path / "X", np.float32, "r", shape=X.shape)


def read_only(tmp_path):
    array = X.copy()
    array.flags.writeable = False
    return array


GOOD_X = {
    "list": lambda _: X.tolist(),
    "read-only": read_only,
    "Fortran": lambda _: np.asfortranarray(X),
    "strided": lambda _: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda _: X[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda _: X.astype(">f4"),
    "memory map": memory_mapped,
    "float16": lambda _: X.astype(np.float16),
    "float64": lambda _: X.astype(np.float64),
    "int64": lambda _: X.astype(np.int64),
    "uint8": lambda _: X.astype(np.uint8),
    "int8": lambda _: X.astype(np.int8),
    "unaligned": lambda _: np.frombuffer(b"x" + X.tobytes(), np.float32, offset=1).reshape(X.shape),
}


@pytest.mark.parametrize("kind", GOOD_X)
def test_every_real_array_works_and_gives_the_same_bits(kind, tmp_path):
    assert np.array_equal(trained(GOOD_X[kind](tmp_path)), trained(X))


def unaligned(array):
    """The same numbers at an odd address, in memory that may be written."""
    return np.ndarray(array.shape, array.dtype, bytearray(b"x" + array.tobytes()), offset=1)


GOOD_Y = [
    y.tolist(), y.astype(np.float64), y.astype(np.uint8), y.astype(">i4"), y.astype(">i8"), np.repeat(y, 2)[::2],
    np.frombuffer(y.tobytes(), y.dtype), unaligned(y),
]  # fmt: skip


@pytest.mark.parametrize("good", GOOD_Y)
def test_every_kind_of_whole_labels_works(good):
    before = np.array(good)
    assert np.array_equal(trained(X, good), trained(X))
    assert np.array_equal(good, before)


def test_targets_and_weights_may_stand_at_odd_addresses():
    m, reference = (fastbp.Model([4, 9, 1], seed=2, loss="squared_error", dtype="float64") for _ in range(2))
    t, weights = y.astype(np.float64), 1.0 + y
    m.fit(X, unaligned(t), epochs=2, verbose=0, sample_weight=unaligned(weights))
    reference.fit(X, t, epochs=2, verbose=0, sample_weight=weights)
    assert np.array_equal(m.get_state()["parameters"], reference.get_state()["parameters"])


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_class_numbers_changed_by_a_callback_index_nothing(kernels):
    class Spoil(fastbp.callbacks.Callback):
        def on_epoch_end(self, model, logs):
            changing[:] = 2**40

    m, reference = (fastbp.Model([4, 9, 3], seed=2, kernels=kernels) for _ in range(2))
    changing = y.copy()
    history = m.fit(X, changing, epochs=3, batch_size=16, verbose=0, callbacks=[Spoil()])
    assert np.isfinite(history.loss).all() and np.isfinite(m.get_state()["parameters"]).all()
    if kernels == "elementwise":  # loops that would read at t[row, 2**40]
        assert history.loss == reference.fit(X, y, epochs=3, batch_size=16, verbose=0).loss


def changed(array, value, row=7):
    array = array.astype(np.result_type(array, type(value)) if not isinstance(value, str) else object)
    array[row, ...] = value
    return array


BAD_X = {
    "NaN": (changed(X, np.nan), ValueError, "row 7"),
    "infinity": (changed(X, -np.inf), ValueError, "row 7"),
    "too large for float32": (changed(X.astype(np.float64), 1e300), ValueError, "float32"),
    "columns": (X[:, :3], ValueError, "4 columns"),
    "one dimension": (X[0], ValueError, "two dimensions"),
    "three dimensions": (X[None], ValueError, "two dimensions"),
    "no rows": (X[:0], ValueError, "no rows"),
    "object": (X.astype(object), TypeError, "dtype object"),
    "text": (X.astype(str), TypeError, "dtype"),
    "complex": (X.astype(complex), TypeError, "complex"),
    "ragged": ([[1, 2, 3, 4], [1, 2]], ValueError, "array of numbers"),
    "nothing": (None, TypeError, "dtype object"),
    "masked": (np.ma.masked_equal(X, X[0, 0]), TypeError, "masked"),
    "dates": (np.zeros((40, 4), "M8[s]"), TypeError, "datetime"),
}
BAD_Y = {
    "too large": (changed(y, 3), ValueError, "0 to 2"),
    "negative": (changed(y, -1), ValueError, "row 7"),
    "huge": (changed(y, 2**62), ValueError, "row 7"),
    "fractional": (changed(y, 0.5), ValueError, "whole"),
    "NaN": (changed(y, np.nan), ValueError, "nan"),
    "text": (y.astype(str), TypeError, "dtype"),
    "object": (y.astype(object), TypeError, "object"),
    "one-hot": (np.eye(3)[y], ValueError, "one-hot"),
    "shorter": (y[:-1], ValueError, "(40,)"),
    "longer": (np.append(y, 0), ValueError, "(40,)"),
    "a number": (1, ValueError, "(40,)"),
}
FIT_SETTINGS = {
    "epochs below zero": ({"epochs": -1}, ValueError, "epochs"),
    "fractional epochs": ({"epochs": 1.5}, TypeError, "epochs"),
    "text epochs": ({"epochs": "10"}, TypeError, "epochs"),
    "no batch": ({"batch_size": 0}, ValueError, "batch_size"),
    "negative batch": ({"batch_size": -8}, ValueError, "batch_size"),
    "fractional batch": ({"batch_size": 8.0}, TypeError, "batch_size"),
    "boolean batch": ({"batch_size": True}, TypeError, "batch_size"),
    "shuffle": ({"shuffle": "yes"}, TypeError, "shuffle"),
    "shuffle of two": ({"shuffle": 2}, TypeError, "shuffle"),
    "verbose": ({"verbose": 3}, ValueError, "verbose must be 'auto', True, False, 0, 1 or 2, got 3"),
    "verbose in words": ({"verbose": "loud"}, ValueError, "got 'loud'"),
    "fractional verbose": ({"verbose": 1.0}, TypeError, "got 1.0"),
    "no verbose": ({"verbose": None}, TypeError, "got None"),
    "validation alone": ({"validation_data": X}, TypeError, "validation_data"),
    "validation of four": ({"validation_data": (X, y, y, y)}, TypeError, "validation_data"),
    "validation columns": ({"validation_data": (X[:, :2], y)}, ValueError, "validation X"),
    "validation labels": ({"validation_data": (X, y + 1)}, ValueError, "validation y"),
    "validation NaN": ({"validation_data": (changed(X, np.nan), y)}, ValueError, "validation X"),
}


def refuses(call, error, message):
    """Run `call(model)`; assert the error and that nothing in the model has changed."""
    m = model()
    m.fit(X, y, epochs=1, verbose=0)
    before = pickle.dumps(m)
    with pytest.raises(error) as caught:
        call(m)
    assert message in str(caught.value)
    assert pickle.dumps(m) == before


@pytest.mark.parametrize("use", ["fit", "evaluate", "gradients"])
@pytest.mark.parametrize("kind", BAD_X)
def test_bad_x_is_refused_with_labels(kind, use):
    bad, error, message = BAD_X[kind]
    labels = y[: len(bad)] if hasattr(bad, "__len__") else y
    refuses(lambda m: getattr(m, use)(bad, labels), error, message)


@pytest.mark.parametrize("use", ["predict", "predict_proba"])
@pytest.mark.parametrize("kind", BAD_X)
def test_bad_x_is_refused_without_labels(kind, use):
    bad, error, message = BAD_X[kind]
    refuses(lambda m: getattr(m, use)(bad), error, message)


@pytest.mark.parametrize("use", ["fit", "evaluate", "gradients"])
@pytest.mark.parametrize("kind", BAD_Y)
def test_bad_labels_are_refused(kind, use):
    bad, error, message = BAD_Y[kind]
    refuses(lambda m: getattr(m, use)(X, bad), error, message)


@pytest.mark.parametrize("kind", FIT_SETTINGS)
def test_bad_settings_of_fit_are_refused(kind):
    settings, error, message = FIT_SETTINGS[kind]
    refuses(lambda m: m.fit(X, y, **{"verbose": 0, **settings}), error, message)


def test_options_of_fit_have_names():
    m = model()
    with pytest.raises(TypeError, match="positional"):
        m.fit(X, y, 10)


@pytest.mark.parametrize(
    ("shuffle", "same"), [(1, True), (np.True_, True), (np.int64(1), True), (0, False), (np.False_, False)]
)
def test_shuffle_takes_every_kind_of_truth(shuffle, same):
    m, reference, other = model(), model(), model()
    for each, given in ((m, shuffle), (reference, same), (other, not same)):
        each.fit(X, y, epochs=2, batch_size=16, shuffle=given, verbose=0)
    bits = [each.get_state()["parameters"].tobytes() for each in (m, reference, other)]
    assert bits[0] == bits[1] != bits[2]


@pytest.mark.parametrize(
    ("verbose", "lines"), [(True, 0), (False, 0), (0, 0), (1, 0), ("auto", 0), (np.True_, 0), (2, 3), (np.int64(2), 3)]
)
def test_verbose_takes_every_kind_of_truth(verbose, lines, capsys):
    model().fit(X, y, epochs=3, verbose=verbose)
    out, err = capsys.readouterr()
    assert out.count("\n") == lines and err == ""


def test_nan_in_a_memory_map_is_found_while_it_is_read_and_undone(tmp_path):
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[...] = changed(X, np.nan, row=39)
    refuses(lambda m: m.fit(mapped, y, epochs=3, batch_size=4, verbose=0), ValueError, "row 39")


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"layer_sizes": [4]}, ValueError, "layer_sizes"),
        ({"layer_sizes": []}, ValueError, "layer_sizes"),
        ({"layer_sizes": [4, 0, 3]}, ValueError, "layer_sizes[1]"),
        ({"layer_sizes": [4, -2]}, ValueError, "layer_sizes[1]"),
        ({"layer_sizes": [4, 2.0]}, TypeError, "layer_sizes[1]"),
        ({"layer_sizes": "4-3"}, TypeError, "layer_sizes"),
        ({"layer_sizes": 4}, TypeError, "layer_sizes"),
        ({"activation": "swoosh"}, ValueError, "'relu'"),
        ({"activation": None}, TypeError, "activation"),
        ({"optimizer": "magic"}, ValueError, "'sgd'"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"dtype": "float16"}, ValueError, "'float32'"),
        ({"dtype": "nonsense"}, ValueError, "dtype"),
        ({"dtype": None}, ValueError, "dtype"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 0.5}, TypeError, "seed"),
        ({"input_shift": [1, 2]}, ValueError, "input_shift"),
        ({"input_scale": np.inf}, ValueError, "input_scale"),
        ({"class_names": ["a", "b"]}, ValueError, "class_names"),
        ({"class_names": ["a", "b", "b"]}, ValueError, "class_names"),
        ({"feature_names": "abcd"}, TypeError, "feature_names"),
    ],
)
def test_bad_settings_of_a_model_are_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        fastbp.Model(**{"layer_sizes": [4, 3], **arguments})
    assert message in str(caught.value)


@pytest.mark.parametrize("sizes", [[4, 2**62, 2], [2**60, 2], [4, 2**30, 2**30, 2]])
def test_layers_that_no_memory_holds_are_refused_by_name(sizes):
    told = f"layer_sizes must make a network that memory can hold, got {sizes}"
    with pytest.raises(ValueError, match=re.escape(told)):
        fastbp.Model(sizes)


@pytest.mark.parametrize(("dtype", "large"), [("float32", 2e38), ("float64", 1e308)])
def test_weights_whose_sum_leaves_no_room_are_refused_and_others_are_proportions(dtype, large):
    m, before = fastbp.Model([4, 9, 3], seed=2, dtype=dtype), fastbp.Model([4, 9, 3], seed=2, dtype=dtype)
    weights = np.full(40, large)
    calls = [
        lambda: m.fit(X, y, sample_weight=weights, verbose=0), lambda: m.evaluate(X, y, weights),
        lambda: m.gradients(X, y, weights), lambda: m.fit(X, y, class_weight={0: large / 3}, verbose=0),
        lambda: m.fit(X, y, validation_data=(X, y, weights), verbose=0),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match=f"weight must have a sum of at most .*{dtype}, got .*divide them by"):
            call()
    np.testing.assert_equal(m.get_state(), before.get_state())
    fair = weights / 2.0**40  # a power of two: the same bits
    m.fit(X, y, epochs=2, sample_weight=fair, verbose=0)
    before.fit(X, y, epochs=2, sample_weight=np.full(40, large * 2.0**-60), verbose=0)
    np.testing.assert_allclose(m.predict_proba(X), before.predict_proba(X), rtol=1e-5)


def test_what_a_dtype_makes_of_weights_is_told():
    m = fastbp.Model([2, 2], seed=0)
    with pytest.raises(ValueError, match="must not be zero for all rows once rounded to float32, got 1e-310 at most"):
        m.fit(np.ones((3, 2)), [0, 1, 0], sample_weight=[1e-310, 0, 1e-311], verbose=0)
    with pytest.raises(ValueError, match=r"must not be zero for all rows$"):
        m.fit(np.ones((3, 2)), [0, 1, 0], sample_weight=[0, 0, 0], verbose=0)
    with pytest.raises(ValueError, match="non-negative numbers of float32, got 1e\\+300 in row 1"):
        m.fit(np.ones((3, 2)), [0, 1, 0], sample_weight=[1, 1e300, 1], verbose=0)
    with pytest.raises(TypeError, match=r"validation_data must be a pair \(X, y\), .* got tuple of length 1"):
        m.fit(np.ones((3, 2)), [0, 1, 0], validation_data=(np.ones((3, 2)),), verbose=0)
