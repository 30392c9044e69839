"""Functions of a user's: trained as built-in ones of the same formula, copied, pickled, saved, and told when wrong."""

import copy
import functools
import io
import math
import os
import pickle

import numpy as np
import pytest
from guarded import DTYPES

import fastbp
import fastbp.sklearn
from fastbp.activations import Activation, exp, log, tanh
from fastbp.kernels.compiler import jit
from fastbp.losses import PointLoss

SHARE = 0.1


def silu(t):
    return t / (1 + exp(-t))


def silu_slope(t):
    s = 1 / (1 + exp(-t))
    return s * (1 + t * (1 - s))


def bent(t):
    return t if t > 0 else SHARE * t


def bent_slope(t):
    if t > 0:
        return 1
    return SHARE


def half(x):
    return x / 2


def helped(t):
    return half(fastbp.activations.tanh(t)) + half(math.tanh(t))


def helped_slope(t):
    h = half(tanh(t)) + half(np.tanh(t))
    return 1 - h**2


def square(z, y):
    return (z - y) ** 2 / 2


def difference(z, y):
    return z - y


def yes_or_no(z, y):
    return log(1 + exp(-abs(z))) + max(z, 0) - y * z


def yes_or_no_slope(z, y):
    return 1 / (1 + exp(-z)) - y


def closure(factor):
    def cube(t):
        return factor * t**3

    return Activation("cube", cube, lambda t: 3 * factor * t**2)


SILU, BENT = Activation("my_silu", silu, silu_slope), Activation("bent", bent, bent_slope)
HELPED, RAMP = Activation("helped", helped, helped_slope), Activation("ramp", lambda t: t / 2 + 1, lambda t: 0.5)
CUBE = closure(0.01)
SQUARE, LOGIT = PointLoss("my_square", square, difference), PointLoss("my_logit", yes_or_no, yes_or_no_slope)
KERNELS, NORMALIZED = ("fast", "elementwise"), {"layer_norm": True, "dropout": 0.2}


def rows(outputs=3, n=70, columns=6):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((n, columns))
    return X, X @ rng.standard_normal((columns, outputs)) / 3


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


def trained(**settings):
    model = fastbp.Model([6, 20, 17, 3], **{"loss": "squared_error", "learning_rate": 0.02, "seed": 1} | settings)
    model.fit(*rows(), epochs=3, batch_size=32, verbose=0)
    return model


# ---- the same as built-in ones


@DTYPES
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        ({"activation": SILU}, {"activation": "silu"}),
        ({"activation": [HELPED, "silu"]}, {"activation": ["tanh", "silu"]}),
        ({"activation": [SILU, HELPED], **NORMALIZED}, {"activation": ["silu", "tanh"], **NORMALIZED}),
        ({"loss": SQUARE, "l1": 0.01, "optimizer": "adam"}, {"l1": 0.01, "optimizer": "adam"}),
    ],
)
def test_they_train_as_built_in_ones(own, built_in, kernels, dtype):
    one, other = trained(kernels=kernels, dtype=dtype, **own), trained(kernels=kernels, dtype=dtype, **built_in)
    bound = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(flat(one), flat(other), rtol=0, atol=bound)
    np.testing.assert_allclose(one.predict(rows()[0]), other.predict(rows()[0]), rtol=0, atol=10 * bound)
    assert one.evaluate(*rows())["loss"] == pytest.approx(other.evaluate(*rows())["loss"], rel=10 * bound)


@DTYPES
@pytest.mark.parametrize("F", [BENT, RAMP, CUBE], ids=str)
def test_branches_lambdas_closures_and_whole_numbers(F, dtype):
    fast, plain = (trained(activation=F, kernels=kernels, dtype=dtype) for kernels in KERNELS)
    np.testing.assert_allclose(flat(fast), flat(plain), rtol=0, atol=1e-5 if dtype == np.float32 else 1e-12)


