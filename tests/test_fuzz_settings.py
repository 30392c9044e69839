"""A fuzzer of objects with settings: any object as an argument is taken, or refused by a sentence that names it."""

import random

import pytest
from fuzzing import call, examples, junk, limited
from hypothesis import given
from hypothesis import strategies as st

import fastbp
from fastbp import callbacks, schedules
from fastbp.kernels.losses import LOSSES
from fastbp.kernels.optimizers import OPTIMIZERS

MODEL = (
    "layer_sizes activation optimizer loss learning_rate dtype seed l1 l2 label_smoothing dropout layer_norm "
    "clip_value clip_norm initializer kernels n_threads input_shift input_scale feature_names class_names "
    "scaling_layer"
)
OBJECTS = [
    *[(fastbp.Model, MODEL.split())] * 5,
    *((kind, [*kind().settings(), "learning_rate", "rate_factors", "parametrization"]) for kind in OPTIMIZERS.values()),
    *((kind, list(kind().settings())) for kind in LOSSES.values() if kind().settings()),
    (callbacks.EarlyStopping, "patience min_delta restore_best mode".split()),
    (callbacks.ReduceLearningRate, "patience factor least min_delta mode".split()),
    (schedules.StepDecay, ["epochs", "factor"]),
    (schedules.Cosine, ["warm_up", "final"]),
    (schedules.CosineWaves, ["waves"]),
    (schedules.OneCycle, ["up", "start", "end"]),
    (schedules.InverseScaling, ["power"]),
]


@pytest.fixture(scope="module", autouse=True)
def memory():
    """Give the fuzzer little more memory."""
    with limited():
        yield


@examples(600)
@given(which=st.sampled_from(OBJECTS), value=junk, other=junk, seed=st.integers(0, 2**32))
def test_objects(which, value, other, seed):
    (kind, names), chance = which, random.Random(seed)
    usual = {"layer_sizes": [3, 4, 2]} if kind is fastbp.Model else {}
    for name in chance.sample(names, min(4, len(names))):
        call(kind, **usual | {name: value}, named=name)
    one, two = chance.choice(names), chance.choice(names)
    call(kind, **usual | {one: value, two: other}, named=f"{one}|{two}")
