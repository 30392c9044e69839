"""SciPy's sparse arrays train and predict the bits of the dense ones."""

import numpy as np
import pytest

import fastbp
from fastbp.data import frames

sparse = pytest.importorskip("scipy.sparse")
KERNELS = pytest.mark.parametrize("kernels", ["fast", "elementwise"])


@pytest.fixture
def X(rng):
    return np.where(rng.random((70, 6)) < 0.3, rng.integers(-9, 9, (70, 6)), 0).astype(float)


def forms(X):
    yield from (kind(X) for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix))
    indices, rows = np.tile(np.arange(X.shape[1]), len(X)), np.arange(len(X) + 1) * X.shape[1]
    yield sparse.csr_array((X.ravel(), indices, rows), X.shape)  # its zeros are written out
    halves, twice = np.repeat(X.ravel() / 2, 2), np.repeat(indices, 2)
    yield sparse.csr_array((halves, twice, 2 * rows), X.shape)  # each entry is given twice
    yield sparse.csr_array((X[:, ::-1].ravel(), indices[::-1].copy(), rows), X.shape)  # columns out of order


def said(X, y, kernels, **settings):
    model = fastbp.Model([6, 9, 3], seed=1, kernels=kernels, **settings)
    history = model.fit(X, y, epochs=2, batch_size=16, verbose=0, validation_split=0.25)
    E, gradients = model.gradients(X, y)
    one = X.tocsr()[4:5] if sparse.issparse(X) else X[4:5]
    out = [history.loss, history.val_loss, model.predict_proba(X), model.predict(X), model.predict_proba(one), E]
    out += [*model.evaluate(X, y).values(), *(a for layer in [*gradients, *model.parameters] for a in layer)]
    return b"".join(np.asarray(part).tobytes() for part in out)


@KERNELS
@pytest.mark.parametrize("scaled", [{}, {"input_shift": 0.5, "input_scale": [1, 2, 3, 4, 5, 6]}])
def test_sparse_is_the_dense_array_of_its_values(X, rng, kernels, scaled):
    y = rng.integers(0, 3, len(X))
    expected = said(X, y, kernels, **scaled)
    for form in forms(X):
        before = form.data.copy(), form.dtype
        assert said(form, y, kernels, **scaled) == expected, repr(form)
        assert np.array_equal(form.data, before[0])


@KERNELS
@pytest.mark.parametrize("kind", ["int8", "uint8", "int64", "bool", "float32"])
def test_every_dtype(X, rng, kernels, kind):
    y, X = rng.integers(0, 3, len(X)), X.astype(kind)
    assert said(sparse.csr_array(X), y, kernels) == said(X, y, kernels)


@KERNELS
def test_one_row_and_rows_without_entries(rng, kernels):
    model = fastbp.Model([6, 3], seed=1, kernels=kernels)
    zeros = sparse.csr_array((40, 6))
    np.testing.assert_array_equal(model.predict_proba(zeros), model.predict_proba(np.zeros((40, 6))))
    np.testing.assert_array_equal(model.predict_proba(zeros[:1]), model.predict_proba(np.zeros((1, 6))))
    model.fit(zeros[:1], [2], epochs=1, verbose=0)


@KERNELS
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("rows", [2, 70])
def test_no_finite_number_is_named_and_changes_nothing(X, kernels, bad, rows):
    X = X[:rows].copy()
    X[1, 3] = bad
    model = fastbp.Model([6, 3], seed=1, kernels=kernels)
    before = model.get_state()["parameters"]
    for call in (
        lambda: model.fit(sparse.csr_array(X), np.zeros(rows, int), shuffle=False, verbose=0),
        lambda: model.predict(sparse.csc_matrix(X)),
        lambda: model.evaluate(sparse.csr_array(X), np.zeros(rows, int)),
        lambda: model.gradients(sparse.csr_array(X), np.zeros(rows, int)),
    ):
        with pytest.raises(ValueError, match="X must hold finite numbers within float32, got .* in row 1, column 3"):
            call()
    assert np.array_equal(before, model.get_state()["parameters"])


def test_what_is_refused(X):
    model = fastbp.Model([6, 3])
    for wrong, error, message in (
        (sparse.csr_array(X[:0]), ValueError, "no rows"),
        (sparse.csr_array(X[:, :5]), ValueError, "must have 6 columns"),
        (sparse.csr_array(X * 1j), TypeError, "real numbers, got a sparse array of dtype complex128"),
        (sparse.lil_array(X), TypeError, r"'csr', 'csc' or 'coo', got 'lil'; use X\.tocsr\(\)"),
        (sparse.dok_matrix(X), TypeError, "got 'dok'"),
        (sparse.coo_array(X[0]), ValueError, r"two dimensions, got a sparse array of shape \(6,\)"),
    ):
        with pytest.raises(error, match=message):
            model.predict(wrong)


def test_rows_are_made_dense_where_they_are_picked_and_nowhere_else(monkeypatch):
    tall = sparse.random_array((20_000, 500), density=0.001, format="csr", rng=1)
    most, toarray = [0], frames.SparseRows.toarray
    monkeypatch.setattr(frames.SparseRows, "toarray", lambda self: most.append(self.shape[0]) or toarray(self))
    model = fastbp.Model([500, 2], seed=1)
    model.fit(tall, np.zeros(20_000, int), epochs=1, verbose=0, validation_split=0.5)
    model.predict(tall)
    assert max(most) <= 4_000  # of 2,000 bytes each
