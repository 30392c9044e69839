"""Models of tables as ONNX files that take raw columns: what ONNX Runtime gives is what `predict` gives."""

import datetime
import json
import os
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("narwhals")

import onnx
import onnxruntime as runtime
import pandas
from raw_columns import frame, ran, strange, target
from test_tables_real import FOLDER, TABLES

import fastbp
from fastbp.exchange import onnx_tables
from fastbp.exchange.onnx import Graph, file, value_info
from fastbp.exchange.onnx_columns import RawColumns, inputs
from fastbp.tables.columns import Columns
from fastbp.tabular import fitting
from fastbp.tabular.model import TableModel
from fastbp.tabular.recipe import Recipe


def trained(table, kind, dtype="float32", n_folds=None, **settings):
    y = target(table, kind)
    classes = None if kind == "numbers" else np.unique(y)
    recipe = Recipe(None if classes is None else len(classes), (16, 9), n_epochs=4, batch_size=16, dtype=dtype)
    numbers = y if classes is None else np.searchsorted(classes, y)
    random = np.random.default_rng(0)
    return TableModel(fitting.fit(fitting.Table(table, numbers), recipe, random, n_folds=n_folds, **settings), classes)


def assert_agree(model, path, table, rtol=2e-5):
    found = ran(path, table)
    expected = model.predict(table)
    if model.classes is None:
        assert list(found) == ["predictions"]
        assert_allclose(found["predictions"], expected, rtol=rtol, atol=rtol * np.abs(expected).mean())
        return
    p = model.predict_proba(table)
    assert list(found) == ["predictions", "probabilities"]
    assert_allclose(found["probabilities"], p, rtol=rtol, atol=rtol)
    sure = np.diff(np.sort(p, axis=1)[:, -2:], axis=1)[:, 0] > 10 * rtol
    assert sure.mean() > 0.9
    assert_array_equal(np.asarray(found["predictions"])[sure], expected[sure])


# ---- columns


def transformed(columns, table, tmp_path):
    """What the nodes alone make of a table, in float64."""
    graph = Graph(np.dtype(np.float64), [name for name, _ in columns.becoming_inputs])
    output = value_info(RawColumns(graph).add(columns, graph.dtype), np.float64, columns.n_outputs)
    (tmp_path / "columns.onnx").write_bytes(file(graph, inputs(columns), [output], {}).SerializeToString())
    (values,) = ran(tmp_path / "columns.onnx", table).values()
    return values


@pytest.mark.parametrize(
    "settings", [{}, {"max_categories": 3}, {"max_categories": 2}, {"categorical_features": ["grade", "customer_id"]}]
)
def test_the_nodes_compute_what_transform_does(settings, tmp_path):
    table = frame()
    columns = Columns.fit(table, np.arange(90), **settings)
    kinds = {one.name: one.kind for one in columns.described}
    assert {"number", "category", "boolean", "date", "constant", "empty"} <= set(kinds.values())
    for rows in (table, strange(), table[:1]):
        expected = columns.transform(rows, "float64")
        assert_allclose(transformed(columns, rows, tmp_path), expected, rtol=1e-12, atol=1e-14)


def test_a_category_by_hand(tmp_path):
    table = pandas.DataFrame({"c": ["a", "b", "c", "a"], "x": [0.0, 1.0, 2.0, 3.0]})
    columns = Columns.fit(table, [0, 1, 2, 3])
    values = transformed(
        columns, pandas.DataFrame({"c": ["b", "z", "", None], "x": [1.5, np.nan, 4.5, 1e308]}), tmp_path
    )
    x = (4.5 - 1.5) / 1.5  # beside the median, over the difference of the quartiles; a gap is the median
    assert_allclose(values[:, 3], [0, 0, x / np.sqrt(1 + x * x / 9), 3], atol=1e-15)
    one, none = 1 / np.sqrt(1 + 1 / 9), 0  # of a: half of the rows, quartiles 0 and 1, median 0.5
    half = 0.5 / np.sqrt(1 + 0.25 / 9)
    assert_allclose(values[:, 0], [-half] * 4, atol=1e-15)
    assert values[1:, 1].tolist() == [values[1, 1]] * 3 and values[0, 1] > values[1, 1]
    assert one > half > none


def test_numbers_at_the_ends_of_float64_stay_numbers(tmp_path):
    table = pandas.DataFrame({"constant": [1.7e308] * 4, "x": [-1.7e308, 0, 1, 1.7e308]})
    columns = Columns.fit(table, [0, 1, 2, 3])
    rows = pandas.DataFrame({"constant": [-1.7e308, 1.0], "x": [1.7e308, -1e300]})
    values = transformed(columns, rows, tmp_path)
    assert values[:, 0].tolist() == [0, 0]
    assert_allclose(values, columns.transform(rows, "float64"), rtol=1e-12)


