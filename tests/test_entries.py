"""Every activation, loss and optimizer that is listed: derivatives, forms for tiles, running numbers, settings."""

import inspect
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.engine import compilation
from fastbp.kernels.entries.activation import POINTS, check_derivative
from fastbp.kernels.entries.records import Record
from fastbp.kernels.library.calls import entry_point
from fastbp.kernels.losses import ALL as LOSS_CLASSES
from fastbp.kernels.losses import LOSSES, POINT_LOSSES
from fastbp.kernels.optimizers import ALL, OPTIMIZERS, RULES
from fastbp.kernels.program.state import STATE
from fastbp.kernels.registry import KERNELS

SLOPES = 0.25, -0.5, 1.3  # an activation's parameter
PARAMETRIC = [name for name, F in ACTIVATIONS.items() if F.parameter]
STEP = 1e-6


def slope(f, x):
    """Central difference."""
    return (f(x + STEP) - f(x - STEP)) / (2 * STEP)


# ---- activations


@pytest.mark.parametrize("F", ACTIVATIONS.values(), ids=str)
def test_a_derivative_is_that_of_its_function(F):
    for more in [(a,) for a in SLOPES] if F.parameter else [()]:
        derivative = F.df if not F.of_h else lambda t, *more: F.df(F.f(t, *more))
        check_derivative(F.name, F.f, derivative, *more)
        for t in POINTS:
            wanted = slope(lambda t: F.f(t, *more), t)  # noqa: B023
            assert derivative(t, *more) == pytest.approx(wanted, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", PARAMETRIC)
def test_the_derivative_by_a_parameter_is_that_of_its_function(name):
    F = ACTIVATIONS[name]
    for t in POINTS:
        for a in SLOPES:
            assert F.df_parameter(t, a) == pytest.approx(slope(lambda a: F.f(t, a), a), rel=1e-7, abs=1e-8)  # noqa: B023


def hard_numbers(dtype):
    """Numbers of all sizes, and those at the edges of what there is."""
    info = np.finfo(dtype)
    sizes = np.concatenate([np.geomspace(1e-30, 600, 400), np.linspace(0, 30, 400)])
    edges = [0.0, info.tiny, info.smallest_subnormal, info.eps, 1, 1 + info.eps, 80, 600]
    return np.concatenate([sizes, -sizes, edges, np.negative(edges)]).astype(dtype)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_tiles_compute_the_point_function_to_a_few_units_in_the_last_place(name, dtype):
    F, t, eps = ACTIVATIONS[name], hard_numbers(dtype), float(np.finfo(dtype).eps)
    x = t.astype(np.float64)
    for a in SLOPES if F.parameter else [None]:
        more = [] if a is None else [np.full(t.size, a, dtype)]
        numbers = [] if a is None else [a]
        h, d = np.empty((1, t.size), dtype), np.empty((1, t.size), dtype)
        KERNELS[f"fast_{name}"].call("fast", h, t[None], *more)
        KERNELS[f"fast_{name}_derivative"].call("fast", d, h if F.of_h else t[None], *more)
        given = h[0].astype(np.float64) if F.of_h else x
        wanted = np.array([F.f(k, *numbers) for k in x.tolist()])
        derivative = np.array([F.df(k, *numbers) for k in given.tolist()])
        tiny = float(np.finfo(dtype).tiny) * (1 + abs(x))  # where a factor of t is no normal number
        blur = abs(wanted) + abs(x * derivative)  # that one more digit of t would change
        assert np.all(abs(h[0] - wanted) <= 6 * eps * blur + tiny)
        assert np.all(abs(d[0] - derivative) <= 16 * eps * (1 + abs(derivative)) + tiny)


@pytest.mark.parametrize("name", PARAMETRIC)
def test_the_gradient_of_a_parameter_is_a_sum_over_the_rows(name, dtype, few_hard_shapes, rounding, rng):
    F = ACTIVATIONS[name]
    for B, _, O in few_hard_shapes:
        dh, t, a, da = (rng.standard_normal(shape).astype(dtype) for shape in ((B, O), (B, O), (O,), (O,)))
        KERNELS[f"fast_{name}_parameter_backward"].call("fast", da, dh, t, a)
        by = np.vectorize(F.df_parameter, otypes=[float])(t.astype(float), a.astype(float))
        size = abs(by) + abs(t) * name.startswith("blended")  # whose F(t) - t is rounded as its parts are
        assert np.all(abs(da - (dh * by).sum(0)) <= rounding(B) * (abs(dh) * size).sum(0))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan_and_the_sign_of_infinity_tells_the_limit(name, dtype):
    F = ACTIVATIONS[name]
    t = np.array([[np.nan, np.inf, -np.inf]], dtype)
    h, more = np.empty_like(t), [np.full(3, 0.25, dtype)] if F.parameter else []
    KERNELS[f"fast_{name}"].call("fast", h, t, *more)
    plain = np.empty_like(t)
    KERNELS[f"fast_{name}"].call("reference", plain, t, *more)
    assert np.isnan(h[0, 0]) and np.isnan(plain[0, 0])
    for fast, same in zip(h[0, 1:], plain[0, 1:], strict=True):
        assert fast == pytest.approx(same, rel=1e-6) or math.isnan(same) or math.isnan(fast)


# ---- losses


@pytest.mark.parametrize("name", POINT_LOSSES)
def test_a_gradient_is_that_of_its_error(name):
    loss = POINT_LOSSES[name]()
    low, high = (max(edge, -3.0) if edge < 0 else min(edge, 4.0) for edge in loss.domain)
    for y in np.linspace(low, high, 6).tolist():
        for t in POINTS:
            wanted = slope(lambda t: loss.error(t, y, *loss.numbers), t)  # noqa: B023
            assert loss.gradient(t, y, *loss.numbers) == pytest.approx(wanted, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", POINT_LOSSES)
def test_tiles_compute_the_error_and_gradient_of_a_point_to_a_few_units_in_the_last_place(name, dtype):
    loss, info = POINT_LOSSES[name](), np.finfo(dtype)
    t = hard_numbers(dtype)
    t = t[abs(t) < 80]  # z = exp(t) is a number
    low, high = (max(edge, -3.0) if edge < 0 else min(edge, 4.0) for edge in loss.domain)
    for y in np.linspace(low, high, 6).astype(dtype):
        dt, e = np.empty((t.size, 1), dtype), np.empty(t.size, dtype)
        KERNELS[f"fast_{name}"].call("fast", dt, e, t[:, None], np.full((t.size, 1), y), *loss.numbers)
        points = [(k, float(y), *loss.numbers) for k in t.astype(np.float64).tolist()]
        error, gradient = (np.array([f(*point) for point in points]) for f in (loss.error, loss.gradient))
        z = gradient + y if loss.gradient_formula.endswith("z_j - y_j") else t
        if name != "log_loss":  # whose 1 - z is rounded, as scikit-learn has it: see oracles.py
            blur = abs(error) + abs(t) * (1 + abs(y)) + abs(z) + abs(y)
            assert np.all(abs(e - error) <= 8 * info.eps * blur + info.tiny)
        assert np.all(abs(dt[:, 0] * t.size - gradient) <= 8 * info.eps * (abs(gradient) + abs(z) + abs(y)) + info.tiny)


# ---- optimizers


@pytest.mark.parametrize("name", RULES)
def test_steps_by_tiles_are_those_of_the_point_function(name, dtype, rng):
    """Several steps, the state of one the input of the next, and running numbers as they move."""
    rule, entry = RULES[name], KERNELS[f"fast_{name}_update"]
    optimizer = next(made() for made in ALL if rule in made.rules)
    s = SimpleNamespace(**{field: getattr(optimizer, field) or 0.5 for field in rule.fields}, **dict(rule.running))
    names, alpha, n = (*rule.fields, *dict(rule.running)), 0.01, 300
    state = [rng.standard_normal(n).astype(dtype), *(np.zeros(n, dtype) for _ in rule.slots)]
    points = [array.astype(np.float64) for array in state]
    for step in range(1, 8):
        dW = rng.standard_normal(n).astype(dtype)
        if rule.advance:
            rule.advance(s, step)
        settings = [(tuple(getattr(s, field) for field in names), alpha, step), (alpha,)]
        entry.call("fast", *state, dW, *settings[name == "sgd"])
        numbers = rule.numbers(s, alpha, step)
        W, *slots = points
        found = [rule.step(W[k], float(dW[k]), *(slot[k] for slot in slots), numbers) for k in range(n)]
        points = [np.array(column) for column in zip(*found, strict=True)]
        for array, wanted in zip(state, points, strict=True):
            np.testing.assert_allclose(array, wanted, rtol=0, atol=50 * step * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.advance])
def test_running_numbers_move_in_compiled_code_as_in_python(name, dtype):
    rule = RULES[name]
    optimizer = next(made() for made in ALL if rule in made.rules)
    s = SimpleNamespace(**{field: getattr(optimizer, field) for field in rule.fields}, **dict(rule.running))
    record, state, (address, _) = Record(rule.layout), Record(STATE), compilation.advance(name, dtype)
    record.fill(vars(s))
    advance = entry_point(address)
    for step in range(1, 30):
        rule.advance(s, step)
        state.fill({"rule": record.address, "step": step})
        advance(state)
        for number in dict(rule.running):
            assert record[number] == pytest.approx(getattr(s, number), rel=1e-14)


STEPS = """
import numpy as np
from fastbp.kernels.compiler import jit
from fastbp.kernels.specification.pointwise import UPDATE_LOOPS
loop, vectors = UPDATE_LOOPS["adam"], [np.ones(9) for _ in range(4)]
loop(*vectors, (0.9, 0.99, 1e-8, 0.0), 0.1, 1)
first = jit.cache_hits()
for step in range(5):
    loop(*vectors, (0.9, 0.99, 1e-8, 0.0), 0.1, step + 2)
print(first, jit.cache_hits())
"""


@pytest.mark.slow
def test_an_update_is_taken_from_the_cache_once_and_not_in_every_step(run_python, tmp_path):
    told = [run_python("-c", STEPS, NUMBA_CACHE_DIR=str(tmp_path)).stdout.split() for _ in range(2)]
    (_, compiled), (first, last) = told
    assert compiled == "0" and first == last and int(first) > 0


# ---- lists


def test_lists_hold_each_by_its_name():
    for table in (ACTIVATIONS, LOSSES, POINT_LOSSES, OPTIMIZERS, RULES):
        assert all(entry.name == name for name, entry in table.items())
    assert list(LOSSES.values()) == list(LOSS_CLASSES)
    assert list(OPTIMIZERS.values()) == list(ALL) and sum(len(made.rules) for made in ALL) == len(RULES)


@pytest.mark.parametrize("made", [*LOSS_CLASSES, *ALL], ids=lambda made: made.__name__)
def test_settings_are_the_arguments_and_are_checked(made):
    given = made()
    names = [name for name in inspect.signature(made).parameters if name != "learning_rate"]
    assert list(given.settings()) == [name for name in names if name in given.settings()]
    for name in given.settings():
        for bad in ("a", None, math.nan):
            with pytest.raises((TypeError, ValueError), match=name):
                made(**{name: bad})


def test_a_config_makes_the_same_model():
    settings = {"optimizer": fastbp.optimizers.NAdam(0.5, beta_2=0.75), "loss": fastbp.losses.Huber(0.25)}
    model = fastbp.Model([2, 3, 2], ["mish"], **settings)
    twin = fastbp.Model(**json.loads(json.dumps(model.get_config())))
    assert (twin.optimizer, twin.loss, twin.network.activations) == (*settings.values(), model.network.activations)
    for wrong in {"learning_rate": 0.1}, {"name": "adam", "rho": 0.5}:
        with pytest.raises((ValueError, TypeError), match="name|rho"):
            fastbp.Model([2, 2], optimizer=wrong)
