"""What a model's attributes may be: values are checked, and settings that training can't take up are refused."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from test_lengths import CLASSES, COLUMNS, data, make
from test_use import Told, bits

import fastbp


def test_scalings_that_are_assigned_are_checked_and_act_alike_on_few_rows_and_many():
    X = data()[0]
    model, given = make(), make(input_shift=1.0, input_scale=2.0)
    model.input_shift, model.input_scale = 1, 2  # whole numbers, whose bits are no floats
    np.testing.assert_array_equal(model.predict_proba(X), given.predict_proba(X))
    np.testing.assert_array_equal(model.predict_proba(X[:1]), given.predict_proba(X[:1]))
    model.input_scale = [2] * COLUMNS
    np.testing.assert_array_equal(model.predict_proba(X), given.predict_proba(X))
    for wrong in [1.0] * (COLUMNS - 1), np.nan:
        with pytest.raises(ValueError, match="input_scale must be"):
            model.input_scale = wrong
    with pytest.raises(ValueError, match="n_threads must be at"):
        model.n_threads = 0
    np.testing.assert_array_equal(model.predict_proba(X), given.predict_proba(X))


def test_an_input_scale_of_0_is_refused_but_for_some_columns():
    for zero in 0, 0.0, [0] * COLUMNS:
        with pytest.raises(ValueError, match="input_scale must not be 0 for all columns"):
            make(input_scale=zero)
    model, (X, *_) = make(input_scale=[0, *[1] * (COLUMNS - 1)]), data()
    X[:, 0] += 5
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X * np.array([0, *[1] * (COLUMNS - 1)])))


@pytest.mark.parametrize("name", ["input_shift", "input_scale"])
@pytest.mark.parametrize("source", [False, True])
def test_scalings_stay_as_they_are_while_a_model_is_trained(name, source):
    X, y, _ = data()
    given, found = ((lambda: [(X, y)],) if source else (X, y)), []
    for changes in False, True:

        def change(model, changes=changes):
            if changes:
                with pytest.raises(RuntimeError, match=f"{name} can't be set while a call of fit changes the model"):
                    setattr(model, name, 2.0)

        model = make()
        model.fit(*given, epochs=2, batch_size=16, verbose=0, callbacks=Told("on_epoch_begin", change))
        found.append(bits(model))
        setattr(model, name, 2.0)
        assert getattr(model, name) == 2.0
    assert found[0] == found[1]


OTHER = {
    "dtype": np.dtype("float64"), "network": make().network, "kernels": "elementwise", "layer_sizes": [COLUMNS, 3],
    "activation": "tanh", "optimizer": "sgd", "loss": "squared_error", "seed": 2, "l1": 0.1, "l2": 5, "dropout": 0.5,
    "label_smoothing": 0.1, "layer_norm": True, "clip_value": 1, "clip_norm": 1, "initializer": "orthogonal",
    "scaling_layer": True, "embedding": fastbp.embeddings.Embedding([0]), "precision": "bfloat16",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_settings_that_training_can_not_take_up_cannot_be_assigned(name):
    model, before = make(), bits(make())
    with pytest.raises(AttributeError, match=f"{name} of a model can't be changed: make a new one"):
        setattr(model, name, OTHER[name])
    assert model.predict_proba(data()[0]).dtype == np.float32 and bits(model) == before
    assert name in ("dtype", "network", "kernels", "initializer") or name not in model.__dict__
    if name not in ("dtype", "network", "kernels"):
        assert fastbp.Model(**model.get_config() | {name: OTHER[name]}).layer_sizes[0] == COLUMNS


def test_every_argument_of_a_model_can_be_set_or_is_refused():
    may = {"learning_rate", "n_threads", "input_shift", "input_scale", "feature_names", "class_names"}
    assert set(inspect.signature(fastbp.Model).parameters) == may | (set(OTHER) - {"network"})


class Kept(fastbp.Model):
    """A model with attributes that are named like arguments."""

    clip_norm = None

    def __init__(self, units, l2=0.5, seed=1):
        super().__init__([COLUMNS, units, CLASSES], "tanh", l2=l2, seed=seed)
        self.l2, self.seed, self.activation, self.clip_norm = l2, seed, "tanh", units


def test_a_subclass_keeps_its_settings_under_their_names():
    model = Kept(4)
    for one in model, copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)):
        assert (one.l2, one.seed, one.activation, one.clip_norm) == (0.5, 1, "tanh", 4)
        with pytest.raises(AttributeError, match="l2 of a model can't be changed"):
            one.l2 = 0.75
        one.clip_norm = 5
