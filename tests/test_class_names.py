"""Class names instead of class numbers: taken in y, given back by predict; score; hints for the usual mistakes of y."""

import numpy as np
import pytest

import fastbp

NAMES = ["cat", "dog", "owl"]
RNG = np.random.default_rng(6)
X = RNG.standard_normal((60, 4))
NUMBERS = np.abs(X[:, :3]).argmax(1)
WORDS = [NAMES[c] for c in NUMBERS]


def model(**settings):
    return fastbp.Model([4, 9, 3], **{"seed": 2, "class_names": NAMES, **settings})


def in_pandas(words):
    return pytest.importorskip("pandas").Series(words)


def categorical(words):
    return pytest.importorskip("pandas").Series(words, dtype="category")


def one_column(words):
    return pytest.importorskip("pandas").DataFrame({"kind": words})


def in_polars(words):
    return pytest.importorskip("polars").Series(words)


def in_arrow(words):
    return pytest.importorskip("pyarrow").array(words)


def bits(m):
    return m.get_state()["parameters"].tobytes()


KINDS = [list, tuple, np.array, lambda w: np.array(w, object), in_pandas, categorical, one_column, in_polars, in_arrow]


@pytest.mark.parametrize("kind", KINDS)
def test_names_train_as_their_numbers_do(kind):
    one, other, history = model(), model(), {}
    for m, y in (one, kind(WORDS)), (other, NUMBERS):
        validation, weight = (X[:20], y[:20]), "balanced"
        history[m] = m.fit(X, y, epochs=2, verbose=0, validation_data=validation, class_weight=weight)
    assert bits(one) == bits(other) and history[one].val_loss == history[other].val_loss
    assert one.evaluate(X, kind(WORDS)) == other.evaluate(X, NUMBERS)
    assert one.gradients(X, kind(WORDS))[0] == other.gradients(X, NUMBERS)[0]


def test_predictions_are_names():
    m = model()
    m.fit(X, WORDS, epochs=3, verbose=0)
    predicted = m.predict(X)
    assert predicted.tolist() == [NAMES[c] for c in m.predict_proba(X).argmax(1)]
    assert m.score(X, WORDS) == m.score(X, NUMBERS) == np.mean(predicted == WORDS)
    assert model(class_names=None).predict(X).dtype == np.int64
    odd = model(class_names=["a", "a\0", "b"])
    assert set(odd.predict(X).tolist()) <= {"a", "a\0", "b"} and odd.predict(X).dtype == object


def test_one_output_of_yes_and_no_takes_two_names(tmp_path):
    yes = X[:, 0] > 0
    words = np.where(yes, "yes", "no")
    settings = {"loss": "binary_cross_entropy", "seed": 2}
    one, other = fastbp.Model([4, 9, 1], class_names=["no", "yes"], **settings), fastbp.Model([4, 9, 1], **settings)
    one.fit(X, words, epochs=20, batch_size=8, verbose=0)
    other.fit(X, yes, epochs=20, batch_size=8, verbose=0)
    assert bits(one) == bits(other)
    assert one.predict(X).tolist() == np.where(other.predict(X) == 1, "yes", "no").tolist()
    assert one.score(X, words) == other.score(X, yes) > 0.9
    one.save(tmp_path / "model")
    assert fastbp.load(tmp_path / "model").predict(X).tolist() == one.predict(X).tolist()
    given = fastbp.Model([4, 1], class_names=(name for name in ("no", "yes")), **settings)
    assert given.class_names == ["no", "yes"]
    for given in ({}, {"loss": "crossentropy"}, {"loss": "cross_entropy", "label_smoothing": 0.1}):
        with pytest.raises(ValueError, match="layer_sizes must end in .* at least 2, .* loss 'binary_cross_entropy'"):
            fastbp.Model([4, 9, 1], **given)
    for asked in ({"loss": fastbp.losses.CrossEntropy()}, {"class_names": ["only"]}):
        model = fastbp.Model([4, 1], **asked)
        model.save(tmp_path / "model")
        assert fastbp.Model(**model.get_config()).layer_sizes == fastbp.load(tmp_path / "model").layer_sizes == (4, 1)
    named = fastbp.Model([4, 1], class_names=["yes"], **settings)  # the name of the output
    assert named.predict(X).dtype == np.int64
    with pytest.raises(ValueError, match="class_names must hold 1 different names, got 3"):
        fastbp.Model([4, 1], class_names=["a", "b", "c"], **settings)


def test_weights_of_classes_by_name():
    one, other = model(), model()
    one.fit(X, WORDS, epochs=2, verbose=0, class_weight={"owl": 3.0, 0: 0.5})
    other.fit(X, NUMBERS, epochs=2, verbose=0, class_weight={2: 3.0, 0: 0.5})
    assert bits(one) == bits(other)
    with pytest.raises(ValueError, match="class_weight must name classes, got 'cats' - did you mean 'cat'"):
        one.fit(X, WORDS, class_weight={"cats": 1.0})


