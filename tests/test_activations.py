"""Every activation: by hand, against mpmath in all its forms, and trained, fast kernels against plain loops."""

import copy
import math
import pickle

import mpmath
import numpy as np
import pytest
from guarded import DTYPES
from point_functions import ulps
from trainings import targets

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.registry import KERNELS

E, LN2, LN3 = math.e, math.log(2), math.log(3)
SCALE, ALPHA = mpmath.mpf(1.0507009873554805), mpmath.mpf(1.6732632423543772)  # of SELU
NAMES = list(ACTIVATIONS)
PARAMETRIC = [name for name in NAMES if ACTIVATIONS[name].parameter]


def logistic(t):
    return 1 / (1 + mpmath.exp(-t))


def normal(t):
    return mpmath.erfc(-t / mpmath.sqrt(2)) / 2, mpmath.exp(-t * t / 2) / mpmath.sqrt(2 * mpmath.pi)


def mish_slope(t):
    softplus = mpmath.log1p(mpmath.exp(t))
    return mpmath.tanh(softplus) + t * mpmath.sech(softplus) ** 2 * logistic(t)


def blended(F, dF):
    """The blend of F with the identity."""
    return lambda t, a: t + a * (F(t) - t), lambda t, a: 1 + a * (dF(t) - 1), lambda t, a: F(t) - t


# F and F', with dF/da where there is a parameter a; values (t, F(t), F'(t)) by hand; units in the last place that a
# tile of float32 or float64 may be off in F and, beside 1, in F'
EXACT = {
    "relu": (lambda t: max(t, 0), lambda t: int(t >= 0)),
    "identity": (lambda t: t, lambda t: 1),
    "logistic": (logistic, lambda t: logistic(t) * logistic(-t)),
    "tanh": (mpmath.tanh, lambda t: mpmath.sech(t) ** 2),
    "leaky_relu": (lambda t: max(t, t * mpmath.mpf(0.01)), lambda t: 1 if t >= 0 else mpmath.mpf(0.01)),
    "gelu": (lambda t: t * normal(t)[0], lambda t: normal(t)[0] + t * normal(t)[1]),
    "silu": (lambda t: t * logistic(t), lambda t: logistic(t) * (1 + t * logistic(-t))),
    "elu": (lambda t: t if t >= 0 else mpmath.expm1(t), lambda t: 1 if t >= 0 else mpmath.exp(t)),
    "selu": (
        lambda t: SCALE * (t if t >= 0 else ALPHA * mpmath.expm1(t)),
        lambda t: SCALE * (1 if t >= 0 else ALPHA * mpmath.exp(t)),
    ),
    "mish": (lambda t: t * mpmath.tanh(mpmath.log1p(mpmath.exp(t))), mish_slope),
    "softplus": (lambda t: mpmath.log1p(mpmath.exp(t)), logistic),
    "prelu": (lambda t, a: t if t >= 0 else a * t, lambda t, a: 1 if t >= 0 else a, lambda t, a: min(t, 0)),
    "blended_selu": blended(
        lambda t: SCALE * (t if t >= 0 else ALPHA * mpmath.expm1(t)),
        lambda t: SCALE * (1 if t >= 0 else ALPHA * mpmath.exp(t)),
    ),
    "blended_mish": blended(lambda t: t * mpmath.tanh(mpmath.log1p(mpmath.exp(t))), mish_slope),
}
BY_HAND = {
    "relu": [(2, 2, 1), (-2, 0, 0)],
    "identity": [(2, 2, 1), (-2, -2, 1)],
    "logistic": [(0, 1 / 2, 1 / 4), (LN3, 3 / 4, 3 / 16), (-LN3, 1 / 4, 3 / 16)],
    "tanh": [(0, 0, 1), (LN3, 4 / 5, 9 / 25), (-LN3, -4 / 5, 9 / 25)],
    "leaky_relu": [(2, 2, 1), (-2, -0.02, 0.01)],
    "gelu": [(0, 0, 1 / 2), (1, 0.8413447460685429, 0.8413447460685429 + 0.24197072451914337)],
    "silu": [(0, 0, 1 / 2), (LN3, 3 / 4 * LN3, 3 / 4 + 3 / 16 * LN3), (-LN3, -LN3 / 4, 1 / 4 - 3 / 16 * LN3)],
    "elu": [(2, 2, 1), (0, 0, 1), (-LN2, -1 / 2, 1 / 2), (-1, 1 / E - 1, 1 / E)],
    "selu": [(2, 2.101401974710961, 1.0507009873554805), (-LN2, -0.8790496704236883, 0.8790496704236883)],
    "mish": [(0, 0, 3 / 5), (LN2, 4 / 5 * LN2, 4 / 5 + 9 / 25 * 2 / 3 * LN2)],
    "softplus": [(0, LN2, 1 / 2), (LN3, 2 * LN2, 3 / 4), (-LN3, 2 * LN2 - LN3, 1 / 4), (1000, 1000, 1), (-1000, 0, 0)],
    "prelu": [(2, 2, 1), (-2, -0.75, 0.375)],
    "blended_selu": [
        (2, 2 + 0.375 * 0.101401974710961, 1 + 0.375 * 0.0507009873554805),
        (-LN2, -0.625 * LN2 - 0.375 * 0.8790496704236883, 0.625 + 0.375 * 0.8790496704236883),
    ],
    "blended_mish": [(0, 0, 0.85), (LN2, 0.925 * LN2, 0.625 + 0.375 * (4 / 5 + 9 / 25 * 2 / 3 * LN2))],
}
OFF = {
    "relu": 0,
    "identity": 0,
    "leaky_relu": 1,
    "gelu": 200,
    "prelu": 1,
}  # of others 6; gelu has t^2 rounded in an exponent


