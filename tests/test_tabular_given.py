"""What the tabular estimators are given: names of columns, weights of rows that validate, and targets with gaps."""

import warnings

import numpy as np
import pytest

pytest.importorskip("narwhals")
pytest.importorskip("sklearn")
pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")

from fastbp.sklearn import TabularClassifier, TabularRegressor  # noqa: E402

SMALL = {"hidden_layer_sizes": (8,), "n_epochs": 6, "batch_size": 16, "random_state": 0}
X = np.random.default_rng(0).standard_normal((60, 2))
Y = (X[:, 0] > 0).astype(int)


def test_columns_with_names_are_taken_by_place_after_an_array_with_a_warning():
    model = TabularClassifier(**SMALL).fit(X, Y)
    named = pandas.DataFrame(X, columns=["b", "a"])
    for frame in named, polars.DataFrame(named):
        with pytest.warns(UserWarning, match="X has feature names, but TabularClassifier was fitted without") as told:
            found = model.predict_proba(frame)
        assert len(told) == 1 and told[0].filename == __file__
        assert np.array_equal(found, model.predict_proba(X))
    assert np.array_equal(model.predict_proba(pandas.DataFrame(X)), model.predict_proba(X))  # 0 and 1 are no names
    with pytest.warns(UserWarning, match="X_val has feature names"):
        TabularClassifier(**SMALL).fit(X, Y, X_val=named, y_val=Y)
    with pytest.warns(UserWarning, match="X_val does not have valid feature names"):
        TabularClassifier(**SMALL).fit(named, Y, X_val=X, y_val=Y)


def test_numbers_that_name_columns_find_them_among_others():
    model = TabularClassifier(**SMALL).fit(pandas.DataFrame(X, columns=[5, 7]), Y)
    more = pandas.DataFrame({7: X[:, 1], 6: X[:, 1] * 9, 5: X[:, 0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(model.predict_proba(more), model.predict_proba(X))
    with pytest.raises(ValueError, match="missing: '7'"):
        model.predict(more[[5, 6]])
    with pytest.raises(ValueError, match="X has 3 features, but TabularClassifier is expecting 2"):
        model.predict(np.zeros((4, 3)))


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_weights_of_rows_that_validate_weigh_their_errors(kind):
    train, held, times = X[:40], X[40:], np.resize([1, 2, 0], 20)
    noisy = (np.random.default_rng(1).random(60) > 0.5).astype(int)
    y, y_val = noisy[:40], noisy[40:]
    weighed = kind(**SMALL).fit(train, y, X_val=held, y_val=y_val, sample_weight_val=times)
    repeated = kind(**SMALL).fit(train, y, X_val=np.repeat(held, times, 0), y_val=np.repeat(y_val, times))
    np.testing.assert_allclose(weighed.validation_errors_, repeated.validation_errors_, rtol=1e-5)
    plain = kind(**SMALL).fit(train, y, X_val=held, y_val=y_val)
    assert not np.allclose(weighed.validation_errors_, plain.validation_errors_)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"sample_weight_val": np.ones(60)}, "sample_weight_val must come with X_val and y_val"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": np.ones(3)}, r"sample_weight_val must have shape \(60,\)"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(60)}, "sample_weight_val must not be negative, got -1"),
        (
            {"X_val": X, "y_val": Y, "sample_weight_val": np.zeros(60)},
            "sample_weight_val must have at least one non-ze",
        ),
        ({"X_val": X, "y_val": Y, "sample_weight_val": np.full(60, np.nan)}, "sample_weight_val contains NaN"),
        ({"sample_weight": np.ones(3)}, r"sample_weight must have shape \(60,\)"),
    ],
)
def test_wrong_weights_are_refused_by_name(own, message):
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**SMALL).fit(X, Y, **own)


def test_gaps_in_a_target_leave_the_kind_of_its_classes():
    pyarrow = pytest.importorskip("pyarrow")
    whole, truth = [None, *Y[1:].tolist()], [None, *(Y[1:] > 0).tolist()]
    for values, classes in ((whole, [0, 1]), (truth, [False, True])):
        for y in (
            values, polars.Series(values), pyarrow.array(values), pyarrow.chunked_array([values]),
            pandas.Series(values, dtype="Int64" if values is whole else "boolean"),
        ):  # fmt: skip
            model = TabularClassifier(**SMALL).fit(X, y)
            assert model.n_rows_without_target_ == 1
            assert model.classes_.tolist() == classes and type(model.classes_.tolist()[0]) is type(classes[0])
    numbers = TabularRegressor(**SMALL).fit(X, polars.Series([None, *X[1:, 0]]))
    assert np.array_equal(numbers.predict(X), TabularRegressor(**SMALL).fit(X, [np.nan, *X[1:, 0]]).predict(X))
