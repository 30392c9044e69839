"""A fuzzer of the public interface: calls in any order, with good arguments and bad ones.

By default it makes the same calls in each run; `FASTBP_FUZZ=10000 pytest -s tests/test_fuzz_api.py` draws so many new
sequences in each test.
"""

import copy
import pickle
import random

import numpy as np
import pytest
from fuzzing import COUNTS, call, examples, junk, limited, presented, raised
from hypothesis import given
from hypothesis import strategies as st

import fastbp
from fastbp import callbacks, losses, optimizers, schedules
from fastbp.files import models

SMALL = [
    ([3, 4, 2], {}),
    ([3, 4, 2], {"dtype": "float64", "optimizer": "adam", "activation": "tanh", "l1": 0.01, "l2": 0.1, "dropout": 0.3}),
    ([3, 1], {"dtype": "float64", "loss": "squared_error", "input_shift": [1, 0, -1], "input_scale": 0.5}),
    (
        [3, 5, 4, 2],
        {"dtype": "float64", "layer_norm": True, "activation": "prelu", "clip_norm": 0.5, "class_names": "ab"},
    ),
    ([3, 4, 1], {"loss": "binary_cross_entropy", "kernels": "elementwise", "class_names": ["no", "yes"]}),
    ([3, 4, 2], {"scaling_layer": True, "optimizer": optimizers.Adam(parametrization="ntk", rate_factors={"b": 0.1})}),
    ([3, 4, 2], {"loss": losses.Huber(0.5), "optimizer": optimizers.SGD(0.05, momentum=0.9), "clip_value": 1.0}),
]
SMALL[3][1]["class_names"] = ["a", "b"]
seeds = st.integers(0, 2**32)
KINDS = "list C F strided reversed readonly big f2 f4 u1 i8 bool memmap longdouble".split()


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for files, and little more memory."""
    path = tmp_path_factory.mktemp("fuzz")
    for sizes, settings in SMALL:
        model = fastbp.Model(sizes, seed=0, **settings)
        model.fit(*data(model, random.Random(0)), epochs=1, verbose=0)  # what is compiled once takes memory of its own
    with limited():
        yield path


def data(model, chance, rows=None):
    """Return X of small whole numbers, so that it is the same in any dtype, and y that suits the model's loss."""
    rng, rows = np.random.default_rng(chance.randrange(2**32)), rows or chance.choice([1, 2, 3, 7, 9, 33, 40])
    X, outputs = rng.integers(0, 2, (rows, 3)), model.layer_sizes[-1]
    if model.network.of_classes:
        y = rng.integers(0, outputs, rows)
        return X, y if model.class_names is None or chance.randrange(2) else np.array(model.class_names)[y]
    y = rng.integers(0, 2, (rows, outputs))
    return X, y if model.network.loss.link == "logistic" else y / 2


def bits(model):
    """Return all that training changes, as bytes."""
    state = model.get_state()
    slots = [slot.tobytes() for _, slot in sorted(state["optimizer"].items())]
    return state["parameters"].tobytes(), *slots, state["steps"], repr(state["random"]), model.learning_rate


def finite(model):
    return all(np.isfinite(array).all() for layer in model.parameters for array in layer)


def twin(model, chance, folder):
    """Return another model like this one, made in one of the ways there are."""
    how = chance.randrange(5)
    if how == 0:
        return copy.deepcopy(model)
    if how == 1:
        return pickle.loads(pickle.dumps(model))
    if how == 2:
        return copy.copy(model)
    if how == 3:
        (folder / "twin").write_bytes(b"".join(models._packed(model)))
        return fastbp.load(folder / "twin")
    other = fastbp.Model(**model.get_config(), seed=chance.randrange(9))
    other.set_state(model.get_state())
    return other


# ---- good calls