def slope(name):
    """The parameter's value here, in a tuple, or an empty one."""
    return (0.375,) if name in PARAMETRIC else ()


def tiled(F, t, *a):
    """F and F' of an array, as the fast kernels compute them; with dF/da where there is a parameter."""

    def call(end, out, *arguments):
        KERNELS[f"fast_{F.name}{end}"].call("fast", out, *arguments)
        return out.ravel()

    row, ones = t[None], np.ones_like(t)[None]
    h = call("", np.empty_like(row), row, *a)
    d = call("_derivative", np.empty_like(row), h[None] if F.of_h else row, *a)
    return h, d, *(call("_parameter_backward", np.empty_like(slopes), ones, row, slopes) for slopes in a)


def points(dtype, rng):
    sizes = np.geomspace(np.finfo(dtype).tiny, 300, 60)
    return np.concatenate([rng.uniform(-12, 12, 200), rng.uniform(-1, 1, 100), sizes, -sizes[sizes < 80]]).astype(dtype)


@pytest.mark.parametrize("name", NAMES)
def test_values_by_hand(name):
    F, a = ACTIVATIONS[name], slope(name)
    for t, h, d in BY_HAND[name]:
        assert F.f(t, *a) == pytest.approx(h, rel=1e-15, abs=1e-16)
        assert F.df(F.f(t) if F.of_h else t, *a) == pytest.approx(d, rel=1e-14, abs=1e-16)


@DTYPES
@pytest.mark.parametrize("name", NAMES)
def test_tiles_against_mpmath(name, dtype, rng):
    F, t, off = ACTIVATIONS[name], points(dtype, rng), OFF.get(name, 6)
    a = [np.full_like(t, value) for value in slope(name)]
    h, d, *more = tiled(F, t, *a)
    f, df, *dfda = EXACT[name]
    assert ulps(f, h, t, *a) <= off
    assert ulps(df, d, t, *a, scale=1) <= max(off, 2)
    for values, right in zip(more, dfda, strict=True):
        most = 0 if name == "prelu" else 12  # of F(t) - t, which has twice the error of exp in e^2
        assert ulps(right, values, t, *a, scale=name != "prelu") <= most


@pytest.mark.parametrize("name", NAMES)
def test_numbers_against_mpmath(name, rng):
    F, t, a = ACTIVATIONS[name], points(np.dtype(np.float64), rng), slope(name)
    h = np.array([F.f(x, *a) for x in t.tolist()], float)
    d = np.array([F.df(F.f(x) if F.of_h else x, *a) for x in t.tolist()], float)
    f, df, *_ = EXACT[name]
    others = [np.full_like(t, value) for value in a]
    assert ulps(f, h, t, *others) <= 2 * OFF.get(name, 6)
    assert ulps(df, d, t, *others, scale=1) <= max(4, OFF.get(name, 6))


@pytest.mark.parametrize("name", NAMES)
def test_tiles_at_the_ends_of_the_range(name, dtype):
    info = np.finfo(dtype)
    t = np.array([0.0, -0.0, np.nan, info.max / 2, -info.max / 2, info.smallest_subnormal], dtype)
    a = [np.full_like(t, value) for value in slope(name)]
    h, d, *_ = tiled(ACTIVATIONS[name], t, *a)
    f, df, *_ = EXACT[name]
    zero, sloped = mpmath.mpf(0), [mpmath.mpf(value) for value in slope(name)]
    np.testing.assert_allclose(h[:2], float(f(zero, *sloped)), rtol=4 * info.eps, atol=info.tiny)
    np.testing.assert_allclose(d[:2], float(df(zero, *sloped)), rtol=4 * info.eps)
    assert np.isnan(h[2]) and np.isfinite(h[4]) and np.isfinite(d[3:]).all()
    np.testing.assert_allclose(h[3], 1 if name in ("logistic", "tanh") else t[3], rtol=0.06)


