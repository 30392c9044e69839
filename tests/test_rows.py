"""One row, read from the model's own parameters, has the bits of the same row among many, for every network."""

import numpy as np
import pytest

import fastbp
from fastbp.execution.rows import FEW_ROWS
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.engine import compilation
from fastbp.kernels.losses import LOSSES

SIZES = [37, 17, 33, 16, 1, 3]


def agree(model, X):
    """Whether predictions of few rows are those of many, and are not made of packed parameters."""
    whole = model._outputs(X)
    for rows in (1, 2, FEW_ROWS):
        for first in (0, 3, len(X) - rows):
            z = np.full((rows, whole.shape[1]), np.nan, model.dtype)
            few = fastbp.data.samples.Samples(X[first : first + rows], model.input_shift, model.input_scale)
            assert model._plan.row_predictor(model._shown.buffer).predict(few, z)
            np.testing.assert_array_equal(z, whole[first : first + rows])
            assert model._outputs(X[first : first + rows]).tobytes() == z.tobytes()  # an array that is read as it is
            assert model._outputs(X[first : first + rows].tolist()).tobytes() == z.tobytes()


@pytest.fixture
def X(rng, dtype):
    return rng.standard_normal((13, 37)).astype(dtype)


def drawn(model, rng):
    """Give all parameters of a model random values, slopes and biases included."""
    for layer in model.parameters:
        for array in layer:
            array[...] = rng.standard_normal(array.shape) / len(array) ** 0.5
    return model


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name, dtype, rng, X):
    agree(drawn(fastbp.Model(SIZES, name, dtype=dtype), rng), X)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name, dtype, rng, X):
    agree(drawn(fastbp.Model(SIZES, ["tanh", "relu", "prelu", "identity"], loss=name, dtype=dtype), rng), X)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_layers_that_are_split_among_threads(n_threads, rng, dtype):
    model = drawn(fastbp.Model([400, 331, 10], "silu", dtype=dtype, n_threads=n_threads, dropout=0.5), rng)
    agree(model, rng.standard_normal((9, 400)).astype(dtype))


def test_a_function_of_the_users(dtype, rng, X):
    own = fastbp.activations.Activation("cube", lambda t: t * t * t, lambda t: 3 * t * t)
    agree(drawn(fastbp.Model(SIZES, own, dtype=dtype), rng), X)


def test_scaled_inputs_and_rows_that_are_not_finite(dtype, rng, X):
    model = drawn(fastbp.Model(SIZES, "elu", dtype=dtype, input_shift=0.5, input_scale=2.0), rng)
    agree(model, X)
    X[1, 5] = np.inf
    with pytest.raises(ValueError, match="row 1, column 5"):
        model.predict(X[:2])


def test_an_array_is_read_as_it_is_only_if_it_is_what_kernels_read(dtype, X):
    model = fastbp.Model(SIZES, dtype=dtype, seed=0)
    few, (right,) = model._plan.row_predictor(model._shown.buffer), model.predict_proba(X[:1])
    assert few.outputs(X[:1]).tobytes() == right.tobytes()
    other = X[:1].astype("float64" if dtype == "float32" else "float32")
    no_array = np.ndarray.__new__(np.matrix, (1, 37), dtype)
    no_array[...] = X[:1]
    shifted = np.frombuffer(b"0" + X[:1].tobytes(), np.uint8)[1:].view(dtype).reshape(1, 37)
    for same in other, X[:1].astype(dtype.newbyteorder()), np.repeat(X[:1], 2, axis=1)[:, ::2], no_array, shifted:
        np.testing.assert_allclose(model.predict_proba(same), [right], rtol=1e-5)
    for wrong in X[0], X[:1, :36], X[:0], X[None, :1], X[:1] * np.nan, np.where(X[:1] > 0, np.inf, X[:1]):
        with pytest.raises(ValueError, match=r"^X (must have|has no rows|must hold finite)"):
            model.predict_proba(wrong)
    assert model.predict_proba(X[:1]).tobytes() == right.tobytes()


def test_normalized_layers_are_not_taken(X, dtype):
    model = fastbp.Model(SIZES, dtype=dtype, layer_norm=True)
    predictor, z = model._plan.row_predictor(model._shown.buffer), np.empty((1, 3), dtype)
    assert not predictor.predict(fastbp.data.samples.Samples(X[:1]), z) and predictor.outputs(X[:1]) is None
    assert model.predict_proba(X[:1]).shape == (1, 3)


def test_kernels_of_one_row_are_compiled_once():
    first = compilation.compile_kernel(compilation.phases.Kernel("output_row", "exp"), np.dtype("f4"))
    assert compilation.compile_kernel(compilation.phases.Kernel("output_row", "exp"), np.dtype("f4")) is first
