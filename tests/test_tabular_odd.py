"""Tables with odd names, targets and cells: learned as they are meant, or refused, and a refusal changes nothing."""

import datetime
import re
import threading
import tracemalloc

import numpy as np
import pytest

import fastbp
from fastbp.tables.columns import Columns
from fastbp.tabular.fitting import Member, _scale
from fastbp.tabular.model import TableModel
from fastbp.tabular.recipe import Recipe

pytest.importorskip("narwhals")
pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from fastbp.sklearn import TabularClassifier, TabularRegressor  # noqa: E402

SMALL = {"hidden_layer_sizes": (8,), "n_epochs": 6, "batch_size": 16, "random_state": 0}
X = np.random.default_rng(0).standard_normal((60, 2))
CLASSES = np.where(X[:, 0] > 0, "yes", "no")


def test_names_of_inputs_that_would_be_the_same_are_told_apart():
    table = pandas.DataFrame({"age": X[:, 0], "age is missing": X[:, 1], "a": np.resize(list("bcd"), 60)})
    table.loc[::7, "age"], table["a = b"] = np.nan, X[:, 0] > 0
    model = TabularClassifier(**SMALL).fit(table, CLASSES)
    names = model.members_[0].columns.input_names
    assert len(set(names)) == len(names) and "age is missing (2)" in names and "a = b (2)" in names


def test_a_fit_that_fails_leaves_the_estimator_as_it_was():
    model = TabularClassifier(**SMALL).fit(X, CLASSES)
    before, right = dict(vars(model)), model.predict(X)
    bad = np.where(np.arange(120).reshape(60, 2) == 5, np.inf, X)
    for given in ((bad, np.resize(list("abc"), 60)), (X[:9], CLASSES), (X, list(map(str, range(60))))):
        with pytest.raises(ValueError):
            model.fit(*given)
        assert vars(model) == before and (model.predict(X) == right).all()


@pytest.mark.parametrize(
    ("y", "mean", "deviation"),
    [
        ([1.0, 3.0], 2.0, 1.0),
        ([0.1] * 80, 0.1, 1.0),
        ([0.0] * 5, 0.0, 1.0),
        ([1e-300, 3e-300], 2e-300, 1e-300),
        ([1e200, 3e200], 2e200, 1e200),
    ],
)
def test_the_scale_of_targets(y, mean, deviation):
    found = _scale(np.array(y))
    assert found == pytest.approx((mean, deviation), rel=1e-12)


def test_targets_of_any_size_are_predicted_or_refused():
    for size in (1e-200, 1e200):
        model = TabularRegressor(**SMALL | {"n_epochs": 40}).fit(X, X[:, 0] * size)
        assert model.score(X, X[:, 0] * size) > 0.5 if size < 1e150 else np.isfinite(model.predict(X)).all()
    with pytest.raises(ValueError, match="y must hold numbers that can be added within float64"):
        TabularRegressor(**SMALL).fit(X, np.where(X[:, 0] > 0, 1e308, -1e308))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False, None], "b"),
        ([1, 0, None], "i"),
        ([2**53 + 1, 2**53 + 2, None], "i"),
        (pandas.array([1, 0, None], "Int64"), "i"),
        (pandas.array([True, False, None], "boolean"), "b"),
        (["a", "b", None], "O"),
    ],
)
def test_classes_with_gaps_stay_what_they_are(values, kind):
    y = pandas.Series(np.resize(np.array(list(values), object), 60))
    if not isinstance(values, list):
        y = y.astype(values.dtype)
    model = TabularClassifier(**SMALL).fit(X, y)
    assert model.classes_.dtype.kind == kind and model.n_rows_without_target_ == 20
    assert model.classes_.tolist() == sorted(value for value in list(values)[:2])


def test_classes_of_several_kinds_and_dates_are_refused():
    with pytest.raises(TypeError, match="y must hold classes of one kind, got int, str"):
        TabularClassifier(**SMALL).fit(X, np.array(["a", 1] * 30, object))
    for dates in (pandas.date_range("2020-01-01", periods=60), [datetime.date(2020, 1, 1)] * 60):
        for kind in (TabularClassifier, TabularRegressor):
            with pytest.raises(TypeError, match="y must hold classes or numbers, got dates"):
                kind(**SMALL).fit(X, dates)


