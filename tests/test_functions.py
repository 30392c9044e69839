"""exp, log, tanh and the logistic function, to 2 or 3 units in the last place over the whole range, against mpmath."""

import math

import mpmath
import numpy as np
import pytest

from fastbp.kernels.entries import functions as formula
from fastbp.kernels.registry import KERNELS

ULPS = 2
RATIO_ULPS = 3  # of what is the quotient of two such numbers


@pytest.fixture
def of(dtype):
    """of("exp", x): what the tiles return for an array of any length; activations are taken of one long row."""

    def call(name, x):
        shape = (-1,) if KERNELS[f"fast_{name}"].arguments.startswith("BO*") else (1, -1)
        y = np.full(len(x), 0.5, dtype)
        KERNELS[f"fast_{name}"].call("fast", y.reshape(shape), np.asarray(x, dtype).reshape(shape))
        return y

    return call


def _logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def off(name, x, y):
    """By how many units in its last place each y is off; x and y are finite."""
    info = np.finfo(y.dtype)
    digits, lowest = info.nmant + 1, info.minexp - info.nmant
    worst = 0
    with mpmath.workprec(120):
        function = _logistic if name == "logistic" else getattr(mpmath, name)
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            right = function(mpmath.mpf(a))
            unit = max(mpmath.frexp(right)[1] - digits, lowest)
            worst = max(worst, float(abs(right - mpmath.mpf(b)) * mpmath.mpf(2) ** -unit))
    return worst


def random_bits(dtype, rng, n):
    """Numbers of all exponents alike, subnormals among them."""
    x = rng.integers(0, np.iinfo(f"u{dtype.itemsize}").max, n, f"u{dtype.itemsize}", endpoint=True).view(dtype)
    return x[np.isfinite(x)]


def edges(dtype):
    """Where e^x leaves the range of numbers: (first that overflows, first that is subnormal, last above zero)."""
    info = np.finfo(dtype)
    with mpmath.workprec(120):
        halfway = mpmath.mpf(2) ** (info.maxexp) * (1 - mpmath.mpf(2) ** -(info.nmant + 2))
        return [float(mpmath.log(v)) for v in (halfway, mpmath.mpf(float(info.tiny)), float(info.smallest_subnormal))]


def around(values, dtype):
    """Each value with its neighbours."""
    found = []
    for value in np.asarray(values, dtype):
        for way in (-np.inf, np.inf):
            x = value
            for _ in range(8):
                found.append(x)
                x = np.nextafter(x, dtype.type(way))
    return np.array(found, dtype)


def test_exp_over_the_whole_range(of, dtype, rng):
    high, normal, low = edges(dtype)
    half_way = (np.arange(-1074, 1024) + 0.5) * np.log(2)  # between two powers of 2, the remainder is largest
    x = np.concatenate([
        rng.uniform(low, high, 6000), rng.uniform(-1, 1, 2000), rng.uniform(low, normal, 1500),
        half_way[(half_way > low) & (half_way < high)], random_bits(dtype, rng, 3000), around([0, 1, normal], dtype),
    ]).astype(dtype)  # fmt: skip
    x = x[(x > low) & (x < high * (1 - 1e-7))]
    assert off("exp", x, of("exp", x)) <= ULPS


def test_exp_at_its_edges(of, dtype):
    high, _, low = edges(dtype)
    info = np.finfo(dtype)
    np.testing.assert_array_equal(
        of("exp", [0.0, -0.0, np.inf, -np.inf, np.nan, info.max, info.min, 2 * low, high * 1.001]),
        [1, 1, np.inf, 0, np.nan, np.inf, 0, 0, np.inf],
    )
    below = around([high], dtype)
    y = of("exp", below)
    largest = y[below < dtype.type(high * (1 - 4 * info.eps))]
    assert np.all(np.isfinite(largest)) and np.all(y > info.max * (1 - 1e4 * info.eps))
    assert np.array_equal(of("exp", [1e-30, -1e-30]), [1, 1])
    last = of("exp", [low, low - 0.6, low - 0.8])  # half of the smallest number is the border
    assert last[0] > 0 and np.all(last[1:] <= 2 * info.smallest_subnormal) and last[2] <= info.smallest_subnormal


