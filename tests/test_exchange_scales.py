"""Models with a scaling layer in other libraries and pictures: the scales are in what is exported."""

import importlib

import numpy as np
import pytest
from exchanged import made, near, outputs, rows
from numpy.testing import assert_allclose

import fastbp
from fastbp.exchange import common

SIZES = [(7, 3), (1, 1, 7), (17, 33, 4)]
STEPS = "parametrization", "rate_factors"
SETTINGS = [{}, {"parametrization": "ntk", "activation": "tanh"}]


def scaled(sizes, dtype="float32", **settings):
    adam = {"name": "adam"} | {name: settings.pop(name) for name in STEPS if name in settings}
    model = made(sizes, dtype, scaling_layer=True, optimizer=adam, **settings)
    model.scales[:] = np.random.default_rng(3).uniform(-3, 3, sizes[0])
    return model


def test_the_first_weights_by_hand():
    model = fastbp.Model([2, 2, 2], scaling_layer=True, dtype="float64")
    model.parameters[0][0][...], model.scales[:] = [[1, 2], [3, 4]], [10, -0.5]
    first, second = common.layers_of(model)
    assert first.W.tolist() == [[10, 20], [-1.5, -2]] and second.W is not first.W
    assert np.shares_memory(second.W, model._flat) and model.parameters[0][0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("settings", [*SETTINGS, {"input_shift": 0.5, "input_scale": 3}, {"layer_norm": True}])
def test_onnx_files_hold_the_scales(sizes, settings, dtype, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    if len(sizes) == 2:
        settings = {name: value for name, value in settings.items() if name != "layer_norm"}
    model = scaled(sizes, dtype, loss="squared_error", **settings)
    model.to_onnx(tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (z,) = session.run(None, {"X": rows(model)})
    bound = near(model) if dtype == np.float32 or "layer_norm" not in settings else {"rtol": 1e-9, "atol": 1e-9}
    assert_allclose(z, outputs(model, rows(model)).reshape(z.shape), **bound | {"atol": max(bound["atol"], 1e-13)})


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("settings", [*SETTINGS, {"input_shift": 0.5, "input_scale": 3}])
def test_pytorch_networks_hold_the_scales(sizes, settings, dtype):
    torch = pytest.importorskip("torch")
    model = scaled(sizes, dtype, loss="squared_error", **settings)
    with torch.no_grad():
        z = model.to_torch()(torch.from_numpy(rows(model))).numpy()
    assert_allclose(
        z, outputs(model, rows(model)).reshape(z.shape), rtol=near(model)["rtol"], atol=10 * near(model)["atol"]
    )


def test_pytorchs_first_layer_is_rounded_once():
    torch = pytest.importorskip("torch")
    model = scaled((5, 3), input_scale=0.7)
    exact = model.parameters[0][0].astype(float) * model.scales[:, None].astype(float) * 0.7
    assert np.array_equal(model.to_torch()[0].weight.detach().numpy().T, exact.astype(np.float32))
    assert model.to_torch()[0].weight.dtype == torch.float32


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("sizes", [(7, 2), (5, 16, 3)])
def test_scikit_learns_networks_hold_the_scales_and_train_on_without(sizes, loss, dtype):
    pytest.importorskip("sklearn")
    model = scaled(sizes, dtype, loss=loss, parametrization="ntk", rate_factors={"b": 0.1})
    words = "predicts the same, but would train on without scaling_layer, parametrization, rate_factors$"
    with pytest.warns(UserWarning, match=words):
        estimator = model.to_sklearn()
    z = estimator.predict_proba(rows(model)) if loss == "cross_entropy" else estimator.predict(rows(model))
    assert_allclose(z, outputs(model, rows(model)), rtol=near(model)["rtol"], atol=10 * near(model)["atol"])


@pytest.mark.parametrize("library, method", [("onnx", "to_onnx"), ("torch", "to_torch"), ("sklearn", "to_sklearn")])
def test_scales_that_would_overflow_are_refused(library, method, tmp_path):
    pytest.importorskip(library)
    model = scaled((2, 3))
    model.scales[:], model.parameters[0][0][...] = [1e30, 1], 1e9
    exchange = importlib.import_module(f"fastbp.exchange.{library}")
    path = [tmp_path / "model.onnx"] if library == "onnx" else []
    with pytest.raises(
        ValueError, match=r"scales times W of the first layer are beyond float32.*largest scale is 1e\+30"
    ):
        getattr(exchange, method)(model, *path)
    assert not list(tmp_path.iterdir())


def test_networks_of_pytorch_take_a_scaling_layer_that_changes_nothing():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    plain, with_scales = fastbp.Model.from_torch(net), fastbp.Model.from_torch(net, scaling_layer=True)
    assert with_scales.scales.tolist() == [1] * 4
    assert_allclose(with_scales.predict_proba(rows(plain)), plain.predict_proba(rows(plain)), rtol=1e-6)


def test_to_sklearn_says_that_it_adds_epsilon_elsewhere():
    pytest.importorskip("sklearn")
    adam = fastbp.optimizers.Adam(0.01, epsilon_after_correction=True)
    model = fastbp.Model([3, 4, 2], optimizer=adam, seed=0)
    with pytest.warns(UserWarning, match="would train on without epsilon_after_correction$"):
        twin = model.to_sklearn()
    assert twin.epsilon == adam.epsilon and twin.solver == "adam"