@DTYPES
def test_outputs_are_those_of_the_function(dtype):
    model = fastbp.Model([1, 1, 1], BENT, loss=LOGIT, dtype=dtype)
    for W, b in model.parameters:
        W[...], b[...] = 1, 0
    t = np.array([-3, -0.0, 0.0, 2.5, np.finfo(dtype).max, -np.finfo(dtype).max], dtype)[:, None]
    np.testing.assert_array_equal(model.predict(t), np.where(t > 0, t, dtype.type(SHARE) * t)[:, 0])
    z = np.where(t > 0, t, SHARE * t)[:4, 0].astype(float)
    E = (np.log1p(np.exp(-abs(z))) + np.maximum(z, 0) - z).mean()
    assert model.evaluate(t[:4], np.ones(4))["loss"] == pytest.approx(E, rel=1e-6)


def test_what_is_no_number_stays_in_its_row():
    model = fastbp.Model([1, 40, 40], [BENT], loss=SQUARE, seed=0)
    model.parameters[0][1][:] = 1
    with pytest.warns(RuntimeWarning, match="predictions of 1 of 3 rows are not finite"):
        assert np.isfinite(model.predict([[1.0], [3e38], [2.0]])[[0, 2]]).all()


# ---- kept


def twins(model, tmp_path):
    yield copy.deepcopy(model)
    yield copy.copy(model)
    yield pickle.loads(pickle.dumps(model))
    model.save(tmp_path / "model")
    yield fastbp.load(tmp_path / "model", custom={"bent": BENT, "my_square": SQUARE})


@pytest.mark.parametrize("kernels", KERNELS)
def test_copies_pickles_and_files_train_on_to_the_bit(kernels, tmp_path):
    model = trained(activation=[BENT, "tanh"], loss=SQUARE, kernels=kernels, optimizer="adam")
    config, found = model.get_config(), list(twins(model, tmp_path))
    assert config["activation"] == ["bent", "tanh"] and config["loss"] == {"name": "my_square"}
    X, y = rows()
    model.fit(X, y, epochs=2, verbose=0)
    for twin in found:
        assert twin.network.activations[:-1] == model.network.activations[:-1] and twin.loss == SQUARE
        twin.fit(X, y, epochs=2, verbose=0)
        np.testing.assert_array_equal(flat(twin), flat(model))


def test_a_file_asks_for_what_it_lacks(tmp_path):
    path = tmp_path / "model"
    fastbp.Model([2, 3, 2], BENT, loss=SQUARE).save(path)
    for custom, missing in (
        (None, "activation 'bent'"),
        ({"bent": BENT}, "loss 'my_square'"),
        ({"bent": SQUARE}, "bent"),
    ):
        with pytest.raises(
            ValueError, match=rf"model: the model's .*{missing}.* is not one of fastbp's; give it as load"
        ):
            fastbp.load(path, custom=custom)
    for custom in [BENT], {"bent": bent}:
        with pytest.raises(TypeError, match="custom must map names to objects of fastbp"):
            fastbp.load(path, custom=custom)


def test_one_that_can_not_be_pickled_says_so():
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(trained(activation=RAMP))


class Noted(fastbp.Model):
    """A model with a constructor and an attribute of its own."""

    def __init__(self, units):
        super().__init__([3, units, 2], BENT, seed=0)
        self.note = {"units": [units]}


def test_subclasses_keep_what_is_theirs():
    model = Noted(4)
    for twin in pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model):
        assert type(twin) is Noted and twin.note == {"units": [4]} and twin.layer_sizes == (3, 4, 2)
    assert copy.deepcopy(model).note is not model.note and copy.copy(model).note is model.note


