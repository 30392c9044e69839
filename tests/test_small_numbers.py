"""Settings that are numbers of NumPy's small types, whose products overflow: they mean what Python's numbers do."""

import numpy as np
import pytest

import fastbp
from fastbp import callbacks, embeddings, optimizers, schedules

X = np.random.default_rng(0).standard_normal((300, 4)).astype("float32")
y = (X[:, 0] > 0).astype(np.int64)
whole, real = np.int8, np.float16  # of numbers that they hold exactly
MODELS = {
    "sizes": lambda n, x: ({"layer_sizes": [n(4), n(100), n(120), n(2)], "seed": n(3)}, {}),
    "rows": lambda n, x: ({}, {"epochs": n(2), "batch_size": n(100), "verbose": n(0)}),
    "members": lambda n, x: ({"scaling_layer": fastbp.Members(n(100))}, {}),
    "embedding": lambda n, x: ({"embedding": embeddings.Embedding([n(0), n(1)], n_frequencies=n(100))}, {}),
    "numbers": lambda n, x: ({"l2": x(0.125), "dropout": x(0.5), "optimizer": optimizers.SGD(x(0.125), x(0.5))}, {}),
    "validation": lambda n, x: ({}, {"validation_split": x(0.25)}),
    "patience": lambda n, x: ({}, {"callbacks": [callbacks.EarlyStopping("loss", n(100), x(0.125))]}),
}
SCHEDULES = {
    "InverseScaling": lambda n, x: {"power": x(3)},
    "StepDecay": lambda n, x: {"epochs": n(100), "factor": x(0.5)},
    "Cosine": lambda n, x: {"warm_up": x(0.25), "final": x(0.125)},
    "CosineWaves": lambda n, x: {"waves": n(20)},
    "FlatCosine": lambda n, x: {"flat": x(0.25)},
    "OneCycle": lambda n, x: {"up": x(0.25), "start": x(50), "end": x(1000)},
}


@pytest.mark.parametrize("name", MODELS)
def test_models_train_to_the_same_bits(name):
    found = []
    for n, x in (int, float), (whole, real):
        settings, given = MODELS[name](n, x)
        model = fastbp.Model(**{"layer_sizes": [4, 8, 2], "seed": 0} | settings)
        history = model.fit(X, y, **{"epochs": 2, "verbose": 0} | given)
        found.append((history.loss, model.get_state()["parameters"].tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_give_the_same_factors(name):
    steps, kind = np.arange(100_000), getattr(schedules, name)
    one, other = kind(**SCHEDULES[name](int, float)), kind(**SCHEDULES[name](whole, real))
    assert one == other and repr(one) == repr(other)
    np.testing.assert_array_equal(other.factors(steps, 900, 100_000), one.factors(steps, 900, 100_000))


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_estimators_train_to_the_same_bits(kind):
    pytest.importorskip("sklearn")
    import fastbp.sklearn as ours

    found = []
    for n, x in (int, float), (whole, real):
        settings = {"hidden_layer_sizes": [n(100), n(120)], "batch_size": n(100), "max_iter": n(5), "alpha": x(0.125)}
        estimator = getattr(ours, kind)(**settings, tol=x(0.5), n_iter_no_change=n(2), random_state=n(1)).fit(X, y)
        found.append((estimator.loss_curve_, estimator.coefs_[1].tobytes()))
    assert found[0] == found[1]


def test_one_hidden_layer_may_be_a_number_of_numpys():
    pytest.importorskip("sklearn")
    import fastbp.sklearn as ours

    settings = {"max_iter": 3, "tol": 1.0, "n_iter_no_change": 1, "random_state": 0}
    fitted = [ours.MLPClassifier(n(100), **settings).fit(X, y).coefs_[0].tobytes() for n in (int, whole)]
    assert fitted[0] == fitted[1]