@pytest.mark.parametrize("first, last", [("0001-01-01", "0005-03-05"), ("1581-12-30", "1601-03-02"),
                                         ("1895-12-25", "1904-03-03"), ("1999-11-01", "2001-03-03"),
                                         ("2395-12-31", "2401-03-05")])  # fmt: skip
def test_months_and_weekdays_are_those_of_the_calendar(first, last, tmp_path):
    days = np.arange(first, last, dtype="datetime64[D]")
    graph = Graph(np.dtype(np.float64), ["day"])
    output = value_info(RawColumns(graph)._dates("day"), np.float64, 3)
    given = value_info("day", np.float64, 1)
    (tmp_path / "dates.onnx").write_bytes(file(graph, [given], [output], {}).SerializeToString())
    session = runtime.InferenceSession(tmp_path / "dates.onnx", providers=["CPUExecutionProvider"])
    numbers = days.astype(np.int64) + 0.75
    (found,) = session.run(None, {"day": numbers[:, None]})
    calendar = [day.astype(datetime.date) for day in days]
    assert found.tolist() == [[number, day.month, day.weekday()] for number, day in zip(numbers, calendar, strict=True)]


# ---- models


@pytest.mark.parametrize("n_folds", [None, 3])
@pytest.mark.parametrize("kind", ["text", "integers", "booleans", "floats", "numbers"])
def test_onnx_runtime_agrees_on_raw_columns(kind, n_folds, tmp_path):
    table = frame()
    model = trained(table, kind, n_folds=n_folds)
    model.to_onnx(tmp_path / "model.onnx")
    for rows in (table, strange(), table[:1], table[list(table)[::-1]]):
        assert_agree(model, tmp_path / "model.onnx", rows)


@pytest.mark.parametrize("kind", ["text", "numbers"])
def test_float64_agrees_to_its_own_rounding(kind, tmp_path):
    table = frame()
    model = trained(table, kind, "float64", n_folds=2)
    model.to_onnx(tmp_path / "model.onnx")
    assert_agree(model, tmp_path / "model.onnx", strange(), rtol=1e-11)


