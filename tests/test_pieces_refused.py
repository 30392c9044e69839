"""Sources that can't be used: one error names the piece and the row, and the model keeps its last whole step."""

import threading
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp.data import Pieces

random = np.random.default_rng(5)
X = random.standard_normal((300, 5)).astype("float32")
y = (X @ random.standard_normal((5, 3))).argmax(axis=1)
SETTINGS = {"epochs": 2, "batch_size": 20, "shuffle": False, "verbose": 0}
MEMORY = 2 * 60 * 36  # blocks of three minibatches


def model():
    return fastbp.Model([5, 8, 3], seed=0)


def pieces(change=lambda number, X, y: (X, y)):
    """A function that gives pieces of 50 rows, changed."""

    def given():
        for number, at in enumerate(range(0, 300, 50)):
            yield change(number, X[at : at + 50].copy(), y[at : at + 50].copy())

    return Pieces(given, memory=MEMORY)


def bits(net):
    state = net.get_state()
    return state["parameters"].tobytes(), state["steps"]


def at_piece_4(change):
    return lambda number, X, y: change(X, y) if number == 4 else (X, y)


def with_nan(X, y):
    X[13, 2] = np.nan
    return X, y


def with_a_wrong_label(X, y):
    y[7] = 3
    return X, y


def raising(X, y):
    raise RuntimeError("the network is down")


WRONG = {
    "empty": (lambda X, y: (X[:0], y[:0]), "given: piece 4: X has no rows", 180),
    "columns": (lambda X, y: (X[:, :4], y), "given: piece 4: X must have 5 columns.*got 4", 180),
    "dtype": (lambda X, y: (X.astype(float), y), "piece 4: X must hold float32 as the pieces before, got float64", 180),
    "text": (lambda X, y: (X.astype(str), y), "piece 4: X must hold real numbers", 180),
    "nan": (with_nan, "X must hold finite numbers.*got nan in row 13 of given: piece 4, column 2", 200),
    "label": (with_a_wrong_label, "piece 4: y must hold class numbers, .*got 3 in row 7", 180),
    "length": (lambda X, y: (X, y[:9]), r"piece 4: y must have shape \(50,\)", 180),
    "weights": (lambda X, y: (X, y, y), "piece 4: the piece has weights of rows, those before have none", 180),
    "no y": (lambda X, y: X, "piece 4: y is missing; a piece must be a pair", 180),
    "many": (lambda X, y: (X, y, y, y), "piece 4: must be X, a pair.*got a tuple of 4", 180),
    "raises": (raising, "given: piece 4: raised RuntimeError: the network is down", 180),
}


@pytest.mark.parametrize("change, message, rows", WRONG.values(), ids=WRONG)
def test_a_wrong_piece_is_named_and_the_steps_before_are_kept(change, message, rows):
    net, expected = model(), model()
    steps = rows // 20
    with pytest.raises(ValueError, match=f"{message}.*The model keeps the {steps} steps before it$"):
        net.fit(pieces(at_piece_4(change)), **SETTINGS)
    expected.fit(X[:rows], y[:rows], **SETTINGS | {"epochs": 1})
    assert bits(net) == bits(expected)
    net.fit(X, y, **SETTINGS)  # and can go on
    assert not [thread for thread in threading.enumerate() if thread.name == "fastbp reads ahead"]


def test_a_wrong_first_piece_changes_nothing():
    net = model()
    before = net.get_state()
    with pytest.raises(ValueError, match="piece 0: X must have 5 columns.*got 4") as raised:
        net.fit(pieces(lambda number, X, y: (X[:, :4], y)), **SETTINGS | {"shuffle": True})
    assert "keeps" not in str(raised.value)
    after = net.get_state()
    assert after["random"] == before["random"] and (after["parameters"] == before["parameters"]).all()


def test_an_iterator_that_raises_in_a_later_epoch_keeps_the_epochs_before():
    epochs = []

    def given():
        epochs.append(1)
        yield X[:100], y[:100]
        if len(epochs) == 2:
            raise OSError("gone")
        yield X[100:], y[100:]

    net, expected = model(), model()
    with pytest.raises(ValueError, match="given: piece 1: raised OSError: gone.*keeps the 18 steps"):
        net.fit(Pieces(given, memory=MEMORY), **SETTINGS)
    expected.fit(X, y, **SETTINGS | {"epochs": 1})
    expected.fit(X[:60], y[:60], **SETTINGS | {"epochs": 1})
    assert bits(net) == bits(expected)