# ---- refused


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (
            lambda: Activation("wrong", lambda t: t * t, lambda t: t),
            ValueError,
            "wrong: the derivative at -5.907 is -5",
        ),
        (lambda: PointLoss("wrong", square, square), ValueError, "wrong: the derivative at"),
        (lambda: Activation("relu", bent, bent_slope), ValueError, "name must not be that of a built-in act.*'relu'"),
        (lambda: Activation("swish", silu, silu_slope), ValueError, "name must not be that of a built-in"),
        (lambda: PointLoss("huber", square, difference), ValueError, "name must not be that of a built-in loss"),
        (lambda: Activation("two words", bent, bent_slope), ValueError, "name must be an identifier"),
        (
            lambda: Activation("p", functools.partial(pow, 2), bent),
            TypeError,
            "must be Python functions, got functools",
        ),
        (
            lambda: Activation("none", lambda t: None, bent),
            ValueError,
            "must return a number for each number, not so at",
        ),
        (lambda: Activation("root", math.sqrt, bent), TypeError, "must be Python functions, got <built-in"),
        (lambda: Activation("of_h", bent, bent_slope, of_h=True), ValueError, "of_h and parameter are for built-in"),
    ],
)
def test_wrong_ones_are_refused(make, kind, words):
    with pytest.raises(kind, match=words):
        make()


def test_two_functions_of_one_name_are_refused_as_a_file_keeps_the_name():
    other, of_loss = Activation("bent", silu, silu_slope), PointLoss("bent", square, difference)
    for given in ({"activation": [BENT, other]}, {"activation": [BENT, "relu"], "loss": of_loss}):
        with pytest.raises(ValueError, match="must have different names, got two of 'bent'"):
            fastbp.Model([3, 4, 4, 2], **given)
    with pytest.raises(ValueError, match="two of 'bent'"):
        fastbp.sklearn.MLPRegressor("squared_error", [4, 4], [BENT, other]).fit([[1.0], [2.0]], [1, 2])
    twice = fastbp.Model([3, 4, 4, 2], [BENT, Activation("bent", bent, bent_slope)], seed=0)
    assert [F.name for F in twice.network.activations] == ["bent", "bent", "identity"]


@pytest.mark.parametrize("kernels", KERNELS)
def test_what_numba_can_not_compile_is_named_in_a_sentence(kernels):
    X, y = rows()
    wild = Activation("wild", lambda t: io.BytesIO(b"a").getbuffer()[0] * 0.0 + t, lambda t: 1.0)
    model = fastbp.Model([6, 4, 3], wild, loss=SQUARE, kernels=kernels, seed=0)
    before = flat(model)
    with pytest.raises(TypeError, match="^wild: Numba can't compile '<lambda>': .*BytesIO") as error:
        model.fit(X, y, epochs=1, verbose=0)
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(flat(model), before)
    odd = PointLoss("odd", lambda z, y: float(str(z)) * 0 + square(z, y), difference)
    with pytest.raises(TypeError, match="^odd: Numba can't compile '<lambda>'"):
        fastbp.Model([6, 4, 3], loss=odd, kernels=kernels).fit(X, y, epochs=1, verbose=0)


# ---- compiled anew in each process, and nothing else is


COUNT = """
import numba.core.event as events, fastbp, sys
sys.path.insert(0, {tests!r})
from test_own_functions import BENT, SQUARE, rows
compiled = []
class Listener(events.Listener):
    def on_start(self, event): compiled.append(event.data["dispatcher"].py_func.__qualname__)
    def on_end(self, event): pass
events.register("numba:compile", Listener())
X, y = rows()
model = fastbp.Model([6, 20, 3], BENT, loss=SQUARE, seed=0)
model.fit(X, y, epochs=1, verbose=0)
model.predict(X)
print("\\n".join(compiled))
"""


@pytest.mark.slow
@pytest.mark.skipif(jit.cache_folder() is None, reason="no kernel is kept here")
def test_a_second_process_compiles_what_depends_on_them_alone(run_python):
    code = COUNT.format(tests=os.path.dirname(__file__))
    run_python("-c", code)
    compiled = run_python("-c", code).stdout.split()
    whole = [
        name for name in compiled if name.startswith(("activate_", "derive_", "loss_", "predict_", "linear", "train"))
    ]
    assert sorted(whole) == ["activate_bent", "derive_bent", "loss_my_square"]
