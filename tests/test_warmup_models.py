"""What is compiled ahead for models, estimators and uses by name: what these use, and none of the library's."""

import warnings

import numpy as np
import pytest

import fastbp
from fastbp import cli
from fastbp.execution import warmup as warming
from fastbp.kernels.engine import code
from fastbp.kernels.library.compiling import compiling
from fastbp.kernels.optimizers import OPTIMIZERS, RULES


@pytest.fixture
def asked(monkeypatch):
    """A function that returns the kernels and dtypes that warming up for some models compiles, without doing so."""
    seen = []
    monkeypatch.setattr(warming, "library", lambda: None)
    monkeypatch.setattr(warming, "_compiled", lambda work, tells: seen.extend(work) or [])

    def ask(*models):
        seen.clear()
        assert fastbp.warmup(*models, verbose=0) == []
        return {(kernel, dtype) for dtype, _, pairs in seen for kernel in warming._kernels(pairs)}

    return ask


@pytest.fixture
def used(monkeypatch):
    """The kernels and dtypes that are used from now on."""
    found, kernel = set(), code.kernel
    monkeypatch.setattr(code, "kernel", lambda each, dtype: found.add((each, dtype)) or kernel(each, dtype))
    monkeypatch.setattr(code, "assemble", code.assemble.__wrapped__)
    return found


@pytest.mark.parametrize(
    "settings",
    [{"activation": "gelu", "optimizer": "nadam"}, {"loss": "huber", "layer_norm": True, "dtype": "float64"}],
)
def test_a_model_is_warmed_up_for_what_it_uses(asked, used, rng, settings):
    model = fastbp.Model([5, 7, 3], seed=0, **settings)
    ahead = asked(model)
    X = rng.standard_normal((20, 5))
    y = rng.standard_normal((20, 3)) if "loss" in settings else rng.integers(0, 3, 20)
    model.fit(X, y, epochs=1, batch_size=8, verbose=0)
    model.evaluate(X, y), model.gradients(X, y), model.predict(X), model.predict(X[:1])
    assert {kernel.name for kernel, _ in used} > {"linear_forward", "loss", "gather", "update"}
    assert used <= ahead


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_an_estimator_is_warmed_up_for_what_it_uses(asked, used, rng, name, solver):
    neighbours = pytest.importorskip("sklearn.pipeline")
    early = {"hidden_layer_sizes": (6, 4), "max_iter": 1, "early_stopping": solver == "adam"}
    estimator = getattr(fastbp.sklearn, name)(solver=solver, **early)
    ahead = asked(neighbours.make_pipeline("passthrough", estimator))
    for dtype in "float32", "float64":
        for classes in 2, 3:
            X = rng.standard_normal((40, 5)).astype(dtype)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimator.fit(X, rng.integers(0, classes, 40))
            estimator.predict(X), estimator.predict(X[:1])
    assert {kernel.name for kernel, _ in used} > {"linear_forward", "loss", "gather"}
    assert used <= ahead


def test_other_things_cannot_be_warmed_up(asked):
    with pytest.raises(TypeError, match="warmup takes models, estimators and pipelines that end in one, got str"):
        asked("float32")
    bent = fastbp.activations.Activation("bent", lambda t: 2 * t, lambda t: 2.0)
    with pytest.raises(ValueError, match="activation 'bent' has functions of your own"):
        asked(fastbp.Model([2, 2, 2], bent))


def test_what_the_library_holds_is_not_compiled(monkeypatch, capsys):
    class Rich:
        level = "x86-64-v9"

        def address(self, name, dtype, of=None):
            return 1 if np.dtype(dtype) == np.float32 else None

    compiled = []
    monkeypatch.setattr(warming, "library", Rich)
    monkeypatch.setattr(warming, "_compiled", lambda work, tells: compiled.extend(dtype for dtype, *_ in work) or [])
    assert fastbp.warmup(dtypes=["float32", "float64"], optimizers="adam") == []
    told = capsys.readouterr().out
    assert told == "in the library for x86-64-v9: float32 adam, float32 relu, float32 cross_entropy\n"
    assert {dtype.name for dtype in compiled} == {"float64"}


@pytest.mark.parametrize("warm_up", [lambda: cli.main(["warmup"]), lambda: fastbp.warmup(verbose=0)])
def test_every_optimizer_is_warmed_up_where_none_is_named(monkeypatch, warm_up):
    seen = []
    monkeypatch.setattr(warming, "library", lambda: None)
    monkeypatch.setattr(warming, "_compiled", lambda work, tells: seen.extend(work) or [])
    warm_up()
    assert [name for _, name, _ in seen] == [*OPTIMIZERS, "relu", "cross_entropy"]
    assert {rule.name for _, name, pairs in seen for _, rule in pairs} == set(RULES)
    assert {dtype.name for dtype, _, _ in seen} == {"float32"}


@pytest.mark.parametrize("purpose", ["mlp-classifier", "mlp-regressor", "train"])
def test_the_command_knows_uses_by_name(asked, capsys, purpose):
    if purpose != "train":
        pytest.importorskip("sklearn")
    assert cli.main(["warmup", "--for", purpose]) == 0
    assert capsys.readouterr().err == ""


def test_the_command_prints_how_long_each_kernel_took(asked, capsys, monkeypatch):
    monkeypatch.setattr(compiling, "times", [(0.25, "gather_float32"), (1.5, "loss_cross_entropy")])
    assert cli.main(["warmup", "--timings"]) == 0
    assert capsys.readouterr().out == "   1.500 s  loss_cross_entropy\n   0.250 s  gather_float32\n"