def test_what_gives_its_rows_once_only_is_refused():
    once = iter([(X, y)])
    with pytest.raises(ValueError, match="gave the same iterator as before, which is used up"):
        model().fit(lambda: once, **SETTINGS)
    with pytest.raises(TypeError, match="X is a generator, which gives its rows once only; give a function"):
        model().fit((pair for pair in [(X, y)]), **SETTINGS)
    with pytest.raises(TypeError, match="given must be a function .*got list_iterator; it gives its pieces once only"):
        Pieces(iter([(X, y)]))
    left = [[(X, y)], []]
    with pytest.raises(ValueError, match="gave no piece; it must give a fresh iterator each time.*keeps the 15 steps"):
        model().fit(lambda: left.pop(0), **SETTINGS)
    with pytest.raises(ValueError, match="raised TypeError: 'int' object is not iterable"):
        model().fit(lambda: 3, **SETTINGS)


def test_arguments_that_do_not_go_with_a_source_are_named():
    for more, message in (
        ({"sample_weight": np.ones(300)}, "sample_weight must be left out where X is a source"),
        ({"validation_split": 0.2}, "validation_split is for arrays; of a source, give validation_data a source"),
    ):
        with pytest.raises(ValueError, match=message):
            model().fit(pieces(), **SETTINGS, **more)
    for call in (model().fit, model().evaluate):
        with pytest.raises(ValueError, match="y must be left out where X is a source, which brings it"):
            call(pieces(), y)
        with pytest.raises(TypeError, match="y must be given where X is an array"):
            call(X)
        for path in ("rows.csv", Path("rows.csv")):
            with pytest.raises(TypeError, match=r"got a path: give fastbp.data.Csv\(path, target="):
                call(path)
    for call in (model().score, model().gradients, model().diagnose):
        with pytest.raises(TypeError, match="X must be an array here, not a source of rows; fit, evaluate and predict"):
            call(pieces(), y)
    with pytest.raises(ValueError, match="rows must be at least 1"):
        Pieces(lambda: [], rows=0)


def test_a_number_of_rows_that_is_not_theirs_is_refused():
    def given():
        yield X[:100], y[:100]

    for rows in (99, 101):
        with pytest.raises(ValueError, match=f"X: rows must be how many the source has, got {rows}, it has 100"):
            model().fit(Pieces(given, rows=rows), **SETTINGS)


def test_errors_on_rows_to_validate_on_name_their_argument():
    def short():
        yield X[:100, :2], y[:100]

    for given, words in (
        (lambda: 3, "<lambda>: raised TypeError: 'int' object is not iterable"),
        (short, "short: piece 0: X must have 5 columns"),
        (Pieces(lambda: iter([(X[:9], y[:9])]), rows=10), "rows must be how many the source has"),
    ):
        with pytest.raises(ValueError, match=f"^validation_data: {words}"):
            model().fit(X, y, validation_data=given, epochs=1, verbose=0)


def test_sparse_pieces_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="piece 0: X must be dense in a source"):
        model().fit(pieces(lambda number, X, y: (sparse.csr_array(X), y)), **SETTINGS)


def test_weights_must_not_all_be_zero():
    zeros = np.zeros(50)
    with pytest.raises(ValueError, match="X: weights must not be zero for all rows"):
        model().fit(pieces(lambda number, X, y: (X, y, zeros)), **SETTINGS)
    with pytest.raises(ValueError, match="weights must not be zero for all rows"):
        model().evaluate(pieces(lambda number, X, y: (X, y, zeros)))
    some = pieces(lambda number, X, y: (X, y, zeros + (number == 3)))
    part = slice(150, 200)
    assert model().evaluate(some) == pytest.approx(model().evaluate(X[part], y[part]))


def test_validation_pieces_are_named_too():
    net, expected = model(), model()
    with pytest.raises(ValueError, match="validation_data must hold finite.*row 13 of given: piece 4.*15 steps"):
        net.fit(X, y, validation_data=pieces(at_piece_4(with_nan)), **SETTINGS)
    expected.fit(X, y, **SETTINGS | {"epochs": 1})
    assert bits(net) == bits(expected)


def test_a_row_beyond_trained_scales_is_named_by_its_piece():
    net = fastbp.Model([5, 3], scaling_layer=True, seed=0)
    net.scales[2] = 1e30
    big = X.copy()
    big[70, 2] = 1e10
    given = pieces(lambda number, X, y: (big[number * 50 : number * 50 + 50], y))
    for call in (net.evaluate, net.predict):
        with pytest.raises(ValueError, match="times the trained scales.*row 20 of given: piece 1, column 2"):
            call(given)


def test_a_level_that_is_not_embedded_is_named_by_its_piece():
    from fastbp.embeddings import Embedding

    net = fastbp.Model([5, 3], embedding=Embedding(categories={0: 4}), seed=0)
    levels = pieces(lambda number, X, y: (np.abs(X).round() + 3 * (number == 2), y))
    with pytest.raises(ValueError, match="given: piece .: X must hold whole numbers from 0 to 3 in column 0"):
        net.fit(levels, **SETTINGS)
