"""What else is done with members: files, copies, sparse rows, exports, estimators, and what refuses them."""

import copy
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from scipy import sparse
from test_members import data, everything, made

import fastbp
from fastbp import Members, plot
from fastbp.data.labelled import samples
from fastbp.distributed import fitting
from fastbp.sklearn import TabularClassifier, TabularRegressor
from fastbp.tabular.recipe import Recipe

RECIPE = {"parametrization": "ntk", "rate_factors": {"b": 0.1, "scales": 6}}


def test_a_file_and_copies_go_on_with_the_same_bits(tmp_path):
    X, y = data(6, 40)
    model = made([6, 17, 3], 3, dropout=0.2, **RECIPE)
    model.fit(X, y, epochs=2, batch_size=16, verbose=0)
    model.save(tmp_path / "model")
    others = fastbp.load(tmp_path / "model"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    again = fastbp.Model(**model.get_config())
    again.set_state(model.get_state())
    assert again.network == model.network and again.scales.shape == (3, 6)
    model.fit(X, y, epochs=2, batch_size=16, verbose=0)
    for other in (*others, again):
        other.fit(X, y, epochs=2, batch_size=16, verbose=0)
        assert everything(other).tobytes() == everything(model).tobytes()


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_sparse_rows_are_those_rows(kernels):
    X, y = data(9, 30)
    X[np.random.default_rng(2).random(X.shape) < 0.9] = 0
    models = [made([9, 12, 3], 3, kernels=kernels, **RECIPE) for _ in range(2)]
    for model, rows in zip(models, (X, sparse.csr_array(X)), strict=True):
        model.fit(rows, y, epochs=2, batch_size=8, verbose=0)
    assert everything(models[0]).tobytes() == everything(models[1]).tobytes()
    assert models[0].predict_proba(X).tobytes() == models[0].predict_proba(sparse.csr_array(X)).tobytes()


def test_members_begin_as_signs_or_normal_numbers_and_differ():
    signs = fastbp.Model([50, 4, 2], scaling_layer=Members(40), seed=0)
    normal = fastbp.Model([50, 4, 2], scaling_layer=Members(40, "normal"), seed=0)
    assert set(signs.scales.ravel().tolist()) == {-1.0, 1.0} and abs(signs.scales.mean()) < 0.1
    assert normal.scales.std() == pytest.approx(1, abs=0.05) and len(np.unique(normal.scales)) > 1900
    heads = [W for W, _ in signs.parameters[1:]]
    assert len(heads) == 40 and not np.array_equal(heads[0], heads[1])
    assert "40 of (4, 2)" in signs.summary() and f"{signs.network.n_parameters:,}" in signs.summary()


def test_a_row_that_is_not_finite_is_named():
    model, (X, y) = made([3, 4, 3], 2), data(3, 20)
    X[13, 1] = np.nan
    for call in (lambda: model.predict(X), lambda: model.fit(X, y, verbose=0)):
        with pytest.raises(ValueError, match="nan in row 13"):
            call()


@pytest.mark.parametrize("scaled", [{"input_scale": 2}, {"input_shift": 2}])
@pytest.mark.parametrize("rows", [1, 3, 40])  # as many as members, too
def test_rows_are_scaled_for_every_use(scaled, rows):
    X, y = data(4, rows)
    model, plain = made([4, 5, 3], 3, **scaled), made([4, 5, 3], 3)
    for one in (model, plain):
        one.scales[:] *= 3  # above 1, so that the products are checked
    there = X * 2 if "input_scale" in scaled else X - 2
    assert model.predict_proba(X).tobytes() == plain.predict_proba(there).tobytes()
    assert model.evaluate(X, y) == plain.evaluate(there, y) and model.score(X, y) == plain.score(there, y)
    E, gradients = model.gradients(X, y)
    E_there, expected = plain.gradients(there, y)
    assert E == E_there and all(map(np.array_equal, gradients[0], expected[0]))
    assert model.evaluate(lambda: [(X, y)])["loss"] == plain.evaluate(lambda: [(there, y)])["loss"]


@pytest.mark.parametrize("scaled", [{}, {"input_scale": 2}])
@pytest.mark.parametrize("rows", [3, 20])
def test_a_row_that_the_scales_of_one_member_take_beyond_the_dtype_is_named(scaled, rows):
    X, y = data(4, rows)
    model = made([4, 5, 3], 3, dtype="float32", **scaled)
    model.scales[1, 2], X[2, 2] = -1e30, 1e20
    told = "times the trained scales, .* in row 2, column 2"
    for call in (lambda: model.predict(X), lambda: model.evaluate(X, y), lambda: model.gradients(X, y)):
        with pytest.raises(ValueError, match=told):
            call()


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error", "poisson"])
def test_onnx_files_predict_the_same(loss, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    outputs = {"cross_entropy": 3, "squared_error": 2}.get(loss, 1)
    X, _ = data(5, 12, loss)
    model = made([5, 9, 6, outputs], 3, loss=loss, layer_norm=True, activation="prelu", input_shift=0.5)
    model.to_onnx(tmp_path / "model.onnx")
    found = runtime.InferenceSession(tmp_path / "model.onnx").run(None, {"X": X})[0]
    with model._loaded_plan() as plan:
        z = np.empty((12, outputs))
        plan.predict(samples(model, X), z)
    np.testing.assert_allclose(found, z, rtol=1e-9)


def test_what_has_no_members_says_so():
    model, (X, y) = made([3, 4, 3], 2), data(3, 20)
    wanted = r"has no members, the model has scaling_layer=Members\(2\)"
    calls = [
        model.to_sklearn, lambda: fastbp.diagnose(model, X, y),
        lambda: fastbp.profile(model, X, y), lambda: plot.network(model), lambda: fitting._checked(model, {}),
    ]  # fmt: skip
    for call in calls if find_spec("torch") is None else [*calls, model.to_torch]:
        with pytest.raises(ValueError, match=wanted):
            call()


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (lambda: Members(1), ValueError, "n_members must be .*2"),
        (lambda: Members(2.5), TypeError, "n_members must be a whole number"),
        (lambda: Members(2000), ValueError, "n_members must be .*1024"),
        (lambda: Members(4, "ones"), ValueError, "first_scales"),
        (lambda: fastbp.Model([2, 2], scaling_layer="yes"), TypeError, r"scaling_layer must be True, False or fastbp"),
        (lambda: fastbp.Model([2, 2], scaling_layer={"n": 3}), ValueError, r"scaling_layer must hold settings of"),
    ],
)
def test_bad_members_are_refused(given, error, told):
    with pytest.raises(error, match=told):
        given()