@pytest.mark.parametrize("name", NAMES)
def test_built_in_ones_are_copied_and_pickled_as_themselves(name):
    F = ACTIVATIONS[name]
    assert all(twin is F for twin in (copy.copy(F), copy.deepcopy(F), pickle.loads(pickle.dumps(F))))


# ---- in a network


def forward(model, X):
    """The last layer's t in mpmath's functions, float64: no dropout."""
    h, network = X, model.network
    for (W, b, *vectors), F, norm in zip(model.parameters, network.activations, network.layer_norms, strict=True):
        t = h @ W + b
        if norm:
            g, c, *vectors = vectors
            d = t - t.mean(1, keepdims=True)
            t = g * d / np.sqrt((d * d).mean(1, keepdims=True) + 1e-5) + c
        a = [np.broadcast_to(vector, t.shape) for vector in vectors]
        h = np.vectorize(lambda *x, F=F: float(EXACT[F.name][0](*map(mpmath.mpf, x))))(t, *a)
    return h


def networks(name):
    yield {"layer_sizes": [4, 5, 3, 2]}
    yield {"layer_sizes": [3, 4, 2], "layer_norm": True, "l1": 0.01, "l2": 0.02}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_gradients_are_central_differences(name, kernels):
    rng, step = np.random.default_rng(11), 1e-6
    for settings in networks(name):
        model = fastbp.Model(
            activation=name, loss="squared_error", dtype="float64", seed=5, kernels=kernels, **settings
        )
        for _, *vectors in model.parameters:
            for vector in vectors:
                vector += rng.uniform(-0.2, 0.2, vector.shape)
        X = rng.standard_normal((7, model.layer_sizes[0]))
        y = rng.standard_normal((7, 2))

        def error(model=model, X=X, y=y):
            weights = [W for W, *_ in model.parameters]
            penalty = sum(model.network.l1 * abs(W).sum() + model.network.l2 / 2 * (W**2).sum() for W in weights)
            return ((forward(model, X) - y) ** 2).sum() / 2 / len(X) + penalty

        E, gradients = model.gradients(X, y)
        assert pytest.approx(error(), rel=1e-13) == E
        for arrays, found in zip(model.parameters, gradients, strict=True):
            assert len(arrays) == len(found)
            for array, gradient in zip(arrays, found, strict=True):
                for index in {tuple(rng.integers(0, array.shape)) for _ in range(4)}:
                    value, around = array[index], []
                    for array[index] in (value - step, value + step):
                        around.append(error())
                    array[index] = value
                    assert (around[1] - around[0]) / (2 * step) == pytest.approx(gradient[index], rel=1e-6, abs=1e-8)


DEEP, BLOCKED = ([5, 16, 17, 3], 23), ([20, 100, 40, 2], 200)  # sizes, rows of a minibatch: the second's in two blocks
TRAININGS = [
    (DEEP, "float64", {"optimizer": "sgd"}),
    (BLOCKED, "float32", {"optimizer": "sgd", "layer_norm": [True, False]}),
    (DEEP, "float32", {"optimizer": "adam", "dropout": 0.25, "layer_norm": True}),
    (BLOCKED, "float64", {"l1": 0.001, "l2": 0.01, "dropout": [0.0, 0.5], "clip_value": 0.5, "clip_norm": 1.0}),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "dtype", "settings"), TRAININGS)
def test_fast_trainings_are_those_of_plain_loops(name, shape, dtype, settings, rng):
    sizes, batch_size = shape
    X = rng.standard_normal((2 * batch_size + 5, sizes[0])) / 2
    y, models = targets(rng, X, "cross_entropy", sizes[-1]), []
    for kernels in "fast", "elementwise":
        models.append(fastbp.Model(sizes, name, dtype=dtype, seed=4, kernels=kernels, **settings))
        models[-1].fit(X, y, epochs=2, batch_size=batch_size, verbose=0)
    for one, other in zip(*(model.parameters for model in models), strict=True):
        for array, twin in zip(one, other, strict=True):
            assert np.isfinite(array).all()
            np.testing.assert_allclose(array, twin, rtol=0, atol=3e-4 if dtype == "float32" else 1e-11)
