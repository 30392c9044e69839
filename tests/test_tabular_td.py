"""The estimators by recipe="td": what is embedded, files, threads, its parts, and what is refused."""

import numpy as np
import pytest

import fastbp

pytest.importorskip("narwhals")
pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

from fastbp.sklearn import TabularClassifier, TabularRegressor  # noqa: E402

SMALL = {"hidden_layer_sizes": (16, 9), "n_epochs": 6, "batch_size": 32, "random_state": 0}


def table(rows=150):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(40, 10, rows), "town": rng.choice(list("abcdefghijkl"), rows)})
    X["kind"], X["more"] = rng.choice(["x", "y", "z"], rows), rng.exponential(1, rows)
    X.loc[::7, "more"] = np.nan
    return X, X["age"] + 10 * (X["town"] < "d") + rng.normal(0, 1, rows)


def test_numbers_and_large_categories_are_embedded(tmp_path):
    X, y = table()
    model = TabularClassifier(recipe="td", **SMALL).fit(X, np.where(y > 40, "old", "young"))
    network = model.members_[0].model
    assert [*network.network.embedding.numbers] == [0, 4] and network.network.embedding.categories == ((6, 13),)
    assert network.feature_names[-1] == "town" and str(network.network.activations[0]) == "blended_selu"
    odd = pd.DataFrame({"age": [40.0], "town": ["nowhere"], "kind": [None], "more": [np.nan]})
    path = tmp_path / "model.safetensors"
    model.save(path)
    for rows in (X, odd):
        found = model.predict_proba(rows)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        np.testing.assert_array_equal(fastbp.load(path).predict_proba(rows), found)
    with pytest.raises((ValueError, ImportError), match="embeds columns|needs onnx"):  # where that is not installed
        model.to_onnx(tmp_path / "model.onnx")


def test_numbers_stay_within_the_range_of_y(tmp_path):
    X, y = table()
    model = TabularRegressor(recipe="td", validation_fraction=0.0, **SMALL).fit(X, y)
    far = X.assign(age=X["age"] * 100)
    assert model.predict(far).min() >= y.min() and model.predict(far).max() <= y.max()
    free = TabularRegressor(recipe="td", validation_fraction=0.0, clip_outputs=False, **SMALL).fit(X, y)
    np.testing.assert_array_equal(model.predict(far), np.clip(free.predict(far), y.min(), y.max()))
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(fastbp.load(tmp_path / "model.safetensors").predict(far), model.predict(far))


def test_the_epoch_is_chosen_by_clipped_numbers():
    X, y = table()
    model = TabularRegressor(recipe="td", **SMALL).fit(X, y, X_val=X[:30], y_val=y[:30])
    assert len(model.validation_errors_) == 6 and model.best_epoch_ == 6 - np.argmin(model.validation_errors_[::-1])
    member = model.members_[0]
    found = np.sqrt(np.mean((model.predict(X[:30]) - y[:30]) ** 2)) / member.deviation
    assert found == pytest.approx(model.validation_errors_.min(), rel=1e-4)


def test_without_its_parts_it_is_td_s():
    X, y = table()
    off = {"activation": "selu", "dropout": 0.0, "weight_decay": 0.0, "number_embedding": False}
    off |= {"embed_above": 1000, "first_weights": "normal"}
    both = [TabularClassifier(**SMALL, **given).fit(X, y > 40) for given in ({"recipe": "td"} | off, {})]
    assert both[0].predict_proba(X).tobytes() == both[1].predict_proba(X).tobytes()


@pytest.mark.parametrize("off", [{"dropout": 0.0}, {"weight_decay": 0.0}, {"hidden_layer_sizes": ()}])
def test_what_is_left_out_is_not_scheduled(off):
    X, y = table()
    model = TabularRegressor(recipe="td", **SMALL | {"n_epochs": 2} | off).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_the_same_bits_for_any_number_of_threads():
    X, y = table()
    found = [TabularRegressor(recipe="td", n_threads=n, **SMALL).fit(X, y).predict(X).tobytes() for n in (1, 2)]
    assert found[0] == found[1]


def test_folds_are_averaged():
    X, y = table(60)
    model = TabularRegressor(recipe="td", n_folds=2, **SMALL | {"n_epochs": 2}).fit(X, y)
    assert len(model.members_) == 2 and np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("given", "told"),
    [({"recipe": "tds"}, "'recipe'"), ({"n_members": 2}, "n_members must be 1"), ({"dropout": 1.0}, "'dropout'")],
)
def test_bad_settings_are_refused_by_name(given, told):
    X, y = table(30)
    with pytest.raises(ValueError, match=told):
        TabularRegressor(**{"recipe": "td"} | given).fit(X, y)
