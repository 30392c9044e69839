"""Layer normalization: by hand, against numpy's central differences, fast against plain loops, kept and shown."""

import pickle

import numpy as np
import pytest
from processes import run
from safetensors.numpy import load_file
from test_losses import MIXED, error
from trainings import OPTIMIZERS, assert_alike, both, data, flat, targets

import fastbp
from fastbp.callbacks import EarlyStopping
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.losses import LOSSES
from fastbp.kernels.registry import KERNELS
from fastbp.optimizers import AdamW, RMSprop

WAYS = "fast", "elementwise"
MORE = OPTIMIZERS | {
    "adamw": {"optimizer": AdamW(0.01)},
    "rmsprop": {"optimizer": RMSprop(0.01)},
}


def made(sizes, activation="relu", seed=7, **settings):
    """A model whose b, g and c are not what they begin with."""
    model = fastbp.Model(sizes, activation, seed=seed, **{"layer_norm": True} | settings)
    rng = np.random.default_rng(seed)
    for _, b, *norm in model.parameters:
        b[...] = rng.uniform(-0.5, 0.5, b.shape)
        for vector in norm:
            vector[...] += rng.uniform(-0.5, 0.5, vector.shape)
    return model


# ---- by hand


@pytest.mark.parametrize("variant", ["fast", "reference"])
def test_rows_by_hand(variant, dtype):
    t = np.array([[1, 3, 5, 7], [2, 2, 2, 2], [-1e4, 1e4, -1e4, 1e4]], dtype)
    g, c = np.array([1, 2, 1, 1], dtype), np.array([0, 0, 0.5, 0], dtype)
    n, u, r = np.empty_like(t), np.empty_like(t), np.empty(3, dtype)
    KERNELS["fast_layer_norm"].call(variant, n, u, r, t, g, c)
    r_0, u_2 = 1 / np.sqrt(5 + 1e-5), 1e4 / np.sqrt(1e8 + 1e-5)
    near = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(r, [r_0, 1 / np.sqrt(1e-5), 1 / np.sqrt(1e8 + 1e-5)], **near)
    np.testing.assert_allclose(u, [[-3 * r_0, -r_0, r_0, 3 * r_0], [0, 0, 0, 0], [-u_2, u_2, -u_2, u_2]], **near)
    np.testing.assert_allclose(n, u * g + c, **near)
    dt, du = np.empty_like(t), np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], dtype)
    KERNELS["fast_layer_norm_backward_input"].call(variant, dt, du, u, r)
    mean, along = 1 / 4, -3 * r_0 / 4
    wanted = [[r_0 * (du[0, j] - mean - u[0, j] * along) for j in range(4)], r[1] * (du[1] - mean), [0, 0, 0, 0]]
    np.testing.assert_allclose(dt, wanted, rtol=0, atol=8 * np.finfo(dtype).eps * r[1])


def test_it_begins_with_gain_one_and_bias_zero_and_draws_the_same_weights():
    plain, normal = fastbp.Model([5, 4, 3, 2], seed=3), fastbp.Model([5, 4, 3, 2], seed=3, layer_norm=[False, True])
    assert [len(layer) for layer in normal.parameters] == [2, 4, 2]
    for (W, b), (same, b_too, *norm) in zip(plain.parameters, normal.parameters, strict=True):
        np.testing.assert_array_equal(W, same)
        assert not b.any() and not b_too.any()
        for vector, value in zip(norm, (1, 0), strict=False):
            assert vector.shape == b.shape and (vector == value).all()
    off = fastbp.Model([5, 4, 3, 2], seed=3, layer_norm=[False, False])
    X, y = data(np.random.default_rng(0), 40, (5, 2))
    for model in (plain, off):
        model.fit(X, y, epochs=2, batch_size=16, verbose=0)
    assert flat(plain).tobytes() == flat(off).tobytes()


@pytest.mark.parametrize("kernels", WAYS)
def test_a_layer_of_one_unit_gives_its_bias_and_learns_nothing_below(kernels, dtype):
    model = made([3, 1, 4, 2], "tanh", dtype=dtype, kernels=kernels, layer_norm=[True, False])
    X, y = data(np.random.default_rng(0), 20, (3, 2))
    z = model.predict_proba(X)
    np.testing.assert_array_equal(z, np.broadcast_to(z[0], z.shape))
    _, [(dW, db, dg, dc), *_] = model.gradients(X, y)
    assert not dW.any() and not db.any() and not dg.any() and dc.all()


# ---- against central differences


CASES = [*((F_of_all, "cross_entropy") for F_of_all in [*ACTIVATIONS, "mixed"]), *(("mixed", loss) for loss in LOSSES)]