# ---- estimators ----------------------------------------------------------------------------------------------------


def table(rows=60):
    rng = np.random.default_rng(0)
    return np.column_stack([rng.standard_normal((rows, 2)), rng.integers(0, 3, rows)])


SMALL = {"hidden_layer_sizes": [12], "n_epochs": 3, "random_state": 0, "n_members": 3}


def test_tabular_estimators_train_members(tmp_path):
    X = table()
    classifier = TabularClassifier(**SMALL).fit(X, X[:, 0] > 0)
    model = classifier.members_[0].model
    assert model.scales.shape[0] == 3 and model.network.n_members == 3
    first = Recipe(2, hidden_layer_sizes=(12,), n_members=3).model(4, np.random.default_rng(0))
    assert not any(W.any() for W, _ in first.parameters[1:]) and set(first.scales.ravel().tolist()) == {-1.0, 1.0}
    np.testing.assert_allclose(classifier.predict_proba(X).sum(1), 1, rtol=1e-6)
    classifier.save(tmp_path / "model")
    loaded = fastbp.load(tmp_path / "model")
    assert loaded.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    regressor = TabularRegressor(**SMALL | {"n_folds": 2}).fit(X, X[:, 0])
    assert [member.model.network.n_members for member in regressor.members_] == [3, 3]
    np.testing.assert_allclose(
        regressor.predict(X), np.mean([m.outputs(X, False)[:, 0] for m in regressor.members_], axis=0)
    )


def test_members_need_the_scaling_layer():
    with pytest.raises(ValueError, match="scaling_layer must be True where n_members is above 1"):
        TabularRegressor(**SMALL | {"scaling_layer": False}).fit(table(), np.arange(60.0))
    with pytest.raises(ValueError, match="n_members"):
        TabularRegressor(**SMALL | {"n_members": 0}).fit(table(), np.arange(60.0))