def test_masked_cells_are_gaps():
    masked = np.ma.masked_array(X, np.arange(120).reshape(60, 2) % 7 == 0)
    gaps = np.where(masked.mask, np.nan, X)
    found = [TabularClassifier(**SMALL).fit(given, CLASSES) for given in (masked, gaps)]
    assert (found[0].predict_proba(masked) == found[1].predict_proba(gaps)).all()


def test_probabilities_add_to_one_in_float64():
    P = TabularClassifier(**SMALL).fit(X, CLASSES).predict_proba(X)
    assert P.dtype == np.float64 and abs(P.sum(axis=1) - 1).max() < 1e-15


def test_networks_of_folds_predict_on_all_threads():
    model = TabularClassifier(**SMALL, n_folds=2).fit(X, CLASSES)
    assert [member.model.n_threads for member in model.members_] == [None, None]


@pytest.mark.parametrize(("folds", "n_threads", "shares"), [(5, 2, [1, 1, 1, 1, 2]), (2, 2, [1, 1]), (3, 1, [1, 1, 1])])
def test_folds_that_are_left_share_the_threads(folds, n_threads, shares, monkeypatch):
    made, found = Recipe.train, []

    def train(self, *rest, **more):
        found.append(self.n_threads)
        return made(self, *rest, **more)

    monkeypatch.setattr(Recipe, "train", train)
    monkeypatch.setattr(fastbp.tabular.fitting.threads, "limit", lambda _: n_threads)
    TabularClassifier(**SMALL, n_folds=folds).fit(X, CLASSES)
    assert found == shares


def test_a_stop_ends_folds_with_their_epoch():
    stop = threading.Event()
    stop.set()
    recipe = Recipe(2, hidden_layer_sizes=(8,), n_epochs=50, stop=stop)
    rows = fastbp.tabular.recipe.Rows(X.astype(np.float32), (CLASSES == "yes").astype(int))
    trained = recipe.train(recipe.model(2, np.random.default_rng(0)), rows, rows)
    assert len(trained.history.loss) == 1


def test_a_stop_after_a_wave_needs_rows_that_validate():
    with pytest.raises(ValueError, match="stop_after_wave needs rows that validate"):
        TabularClassifier(**SMALL, stop_after_wave=True, validation_fraction=0.0).fit(X, CLASSES)
    ended = TabularClassifier(**SMALL | {"n_epochs": 60}, stop_after_wave=True).fit(X[:, :1] * 9, CLASSES)
    assert ended.n_iter_ < 60


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda table: table[["a"]], ValueError, "X_val must have the columns of fit; missing: 'city'"),
        (lambda table: table.rename(columns={"city": "town"}), ValueError, "missing: 'city'; X_val has 'town' instead"),
        (lambda table: table.assign(a="much"), ValueError, "X_val: column 'a' must hold numbers, got 'much' in row 0"),
        (lambda table: table.assign(city=7), ValueError, "X_val: column 'city' must hold categories such as"),
        (
            lambda table: table.assign(a=np.inf),
            ValueError,
            "X_val: column 'a' must hold finite numbers, got inf in row",
        ),
        (lambda table: table.assign(a=1j), TypeError, "X_val: column 'a' must hold numbers, booleans, text"),
        (lambda table: table.set_axis(["a", "a"], axis=1), ValueError, "X_val must have columns of different names"),
        (lambda table: table.to_numpy()[:, :1], ValueError, "X_val must have 2 columns, as in fit, got 1"),
    ],
)
def test_what_is_wrong_in_rows_that_validate_is_told_of_as_theirs(change, error, message):
    table = pandas.DataFrame({"a": X[:, 0], "city": np.resize(["Oslo", "Rome", "Bonn"], 60)})
    with pytest.raises(error, match=re.escape(message)):
        TabularClassifier(**SMALL).fit(table, CLASSES, X_val=change(table), y_val=CLASSES)


@pytest.mark.parametrize("kind", ["model", "table"])
def test_a_file_is_packed_with_no_more_than_two_copies_in_memory(kind, tmp_path):
    model = fastbp.Model([500, 2000, 2], optimizer="adam", seed=0)
    if kind == "table":
        X = [[float(i)] for i in range(9)]
        columns = Columns.fit(X, range(9))
        model = fastbp.Model([1, 1_000_000, 2], optimizer="adam", seed=0)
        model = TableModel([Member(columns, model, 0.0, 1.0, 1, np.zeros(1), np.zeros(1))], np.arange(2))
    model.save(tmp_path / "model")  # imports what it needs
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        model.save(tmp_path / "model")
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert most < (2.1 if kind == "model" else 1.1) * (tmp_path / "model").stat().st_size