@pytest.mark.parametrize("activation, loss", CASES)
def test_gradients_are_central_differences(activation, loss):
    rng, step, mixed = np.random.default_rng(11), 1e-5, activation == "mixed"
    sizes = [3, 4, 3, 5, 2, 4, 3, 4, 3] if mixed else [4, 5, 6, 3]
    norms = [True, True, False, True, False, True, True] if mixed else True
    X, w = rng.standard_normal((7, sizes[0])), rng.uniform(0, 2, 7)
    y = targets(rng, X, loss, sizes[-1])
    settings = {"loss": loss, "l1": 0.01, "l2": 0.02, "dtype": "float64", "layer_norm": norms}
    pair = [made(sizes, MIXED if mixed else activation, seed=5, kernels=kernels, **settings) for kernels in WAYS]
    (E, fast), (E_plain, plain) = (model.gradients(X, y, sample_weight=w) for model in pair)
    model = pair[0]
    assert pytest.approx(error(model, X, y, w), rel=1e-13) == E == pytest.approx(E_plain, rel=1e-13)
    for arrays, gradients, others in zip(model.parameters, fast, plain, strict=True):
        for array, gradient, same in zip(arrays, gradients, others, strict=True):
            difference = np.empty_like(array)
            for index, value in np.ndenumerate(array):
                E = {}
                for by in (-step, step):
                    array[index] = value + by
                    E[by] = error(model, X, y, w)
                array[index] = value
                difference[index] = (E[step] - E[-step]) / (2 * step)
            most = max(1e-2, abs(gradient).max())
            np.testing.assert_allclose(gradient, difference, rtol=0, atol=1e-6 * most)
            np.testing.assert_allclose(gradient, same, rtol=0, atol=1e-11 * most)


# ---- fast against plain

HARD = [(5, 15, 3), (37, 16, 17, 10), (13, 33, 3, 31, 5), (7, 32, 7, 2), (17, 8, 9, 3)]  # two units are but signs
BLOCKS = [((37, 61, 10), 300, 4), ((17, 33, 19, 31, 5), 700, 4)]  # sizes, rows of a minibatch, blocks