def test_names_that_are_not_known_change_nothing():
    m, before = model(), bits(model())
    for wrong, message in (
        ("owls", "y must hold class_names, 'cat', 'dog', 'owl', got 'owls' in row 7 - did you mean 'owl'"),
        (None, "got None in row 7"),
        ("Cat", "got 'Cat' in row 7 - did you mean 'cat'"),
    ):
        y = np.array(WORDS, object)
        y[7] = wrong
        for call in m.fit, m.evaluate, m.score, m.diagnose, m.gradients:
            with pytest.raises(ValueError, match=message):
                call(X, y)
    with pytest.raises(ValueError, match="validation y must hold class_names"):
        m.fit(X, WORDS, validation_data=(X, ["owls"] * 60))
    with pytest.raises(TypeError, match=r"number the classes .* or Model\(class_names"):
        model(class_names=None).fit(X, WORDS)
    assert bits(m) == before


def test_tools_take_names():
    m, out = model(), []
    for y in WORDS, NUMBERS:
        found = fastbp.find_learning_rate(m, X, y, batch_size=16)
        out.append([found.losses.tolist(), m.diagnose(X, y).loss])
    assert out[0] == out[1]


def test_plots_take_names():
    pytest.importorskip("matplotlib")
    from fastbp import plot
    from fastbp.plot import confusing, descending

    m = model()
    assert (confusing.confusion_counts(m, X, WORDS) == confusing.confusion_counts(m, X, NUMBERS)).all()
    paths = [descending.train_path(m, X, y, 2, 0.1, 8, 0) for y in (WORDS, NUMBERS)]
    assert (paths[0] == paths[1]).all() and plot.confusion


# ---- score


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_score_of_numbers_is_r2(weighted, outputs):
    metrics = pytest.importorskip("sklearn.metrics")
    m = fastbp.Model([4, 9, outputs], loss="squared_error", seed=0, dtype="float64")
    y, w = X[:, :outputs] ** 2, RNG.uniform(0, 2, 60) if weighted else None
    m.fit(X, y, epochs=3, verbose=0)
    expected = metrics.r2_score(y, m.predict(X).reshape(60, outputs), sample_weight=w)
    assert m.score(X, y, w) == pytest.approx(expected, rel=1e-12)


def test_score_at_the_edges():
    m = fastbp.Model([4, 1], loss="squared_error", dtype="float64", seed=0)
    ((W, b),) = m.parameters
    W[...], b[...] = 0, 2
    assert m.score(X, np.full(60, 2.0)) == 1 and m.score(X, np.full(60, 3.0)) == 0 and m.score(X, [1, 3] * 30) == 0
    assert np.isnan(m.score(X[:1], [2.0]))


def test_score_of_classes_is_the_weighted_accuracy():
    m, w = model(), RNG.uniform(0, 2, 60)
    right = m.predict(X) == WORDS
    assert m.score(X, WORDS) == m.evaluate(X, WORDS)["accuracy"] == right.mean()
    assert m.score(X, WORDS, w) == pytest.approx(w @ right / w.sum())
    several = fastbp.Model([4, 3], loss="binary_cross_entropy", seed=0)
    y = X[:, :3] > 0
    assert several.score(X, y) == (several.predict(X) == y).all(1).mean() == several.evaluate(X, y)["accuracy"]


# ---- hints


@pytest.mark.parametrize(
    ("outputs", "loss", "y", "hint"),
    [
        (1, "cross_entropy", [0, 1, 1], "one output tells 0 from 1 with loss 'binary_cross_entropy'"),
        (1, "cross_entropy", [0.5, 1, 2], "'binary_cross_entropy', and for numbers use loss 'squared_error'"),
        (3, "cross_entropy", [0.5, 1, 2], "for numbers use loss 'squared_error'"),
        (3, "cross_entropy", [1, 2, 3], "y - 1 begins at 0"),
        (2, "cross_entropy", [-1, 1, 1], r"\(y \+ 1\) // 2 makes 0 and 1"),
        (2, "cross_entropy", [0, 1, 2], "the last layer size, 2, is the number of classes"),
        (3, "cross_entropy", [[0], [1], [2]], r"y.ravel\(\) has it"),
        (3, "cross_entropy", np.eye(3), r"not one-hot rows: y.argmax\(axis=1\)"),
        (1, "binary_cross_entropy", [-1, 1, 1], r"\(y \+ 1\) / 2 makes 0 and 1"),
        (1, "binary_cross_entropy", [0, 1, 2], "for class numbers use loss 'cross_entropy'"),
        (1, "binary_cross_entropy", [0, 0.5, -2], "for numbers use loss 'squared_error'"),
        (3, "binary_cross_entropy", [0, 1, 2], "for one class number a row use loss 'cross_entropy'"),
    ],
)
def test_errors_about_y_say_what_helps(outputs, loss, y, hint):
    with pytest.raises(ValueError, match=hint):
        fastbp.Model([4, outputs], loss=loss).fit(X[:3], y)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_errors_about_y_that_is_not_finite_suggest_nothing_wrong(bad):
    for loss in "cross_entropy", "binary_cross_entropy":
        with pytest.raises(ValueError, match="in row 1[^;]*$"):
            fastbp.Model([4, 2 if loss == "cross_entropy" else 1], loss=loss).fit(X[:3], [0, bad, 1])


@pytest.mark.parametrize("odd", [["dog"], {}, np.array([1])], ids=repr)
def test_what_is_no_name_among_names_is_refused_by_its_row(odd):
    with pytest.raises(ValueError, match=r"y must hold class_names, 'cat', 'dog', 'owl', got .* in row 1"):
        model().fit(X[:3], ["cat", odd, "owl"], verbose=0)