def arguments(model, chance, rows):
    """Return good arguments of `fit`."""
    found = {"epochs": chance.randint(0, 2), "batch_size": chance.choice([1, 2, 5, 32, 2**40]), "verbose": 0}
    found["shuffle"] = chance.choice([True, False])
    if chance.randrange(3) == 0:
        found["sample_weight"] = np.array([chance.choice([0.0, 0.5, 1.0, 3.0]) for _ in range(rows - 1)] + [1.0])
    if chance.randrange(3) == 0 and model.network.of_classes:
        found["class_weight"] = chance.choice(["balanced", {0: 2.0}, {1: 0.5, 0: 1}])
    if chance.randrange(3) == 0 and rows > 4:
        found["validation_split"] = 0.3
    if chance.randrange(3) == 0:
        found["schedule"] = chance.choice([schedules.Cosine(0.1), schedules.StepDecay(2, 0.5), schedules.OneCycle()])
    if chance.randrange(3) == 0:
        monitor = "val_loss" if "validation_split" in found else "loss"
        stop, plateau = callbacks.EarlyStopping(monitor, 1), callbacks.ReduceLearningRate("loss", 1)
        found["callbacks"] = chance.choice([stop, [plateau], (stop, plateau)])
    return found


def trains(model, chance, folder):
    """Train two equal models on the same rows in different forms: they must stay equal, and finite."""
    X, y = data(model, chance)
    keywords, other = arguments(model, chance, len(X)), twin(model, chance, folder)
    other.n_threads = chance.choice([None, 1, 2])
    before, again = bits(model), copy.deepcopy(keywords)
    assert bits(other) == before
    history = call(model.fit, presented(X, chance.choice(KINDS), folder), y, **keywords)
    repeated = call(other.fit, presented(X, chance.choice(KINDS), folder), y, **again)
    assert bits(model) == bits(other) and finite(model)
    if history is not None and repeated is not None:
        assert history.loss == repeated.loss and np.isfinite(history.loss).all()


def predicts(model, chance, folder):
    """Predictions are the same from any form of X and any copy; of blocks they are those of single rows, rounded."""
    X, y = data(model, chance)
    before, other = bits(model), twin(model, chance, folder)
    rows = presented(X, chance.choice(KINDS), folder)
    z = call(model._outputs, rows)
    assert z.tobytes() == call(other._outputs, X.astype(float)).tobytes() and np.isfinite(z).all()
    singly = np.concatenate([call(model._outputs, X[i : i + 1]) for i in range(len(X))])
    tolerance = 100 * np.finfo(model.dtype).eps
    np.testing.assert_allclose(z, singly, rtol=tolerance, atol=tolerance * max(1, abs(z).max()))
    assert len(call(model.predict, rows)) == len(X)
    assert call(model.evaluate, rows, y) == call(other.evaluate, X, y)
    call(model.score, rows, y)
    assert bits(model) == before


def agrees(model, chance, folder):
    """In float64 fast kernels compute what the equations as printed do."""
    if model.dtype != np.float64:
        return
    kernels = "elementwise" if model.kernels == "fast" else "fast"
    plain = fastbp.Model(**model.get_config() | {"kernels": kernels})
    plain.set_state(model.get_state())
    X, y = data(model, chance)
    (E, gradients), (F, others) = call(model.gradients, X, y), call(plain.gradients, X, y)
    np.testing.assert_allclose(E, F, rtol=1e-9)
    pairs = [pair for layers in zip(gradients, others, strict=True) for pair in zip(*layers, strict=True)]
    size = max(1.0, *(abs(array).max() for array, _ in pairs))
    for array, expected in pairs:
        np.testing.assert_allclose(array, expected, rtol=1e-8, atol=1e-8 * size)


# ---- bad calls


class Own(Exception):
    """An error of the user's."""


class Breaks(callbacks.Callback):
    """Spoils a training at some moment."""

    def __init__(self, where, how):
        setattr(self, where, lambda model, *_: how(model))


def fails(model):
    model.learning_rate = 0.5
    model.parameters[0][0][...] = 7
    raise Own


def spoils(model):
    model.parameters[-1][0][0, 0] = np.nan