def test_a_saved_model_writes_the_same_file(tmp_path):
    model = trained(frame(), "text", max_categories=5)
    model.save(tmp_path / "model.safetensors")
    model.to_onnx(tmp_path / "one.onnx")
    fastbp.load(tmp_path / "model.safetensors").to_onnx(tmp_path / "other.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_columns_without_names_are_numbered_and_outputs_give_way_to_names(tmp_path):
    table = frame()
    bare = table[["age", "city", "yes"]].to_numpy(object)
    model = trained(table, "text")
    y = np.searchsorted(model.classes, target(table, "text"))
    recipe, random = Recipe(3, (8,), n_epochs=1, batch_size=16), np.random.default_rng(0)
    for X, names in (
        (bare, ["column 0", "column 1", "column 2"]),
        (table[["age", "city", "yes"]].set_axis(["predictions", "layers.0.weight", "Gemm_0"], axis=1), None),
    ):
        small = TableModel(fitting.fit(fitting.Table(X, y), recipe, random), model.classes)
        small.to_onnx(tmp_path / "small.onnx")
        names = names or list(X)
        found = ran(tmp_path / "small.onnx", pandas.DataFrame(X, columns=names) if names[0] == "column 0" else X)
        assert list(found) == ["predictions_" if "predictions" in names else "predictions", "probabilities"]
        assert_allclose(found["probabilities"], small.predict_proba(X), rtol=2e-5, atol=2e-5)


def test_the_file_says_what_it_takes(tmp_path):
    model = trained(frame(), "integers")
    model.to_onnx(tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    kept = {prop.key: json.loads(prop.value) for prop in proto.metadata_props}
    assert kept["class_names"] == ["-7", "3", "13"] and "target" not in kept
    assert kept["columns"] == {
        "age": "number", "constant": "number", "city": "text", "yes": "boolean", "perhaps": "boolean", "sex": "text",
        "grade": "number", "street": "text", "joined": "date", "seen": "date",
    }  # fmt: skip
    said = {given.name: given.doc_string for given in proto.graph.input}
    assert said["joined"].startswith("days since 1970-01-01") and said["city"] == 'text; "" is a gap'
    assert {one.domain: one.version for one in proto.opset_import} == {"": 17, "ai.onnx.ml": 2}
    assert proto.ir_version == 8


def test_what_can_not_be_a_file(tmp_path):
    table = frame()
    days = TableModel(
        trained(table, "text").members, np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[D]")
    )
    with pytest.raises(
        ValueError, match="classes must be text, numbers or booleans for an ONNX file, got datetime.date"
    ):
        days.to_onnx(tmp_path / "file")
    nameless = trained(table.rename(columns={"age": ""}).assign(age=table["age"]), "numbers")
    with pytest.raises(ValueError, match="need names, but a column's name is empty"):
        nameless.to_onnx(tmp_path / "file")
    own = fastbp.activations.Activation("square", lambda t: t * t, lambda t: 2 * t)
    recipe = Recipe(None, (8,), n_epochs=1, batch_size=16, activation=own)
    square = TableModel(
        fitting.fit(fitting.Table(table, target(table, "numbers")), recipe, np.random.default_rng(0)), None
    )
    with pytest.raises(ValueError, match="activation 'square' has no form in ONNX's operators"):
        square.to_onnx(tmp_path / "file")
    with pytest.raises(TypeError, match=r"model must be a TableModel, got Model"):
        onnx_tables.to_onnx(fastbp.Model([2, 2]), tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_a_missing_onnx_is_named_with_its_extra(tmp_path, monkeypatch):
    for name in {"onnx", *(name for name in sys.modules if name.startswith("onnx."))}:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("onnx", "onnx_columns", "onnx_tables"):
        monkeypatch.delitem(sys.modules, f"fastbp.exchange.{name}", raising=False)
        monkeypatch.delattr(fastbp.exchange, name, raising=False)
    model = trained(frame(), "numbers")
    with pytest.raises(ImportError, match=r"to_onnx needs onnx: pip install 'fastbp\[onnx\]'"):
        model.to_onnx(tmp_path / "file")


def test_what_looks_into_models_says_what_to_pass_of_a_table(tmp_path):
    table = frame()
    model = trained(table, "numbers")
    with pytest.raises(
        TypeError, match=r"got TableModel; pass a network of it, members\[0\].model, and members\[0\].col"
    ):
        fastbp.diagnose(model, table, target(table, "numbers"))
    member = model.members[0]
    y = (target(table, "numbers") - member.mean) / member.deviation
    assert len(fastbp.diagnose(member.model, member.columns.transform(table), y).layers) == 3


def test_the_estimators_write_what_they_predict(tmp_path):
    pytest.importorskip("sklearn")
    from sklearn.exceptions import NotFittedError

    from fastbp.sklearn import TabularClassifier, TabularRegressor

    table = frame()
    settings = {"hidden_layer_sizes": (8,), "n_epochs": 2, "batch_size": 16, "random_state": 0}
    for kind, estimator in (
        ("text", TabularClassifier(**settings)),
        ("numbers", TabularRegressor(**settings, n_folds=2)),
    ):
        with pytest.raises(NotFittedError):
            estimator.to_onnx(tmp_path / "model.onnx")
        estimator.fit(table, target(table, kind)).to_onnx(tmp_path / "model.onnx")
        found, rows = ran(tmp_path / "model.onnx", strange()), strange()
        if kind == "text":
            assert_allclose(found["probabilities"], estimator.predict_proba(rows), rtol=2e-5, atol=2e-5)
            assert (found["predictions"] == estimator.predict(rows)).mean() > 0.95
        else:
            assert_allclose(found["predictions"], estimator.predict(rows), rtol=1e-4)


# ---- real tables


@pytest.mark.skipif("FASTBP_TABLES" not in os.environ, reason="FASTBP_TABLES names no folder of tables")
@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_agrees_with_gaps_and_unseen_categories(name, tmp_path):
    target, of_classes, _ = TABLES[name]
    table = pandas.read_csv(FOLDER / f"{name}.csv.gz", keep_default_na=False, na_values=[""])
    table = table[table[target].notna()].sample(900, random_state=0)
    X, y = table.drop(columns=target), table[target].to_numpy()
    classes = np.unique(y.astype(str)) if of_classes else None
    numbers = y.astype(float) if classes is None else np.searchsorted(classes, y.astype(str))
    recipe = Recipe(None if classes is None else len(classes), (32, 17), n_epochs=2, batch_size=64)
    model = TableModel(fitting.fit(fitting.Table(X[:800], numbers[:800]), recipe, np.random.default_rng(0)), classes)
    model.to_onnx(tmp_path / "model.onnx")
    rows, rng = X[700:].reset_index(drop=True), np.random.default_rng(1)
    for column in rows:
        odd = rng.random(len(rows)) < 0.1
        rows[column] = rows[column].mask(odd, None if rows[column].dtype.kind in "biuf" else rng.choice([None, "new"]))
    assert_agree(model, tmp_path / "model.onnx", rows)