@pytest.mark.parametrize("optimizer", MORE)
@pytest.mark.parametrize("sizes", HARD, ids=lambda sizes: "-".join(map(str, sizes)))
def test_trainings_agree(sizes, optimizer, dtype, rng):
    X, y = data(rng, 107, sizes)
    number = HARD.index(sizes) + list(MORE).index(optimizer)
    more = [{}, {"dropout": 0.3}, {"clip_norm": 0.5, "l2": 0.01}, {"dropout": 0.2, "activation": "gelu"}]
    norms = True if number % 3 else [True] + [False] * (len(sizes) - 3)
    settings = {"layer_norm": norms, **more[number % 4], **MORE[optimizer]}
    assert_alike(both(sizes, X, y, 33, dtype=dtype, **settings), X, y)  # the last batch has 8 rows


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("sizes, batch_size, blocks", BLOCKS)
def test_trainings_in_blocks_agree(sizes, batch_size, blocks, optimizer, dtype, rng):
    X, y = data(rng, 2 * batch_size + batch_size // 3, sizes)
    pair = both(sizes, X, y, batch_size, dtype=dtype, layer_norm=True, **MORE[optimizer])
    assert pair[0][0]._plan._blocks(batch_size) == blocks
    assert_alike(pair, X, y)


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_predictions_agree_on_any_number_of_rows_and_a_row_alone_is_the_same(activation, dtype, rng):
    fast, plain = (made((10, 33, 16, 7), activation, dtype=dtype, kernels=kernels) for kernels in WAYS)
    for rows in (1, 7, 64, 65, 200):
        X = rng.standard_normal((rows, 10))
        z = fast.predict_proba(X)
        np.testing.assert_allclose(z, plain.predict_proba(X), atol=100 * float(np.finfo(dtype).eps))
        for row in range(min(rows, 3)):
            np.testing.assert_array_equal(fast.predict_proba(X[row : row + 1]), z[row : row + 1])


def test_what_fills_up_the_panels_stays_zero(rng):
    sizes = (5, 19, 17, 3)
    X, y = data(rng, 50, sizes)
    for settings in MORE.values():
        model = made(sizes, **settings)
        model.fit(X, y, epochs=2, batch_size=16, verbose=0)
        plan, used = model._plan, np.zeros(model.network.n_parameters, np.float32)
        for flat_panels in (plan.parameters, *plan.slots.values()):
            assert np.isfinite(flat_panels).all()
            plan._pack("unpack_parameters", flat_panels, used)
            assert np.count_nonzero(flat_panels) == np.count_nonzero(used) > 0


SAME_BITS = """
from covering import covering
X = random.standard_normal((609, 37))
y = random.integers(0, 10, 609)
SETTINGS = [
    {"learning_rate": 0.05}, {"optimizer": "adam"},
    {"optimizer": fastbp.optimizers.SGD(momentum=0.9), "clip_norm": 1.0},
]
CASES = ((37, 61, 10), 300), ((37, 257, 131, 10), 203)
for (sizes, batch_size), dtype, settings in covering(CASES, ("float32", "float64"), SETTINGS):
    told = set()
    for n_threads in 1, 2, 3:
        model = fastbp.Model(sizes, seed=1, dtype=dtype, n_threads=n_threads, layer_norm=True, **settings)
        used.clear()
        history = model.fit(X, y, epochs=2, batch_size=batch_size, verbose=0)
        E, gradients = model.gradients(X, y)
        arrays = [array for layer in gradients for array in layer]
        told.add(digest(model._flat, history.loss, *arrays, model.predict_proba(X)))
    assert len(told) == 1 and used == {n_threads}, (sizes, dtype, settings, used)
    print(*told)
"""


def test_any_number_of_threads_gives_the_same_bits():
    bits = run(SAME_BITS).split()
    assert len(bits) == len(set(bits)) == 6


def test_what_is_no_number_stays_in_its_row(dtype):
    huge = np.finfo(dtype).max
    for width in (3, 16, 37):
        model = fastbp.Model([2, width, 3], "identity", layer_norm=True, dtype=dtype, seed=0)
        model.parameters[0][0][1] = huge
        with pytest.warns(RuntimeWarning, match="predictions of 9 of 18 rows are not finite"):
            z = model.predict_proba(np.array([[1, 0], [0, 4]] * 9))
        assert np.isnan(z[1::2]).all() and np.isfinite(z[::2]).all()


# ---- what else a model can do


@pytest.mark.parametrize("kernels", WAYS)
def test_penalties_leave_gain_and_bias_alone(kernels, dtype):
    pair = [made([3, 5, 2], kernels=kernels, dtype=dtype, **settings) for settings in ({}, {"l1": 0.5, "l2": 0.25})]
    X, y = data(np.random.default_rng(0), 20, (3, 2))
    (E, [(_, *vectors), _]), (more, [(_, *same), _]) = (model.gradients(X, y) for model in pair)
    weights = [W for W, *_ in pair[0].parameters]
    cost = sum(0.5 * abs(W).sum(dtype=np.float64) + 0.125 * (W.astype(np.float64) ** 2).sum() for W in weights)
    assert more - E == pytest.approx(cost, rel=1e-5)
    for vector, other in zip(vectors, same, strict=True):
        np.testing.assert_array_equal(vector, other)


def test_it_is_saved_loaded_and_pickled_with_its_gain_and_bias(tmp_path, rng):
    X, y = data(rng, 60, (5, 3))
    model = made((5, 9, 8, 3), layer_norm=[False, True], optimizer="adam")
    model.fit(X, y, epochs=2, verbose=0)
    model.save(tmp_path / "model")
    tensors = load_file(tmp_path / "model")
    layers = {name for name in tensors if name.startswith("layers.1.")}
    assert layers == {f"layers.1.{name}" for name in ("weight", "bias", "norm.weight", "norm.bias")}
    np.testing.assert_array_equal(tensors["layers.1.norm.weight"], model.parameters[1][2], strict=True)
    np.testing.assert_array_equal(tensors["layers.1.norm.bias"], model.parameters[1][3], strict=True)
    others = [fastbp.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))]
    for other in others:
        assert other.get_config() == model.get_config()
    for each in (model, *others):
        each.fit(X, y, epochs=2, verbose=0)
    assert len({flat(each).tobytes() for each in (model, *others)}) == 1


def test_a_config_of_before_makes_a_model_without_it():
    config = fastbp.Model([3, 4, 2]).get_config()
    assert config.pop("layer_norm") is False
    assert fastbp.Model(**config).network.layer_norms == [False, False]


def test_summary_diagnosis_and_early_stopping_know_of_it(rng):
    X, y = data(rng, 80, (6, 3))
    model = made((6, 20, 10, 3), layer_norm=[True, False], dtype="float64")
    text = model.summary()
    assert "linear + layer_norm + relu" in text and text.count("layer_norm") == 1
    assert text.split()[-1] == str(model.network.n_parameters) == str(6 * 20 + 3 * 20 + 21 * 10 + 11 * 3)
    stop = EarlyStopping(patience=3)
    model.fit(X, y, epochs=30, batch_size=8, validation_split=0.2, verbose=0, callbacks=[stop])
    layers = model.diagnose(X, y).layers
    _, gradients = model.gradients(X, y)
    for layer, (dW, *_) in zip(layers, gradients, strict=True):
        assert layer.dW == pytest.approx(np.sqrt((dW**2).mean()), rel=1e-9)


@pytest.mark.parametrize(
    "given, kind, words",
    [
        ("yes", TypeError, "layer_norm must be True or False, got 'yes'"),
        (2, TypeError, "layer_norm must be True or False, got 2"),
        ([True], ValueError, "layer_norm must be True, False, or 2 of them, one for each hidden layer, got 1"),
        ([True, None], TypeError, r"layer_norm\[1\] must be True or False, got None"),
    ],
)
def test_bad_settings_are_refused(given, kind, words):
    with pytest.raises(kind, match=words):
        fastbp.Model([4, 3, 3, 2], layer_norm=given)
