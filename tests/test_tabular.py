"""The estimators of tables: what they learn, refuse, keep in files, and tell."""

import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import fastbp

pytest.importorskip("narwhals")
sklearn = pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import DataConversionWarning, NotFittedError  # noqa: E402
from sklearn.inspection import partial_dependence, permutation_importance  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from fastbp.sklearn import TabularClassifier, TabularRegressor  # noqa: E402
from fastbp.tabular import importance  # noqa: E402

SMALL = {"hidden_layer_sizes": (16, 8), "n_epochs": 12, "batch_size": 32, "random_state": 0}


def people(rows=120, seed=0):
    """A table with gaps, text, dates and booleans, whose income follows from some of them."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, rows).astype(float)
    city = random.choice(["Oslo", "Rome", "Bonn"], rows)
    member = random.random(rows) < 0.5
    day = pandas.Timestamp("2020-01-01") + pandas.to_timedelta(random.integers(0, 900, rows), unit="D")
    income = age * 2 + (city == "Rome") * 50 + member * 20 + random.standard_normal(rows)
    table = pandas.DataFrame({"age": age, "city": city, "member": member, "day": day})
    table.loc[::11, "age"] = np.nan
    table.loc[::13, "city"] = None
    return table, income, np.where(income > np.median(income), "high", "low")


# ---- estimators ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_scikit_learns_own_checks_pass(kind):
    reason = "rows are split and drawn at random: a weight of 2 is not a row given twice"
    expected = {"check_sample_weight_equivalence_on_dense_data": reason}
    results = check_estimator(
        kind(hidden_layer_sizes=(64, 64), n_epochs=40), expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed


def test_a_table_is_learned_and_told_of():
    table, income, level = people(400)
    numbers = TabularRegressor(hidden_layer_sizes=(64, 64), n_epochs=60, random_state=0).fit(table[:300], income[:300])
    assert numbers.score(table[300:], income[300:]) > 0.8
    classes = TabularClassifier(hidden_layer_sizes=(64, 64), n_epochs=60, random_state=0).fit(table[:300], level[:300])
    assert classes.score(table[300:], level[300:]) > 0.8
    assert classes.classes_.tolist() == ["high", "low"]
    P = classes.predict_proba(table)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
    assert (classes.classes_[P.argmax(axis=1)] == classes.predict(table)).all()
    kinds = {one.name: one.kind for one in classes.columns_}
    assert kinds == {"age": "number", "city": "category", "member": "boolean", "day": "date"}
    assert classes.n_features_in_ == 4 and classes.feature_names_in_.tolist() == list(table.columns)
    assert len(classes.loss_curve_) == len(classes.validation_errors_) == classes.n_iter_ == 60


def test_columns_are_found_by_name_and_new_things_are_no_silence():
    table, income, _ = people()
    model = TabularRegressor(**SMALL).fit(table, income)
    right = model.predict(table)
    assert (model.predict(table[["day", "member", "city", "age"]]) == right).all()
    assert (model.predict(table.assign(extra=1)) == right).all()
    assert np.isfinite(model.predict(table.assign(city="Lund", age=np.nan))).all()
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert (model.predict(table.to_numpy(object)) == right).all()
    with pytest.raises(ValueError, match="missing: 'age'.*'years'"):
        model.predict(table.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="'age'"):
        model.predict(table.assign(age="old"))
    with pytest.raises(ValueError, match="X has 2 features, but TabularRegressor is expecting 3"):
        TabularRegressor(**SMALL).fit(np.ones((9, 3)) * np.arange(9)[:, None], np.arange(9.0)).predict(np.ones((1, 2)))


def test_rows_without_a_target_or_weight_are_left_out():
    table, income, level = people()
    for kind, y in ((TabularRegressor, income.astype(object)), (TabularClassifier, level.astype(object))):
        gaps = y.copy()
        gaps[:20] = None
        model = kind(**SMALL).fit(table, gaps)
        assert model.n_rows_without_target_ == 20
        right = kind(**SMALL).fit(table[20:], y[20:])
        assert (model.predict(table) == right.predict(table)).all()
        weights = np.ones(len(y))
        weights[:20] = 0
        weighed = kind(**SMALL).fit(table, y, sample_weight=weights)
        np.testing.assert_allclose(weighed.loss_curve_, right.loss_curve_, rtol=1e-5)


def test_weights_draw_predictions_to_their_rows():
    X, y = np.zeros((80, 1)), np.tile([0.0, 1.0], 40)
    X[:, 0] = np.arange(80) % 7
    found = TabularRegressor(hidden_layer_sizes=(16,), n_epochs=60, random_state=0, validation_fraction=0.0)
    plain, weighed = (clone(found).fit(X, y, w).predict(X).mean() for w in (None, np.where(y == 1, 9.0, 1.0)))
    assert plain == pytest.approx(0.5, abs=0.1) and weighed == pytest.approx(0.9, abs=0.1)


def test_the_same_seed_gives_the_same_bits_on_any_threads():
    table, _, level = people()
    found = [TabularClassifier(**SMALL, n_threads=n, n_folds=folds).fit(table, level).predict_proba(table)
             for folds in (None, 3) for n in (1, 2, None)]  # fmt: skip
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    assert found[3].tobytes() == found[4].tobytes() == found[5].tobytes()
    assert found[0].tobytes() != found[3].tobytes()


def test_folds_are_averaged():
    table, income, level = people()
    model = TabularClassifier(**SMALL, n_folds=3).fit(table, level)
    each = [member.outputs(table, True) for member in model.members_]
    assert len(each) == 3
    np.testing.assert_allclose(model.predict_proba(table), np.mean(each, axis=0), rtol=1e-12)
    numbers = TabularRegressor(**SMALL, n_folds=2).fit(table, income)
    each = [member.outputs(table, False)[:, 0] for member in numbers.members_]
    np.testing.assert_allclose(numbers.predict(table), np.mean(each, axis=0), rtol=1e-12)


def test_rows_given_to_validate_choose_the_epoch():
    table, income, _ = people(200)
    model = TabularRegressor(**SMALL).fit(table[:150], income[:150], X_val=table[150:], y_val=income[150:])
    errors = model.validation_errors_ * model.members_[0].deviation
    error = np.sqrt(np.mean((model.predict(table[150:]) - income[150:]) ** 2))
    assert error == pytest.approx(errors[model.best_epoch_ - 1], rel=1e-4) == pytest.approx(errors.min(), rel=1e-4)


def test_every_part_is_a_parameter():
    table, _, level = people()
    settings = {"activation": "relu", "learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6,
                "label_smoothing": 0.0, "scaling_layer": False, "parametrization": "standard", "bias_rate": 1.0,
                "scale_rate": 1.0, "waves": 2, "stop_after_wave": True, "validation_fraction": 0.3,
                "max_categories": 5, "dtype": "float64"}  # fmt: skip
    base = TabularClassifier(**SMALL).fit(table, level).predict_proba(table)
    for name, value in settings.items():
        model = TabularClassifier(**SMALL | {name: value})
        assert model.get_params()[name] == value and clone(model).get_params() == model.get_params()
        found = model.fit(table, level).predict_proba(table)
        same = name in ("max_categories", "stop_after_wave")
        assert same or found.tobytes() != base.tobytes(), name


@pytest.mark.parametrize("settings", [{}, {"n_folds": 2}, {"n_members": 2}])
def test_one_class_is_predicted_everywhere_as_by_scikit_learn(settings, tmp_path):
    table = pandas.DataFrame({"a": range(40), "b": list("wxyz") * 10})
    model = TabularClassifier(n_epochs=2, random_state=0, **settings).fit(table, ["only"] * 40)
    model.save(tmp_path / "model.safetensors")
    for each in model, fastbp.load(tmp_path / "model.safetensors"):
        assert each.predict(table).tolist() == ["only"] * 40
        assert each.predict_proba(table).tolist() == [[1.0]] * 40


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "change", "error", "message"),
    [
        (TabularClassifier, {"y": list(map(str, range(120)))}, ValueError, "120 rows of 120 different classes"),
        (TabularClassifier, {"y": None}, ValueError, "target y is None"),
        (TabularRegressor, {"y": ["text"] * 120}, ValueError, "y must hold numbers, got 'text'"),
        (TabularRegressor, {"y": [np.inf] + [1.0] * 119}, ValueError, "infinity"),
        (TabularRegressor, {"y": [None] * 120}, ValueError, "at least one row with a target"),
        (TabularRegressor, {"y": [1.0] * 7}, ValueError, "inconsistent"),
        (TabularRegressor, {"X": pandas.DataFrame({"a": []}), "y": []}, ValueError, "at least one row"),
        (TabularRegressor, {"sample_weight": [0.0] * 120}, ValueError, "one non-zero number|above 0 for some row"),
        (TabularRegressor, {"sample_weight": [-1.0] * 120}, ValueError, "egative"),
        (TabularRegressor, {"X_val": [[1]]}, ValueError, "X_val and y_val must be given together"),
    ],
)
def test_bad_input_is_refused_by_name(kind, change, error, message):
    table, income, level = people()
    given = {"X": table, "y": income if kind is TabularRegressor else level} | change
    model = kind(**SMALL)
    with pytest.raises(error, match=message):
        model.fit(**given)
    assert not hasattr(model, "members_")


def test_settings_are_refused_by_name():
    table, _, level = people()
    for name, value in {"n_epochs": 0, "dtype": "float16", "n_folds": 1, "hidden_layer_sizes": 7, "waves": 0}.items():
        with pytest.raises(ValueError, match=name):
            TabularClassifier(**SMALL | {name: value}).fit(table, level)
    with pytest.raises(ValueError, match="either n_folds or X_val"):
        TabularClassifier(**SMALL, n_folds=2).fit(table, level, X_val=table, y_val=level)
    with pytest.raises(ValueError, match="y_val must hold classes of y, got 'none'"):
        TabularClassifier(**SMALL).fit(table, level, X_val=table[:2], y_val=["none", "low"])
    with pytest.raises(NotFittedError):
        TabularClassifier().predict(table)
    with pytest.warns(DataConversionWarning):
        TabularClassifier(**SMALL).fit(table, level[:, None])


# ---- afterwards ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [None, 2])
def test_files_and_pickles_predict_the_same_bits(tmp_path, folds):
    table, income, level = people()
    for kind, y in ((TabularClassifier, level), (TabularRegressor, income), (TabularClassifier, level == "low")):
        model = kind(**SMALL, n_folds=folds).fit(table, y)
        model.save(tmp_path / "table.safetensors")
        loaded = fastbp.load(tmp_path / "table.safetensors")
        assert (loaded.predict(table) == model.predict(table)).all()
        assert loaded.predict(table).dtype == model.predict(table).dtype
        assert str(loaded.columns) == str(model.columns_)
        again = pickle.loads(pickle.dumps(model))
        assert (again.predict(table) == model.predict(table)).all()
        if kind is TabularClassifier:
            assert loaded.predict_proba(table).tobytes() == model.predict_proba(table).tobytes()
        loaded.save(tmp_path / "again.safetensors")
        assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "table.safetensors").read_bytes()


def test_damaged_files_are_refused(tmp_path):
    table, income, _ = people()
    path = tmp_path / "table.safetensors"
    TabularRegressor(**SMALL).fit(table, income).save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(whole), 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            fastbp.load(path)


def test_scikit_learns_inspection_works():
    table, income, _ = people(200)
    model = TabularRegressor(hidden_layer_sizes=(64, 64), n_epochs=60, random_state=0).fit(table, income)
    theirs = permutation_importance(model, table, income, n_repeats=2, random_state=0)
    assert theirs.importances_mean.argmax() == 0
    drawn = partial_dependence(model, table.assign(age=table["age"].fillna(50)), ["age"], grid_resolution=5)
    assert (np.diff(drawn["average"][0]) > 0).all()
    trained = fastbp.tabular.model.TableModel(model.members_, None)
    ours = importance.importance(trained, table, income)
    assert ours.shape == (4,) and ours.argmax() == 0 and ours[0] > 5


@pytest.mark.skipif("FASTBP_TABLES" not in os.environ, reason="FASTBP_TABLES names no folder of tables")
def test_real_tables_are_learned():
    folder = Path(os.environ["FASTBP_TABLES"])
    for name, target, least in (("attrition", "Attrition", 0.83), ("concrete", "compressive_strength", 0.8)):
        table = pandas.read_csv(folder / f"{name}.csv.gz")
        y = table.pop(target)
        kind = TabularClassifier if name == "attrition" else TabularRegressor
        train = np.random.default_rng(0).random(len(y)) < 0.75
        model = kind(n_epochs=64, random_state=0).fit(table[train], y[train])
        assert model.score(table[~train], y[~train]) > least
