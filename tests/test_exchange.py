"""Networks to ONNX files, and what holds for every exchange: libraries missing, and the examples of the page."""

import importlib
import importlib.resources
import sys

import numpy as np
import pytest
from exchanged import ACTIVATIONS, LOSSES, NAMED, SIZES, assert_same_parameters, made, near, outputs, rows
from numpy.testing import assert_allclose

import fastbp


@pytest.mark.parametrize("module, library", [("sklearn", "scikit-learn"), ("torch", "PyTorch"), ("onnx", "onnx")])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(module, library, monkeypatch):
    for name in {module, *(name for name in sys.modules if name.startswith(f"{module}."))}:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"fastbp.exchange.{module}", raising=False)
    with pytest.raises(ImportError, match=rf"need.* {library}: pip install 'fastbp\[{module}\]'"):
        importlib.import_module(f"fastbp.exchange.{module}")


# ---- ONNX


@pytest.fixture
def onnx():
    pytest.importorskip("onnx")
    return importlib.import_module("fastbp.exchange.onnx")


@pytest.fixture
def ran(onnx, tmp_path):
    """What ONNX Runtime makes of rows, with the name of the output."""
    runtime = pytest.importorskip("onnxruntime")

    def run(model, X):
        onnx.to_onnx(model, tmp_path / "model.onnx")
        session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
        assert [given.name for given in session.get_inputs()] == ["X"]
        return session.run(None, {"X": X})[0], session.get_outputs()[0].name

    return run


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("loss", LOSSES)
def test_onnx_runtime_agrees_for_all_losses(sizes, loss, dtype, ran):
    model = made(sizes, dtype, loss=loss)
    for count in 1, 33:
        z, name = ran(model, rows(model, count))
        assert name == ("predictions" if loss in ("squared_error", "poisson") else "probabilities")
        assert z.dtype == dtype and z.shape == (count, sizes[-1])
        assert_allclose(z, outputs(model, rows(model, count)).reshape(z.shape), **near(model))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_runtime_agrees_for_all_activations(activation, dtype, ran):
    model = made((7, 33, 16, 5), dtype, activation=activation)
    assert_allclose(ran(model, rows(model))[0], model.predict_proba(rows(model)), **near(model))


@pytest.mark.parametrize("norms", [True, [True, False]])
def test_onnx_runtime_agrees_on_normalized_layers(norms, dtype, ran):
    model = made((7, 33, 16, 5), dtype, layer_norm=norms)
    expected = near(model) if dtype == np.float32 else {"rtol": 1e-11}  # the file holds eps in float32
    assert_allclose(ran(model, rows(model))[0], model.predict_proba(rows(model)), **expected)


@pytest.mark.parametrize("scaling", [{}, {"input_shift": 1e6, "input_scale": [0.5, 2, 3]}, {"input_scale": 0.1}])
def test_onnx_runtime_scales_as_the_model_does(scaling, dtype, ran):
    model = made((3, 16, 2), dtype, activation=["tanh"], **scaling)
    X = rows(model) + dtype.type(scaling.get("input_shift", 0))
    assert_allclose(ran(model, X)[0], model.predict_proba(X), **near(model))


def test_an_onnx_file_holds_parameters_to_the_bit_and_names(onnx, tmp_path):
    import onnx as library

    model = made((3, 17, 2), "float64", loss="binary_cross_entropy", class_names=["hot", "cold"], **NAMED)
    onnx.to_onnx(model, tmp_path / "model.onnx")
    proto = library.load(tmp_path / "model.onnx")
    held = {tensor.name: library.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    layers = [(held[f"layers.{i}.weight"], held[f"layers.{i}.bias"]) for i in range(2)]
    assert_same_parameters(model.parameters, layers)
    kept = {prop.key: prop.value for prop in proto.metadata_props}
    assert kept == {
        "loss": '"binary_cross_entropy"',
        "class_names": '["hot", "cold"]',
        "feature_names": '["a", "b", "c"]',
    }
    assert (proto.ir_version, proto.opset_import[0].version, proto.producer_name) == (8, 17, "fastbp")


def test_an_onnx_file_is_written_whole_or_not_at_all(onnx, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_text("as it was")
    monkeypatch.setattr("os.replace", lambda *paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        onnx.to_onnx(made((3, 2)), path)
    assert path.read_text() == "as it was" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="folder"):
        onnx.to_onnx(made((3, 2)), tmp_path)


def test_what_onnx_does_not_take(onnx, tmp_path, monkeypatch):
    with pytest.raises(TypeError, match=r"model must be a fastbp\.Model, got str"):
        onnx.to_onnx("model", tmp_path / "file")
    own = fastbp.activations.Activation("square", lambda t: t * t, lambda t: 2 * t)
    with pytest.raises(ValueError, match=r"activation 'square' has no form in ONNX's operators"):
        onnx.to_onnx(made((3, 5, 2), activation=own), tmp_path / "file")
    fourth = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    with pytest.raises(ValueError, match=r"loss 'fourth' has no form in ONNX's operators, so that it can't be export"):
        onnx.to_onnx(made((3, 5, 2), loss=fourth), tmp_path / "file")
    monkeypatch.setattr(onnx, "LARGEST", 31)
    with pytest.raises(ValueError, match="holds 31 bytes of parameters at most, the model has 32"):
        onnx.to_onnx(made((3, 2)), tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["leaky_relu", "gelu", "silu", "elu", "selu", "mish", "softplus"])
def test_the_functions_that_onnx_files_compose(name, dtype, ran):
    torch = pytest.importorskip("torch")
    model = made((1, 1, 1), dtype, activation=name, loss="squared_error")
    for W, b in model.parameters:
        W[...], b[...] = 1, 0
    sizes = np.geomspace(1e-12, 60, 60)
    X = np.concatenate([sizes, -sizes, [0]]).astype(dtype)[:, None]
    double = torch.from_numpy(X.astype(float))
    wanted = torch.logaddexp(double, 0 * double) if name == "softplus" else getattr(torch.nn.functional, name)(double)
    bound = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
    assert_allclose(ran(model, X)[0], wanted.numpy(), **bound)


def test_a_file_asks_for_the_largest_opset_of_its_activations(onnx, tmp_path, monkeypatch):
    import onnx as library

    late = fastbp.kernels.entries.activation.Elsewhere(onnx=lambda graph, t: graph.add("Mish", t), opset=18)
    own = fastbp.activations.Activation("late", lambda t: t * t, lambda t: 2 * t, elsewhere=late)
    for activation, opset in (["tanh", "relu"], 17), (["tanh", own], 18):
        onnx.to_onnx(made((3, 5, 4, 2), activation=activation), tmp_path / "file")
        assert library.load(tmp_path / "file").opset_import[0].version == opset


# ---- the page


def test_the_examples_of_the_page_run(tmp_path, monkeypatch):
    for library in "sklearn", "torch", "onnx", "onnxruntime":
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    page = (importlib.resources.files("fastbp.exchange") / "README.md").read_text(encoding="utf-8")
    examples = [block.partition("```")[0] for block in page.split("```python\n")[1:]]
    assert len(examples) >= 4
    for example in examples:
        if "import keras" not in example:
            exec(example, {})