def breaks(model, chance, folder):
    """An error in a callback, or parameters that it spoils, leaves the model as it was before, or finite."""
    before, (X, y) = bits(model), data(model, chance)
    where = chance.choice(["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"])
    how = chance.choice([fails, spoils, lambda model: model.fit(X, y, verbose=0)])
    try:
        model.fit(X, y, epochs=2, batch_size=5, verbose=0, callbacks=[Breaks(where, how)])
        raise AssertionError("the callback was not called, or its error swallowed")
    except (Own, RuntimeError, ValueError, fastbp.DivergenceError) as error:
        raised(error)
        assert finite(model)
        assert bits(model) == before or how is spoils, type(error)
    COUNTS["calls"] += 1


FIT = [
    "X",
    "y",
    "epochs",
    "batch_size",
    "shuffle",
    "validation_data",
    "sample_weight",
    "class_weight",
    "validation_split",
]
FIT += ["schedule", "callbacks", "drop_last"]
NAMED = {"validation_data": "validation", "X": "X|y", "y": "X|y"}  # lengths that differ are told of either
SET = "n_threads input_shift input_scale learning_rate feature_names class_names".split()


def refuses(model, chance, folder, value):
    """Any object as an argument is taken, or refused by a sentence that names it, and the model stays as it was."""
    before, (X, y) = bits(model), data(model, chance)
    good = {"X": X, "y": y, "epochs": 1, "verbose": 0}
    name = chance.choice(FIT)
    if not (name == "epochs" and isinstance(value, (int, np.integer)) and value > 3):
        taken = call(model.fit, **good | {name: value}, named=NAMED.get(name, name))
        assert taken is not None or bits(model) == before or finite(model)
    before = bits(model)
    name = chance.choice(["X", "y", "sample_weight"])
    method = chance.choice([model.evaluate, model.score, model.gradients, model.diagnose])
    call(method, **{"X": X, "y": y} | {name: value}, named=NAMED.get(name, name))
    call(model.predict, value, named="X")
    state = model.get_state()
    name = chance.choice(list(state))
    if chance.randrange(2):
        call(model.set_state, state | {name: value}, named="state|steps")
    else:
        call(model.set_state, value, named="state")
    if bits(model) != before:
        model.set_state(state)


def assigns(model, chance, folder, value):
    """What may be assigned is checked then, or where it is used."""
    name, (X, y) = chance.choice(SET), data(model, chance)
    before, kept = bits(model), getattr(model, name)
    call(setattr, model, name, value, named=name)
    y = y if y.dtype.kind != "U" else np.zeros(len(X), int)
    for method in model.predict, lambda X: model.evaluate(X, y), lambda X: models._packed(model), lambda X: repr(model):
        with np.errstate(all="ignore"):
            call(method, X, named=f"{name}|X must hold finite")
    setattr(model, name, kept)
    assert bits(model) == before


def spoiled(model, chance, folder, value):
    """Parameters that are not finite, or huge, are refused by `fit`, and harm nothing else."""
    state, (X, y) = model.get_state(), data(model, chance)
    array = chance.choice(chance.choice(model.parameters))
    array.flat[chance.randrange(array.size)] = chance.choice([np.nan, np.inf, 1e30, -1e38, 1e-45])
    with np.errstate(all="ignore"):
        call(model.predict, X)
        call(model.evaluate, X, y)
        call(model.gradients, X, y)
        if call(model.fit, X, y, epochs=1, batch_size=4, verbose=0) is not None:
            assert finite(model)
    model.set_state(state)


GOOD, BAD = [trains, trains, predicts, agrees, breaks], [refuses, refuses, assigns, spoiled]
steps = st.lists(st.tuples(st.sampled_from([*GOOD, *BAD]), seeds, junk), min_size=1, max_size=8)


@examples(400)
@given(made=st.sampled_from(SMALL), seed=seeds, steps=steps)
def test_models(folder, made, seed, steps):
    sizes, settings = made
    model = fastbp.Model(sizes, seed=seed, **settings)
    assert bits(model) == bits(fastbp.Model(sizes, seed=seed, **settings))
    for step, chance, value in steps:
        COUNTS[step.__name__] += 1
        step(model, random.Random(chance), folder, *([value] if step in BAD else []))