def test_log_over_the_whole_range(of, dtype, rng):
    info = np.finfo(dtype)
    x = np.concatenate([
        abs(random_bits(dtype, rng, 8000)), rng.uniform(0.5, 2, 4000), 1 + rng.uniform(-1, 1, 2000) * 1e-3,
        rng.uniform(0, info.tiny, 1500), around([1, np.sqrt(0.5), np.sqrt(2), info.tiny, 2, 0.5], dtype),
        [info.max, info.smallest_subnormal],
    ]).astype(dtype)  # fmt: skip
    x = x[x > 0]
    assert off("log", x, of("log", x)) <= ULPS


def test_log_at_its_edges(of, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    y = of("log", [1.0, 0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -tiny])
    np.testing.assert_array_equal(y, [0, -np.inf, -np.inf, np.inf, np.nan, np.nan, np.nan, np.nan])
    assert not np.signbit(y[0])


def test_tanh_over_the_whole_range(of, dtype, rng):
    info = np.finfo(dtype)
    x = np.concatenate([
        rng.uniform(-20, 20, 3000), rng.uniform(-1, 1, 3000), np.geomspace(1e-12, 10, 3000),
        random_bits(dtype, rng, 3000), (np.arange(-40, 40) + 0.5) * np.log(2) / 2, [info.max, info.min],
        around([0, info.tiny, -info.tiny, np.log(2) / 4, 0.5, 1, 10, -20, info.smallest_subnormal], dtype),
    ]).astype(dtype)  # fmt: skip
    y = of("tanh", x)
    assert np.all(abs(y) <= 1) and np.all(y * np.sign(x) >= 0) and np.all((y != 0) == (x != 0))
    assert off("tanh", x, y) <= RATIO_ULPS


def test_tanh_at_its_edges(of, dtype):
    small = np.finfo(dtype).smallest_subnormal
    y = of("tanh", [0.0, -0.0, np.inf, -np.inf, np.nan, small, -small, 1e30, -1e30])
    np.testing.assert_array_equal(y, [0, 0, 1, -1, np.nan, small, -small, 1, -1])


def test_the_logistic_function_over_the_whole_range(of, dtype, rng):
    _, normal, low = edges(dtype)
    x = np.concatenate([
        rng.uniform(normal, 50, 4000), rng.uniform(-1, 1, 2000), random_bits(dtype, rng, 2000),
        (np.arange(-1000, 100) + 0.5) * np.log(2), around([0, 1, normal], dtype),
    ]).astype(dtype)  # fmt: skip
    whole = x[x > normal * (1 - np.finfo(dtype).eps)]  # z is normal
    assert off("logistic", whole, of("logistic", whole)) <= RATIO_ULPS
    below = rng.uniform(2 * low, normal, 500).astype(dtype)  # z is subnormal, or 0
    assert np.all((of("logistic", below) >= 0) & (of("logistic", below) <= 1.01 * np.finfo(dtype).tiny))


def test_the_logistic_function_at_its_edges(of, dtype):
    info = np.finfo(dtype)
    x = [0.0, -0.0, np.inf, -np.inf, np.nan, info.max, info.min, info.tiny, -info.tiny]
    np.testing.assert_array_equal(of("logistic", x), [0.5, 0.5, 1, 0, np.nan, 1, 0, 0.5, 0.5])


def test_softmax_of_any_logits_is_a_probability(of, dtype, rng):
    t = (rng.standard_normal((50, 37)) * 10.0 ** rng.integers(-3, 4, (50, 1))).astype(dtype)
    z = np.empty_like(t)
    KERNELS["fast_softmax"].call("fast", z, t)
    assert np.all((z >= 0) & (z <= 1))
    np.testing.assert_allclose(z.sum(1, dtype=np.float64), 1, rtol=40 * np.finfo(dtype).eps)


def test_formulas_of_one_number_are_finite_as_far_as_float64_is():
    for x in (708.9, 709.5, formula.LARGEST):
        assert formula.exp(x) == math.exp(x) < math.inf and formula.expm1(x) == math.expm1(x) < math.inf
    beyond = math.nextafter(formula.LARGEST, math.inf)
    for x in (beyond, 1e300, math.inf):
        assert formula.exp(x) == formula.expm1(x) == math.inf
    with pytest.raises(OverflowError):
        math.exp(beyond)
