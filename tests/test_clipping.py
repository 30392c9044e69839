"""The limit of the gradient's norm where squares of the gradient are beyond the dtype."""

import numpy as np
import pytest

import fastbp
from fastbp.kernels.specification import regularization
from fastbp.optimizers import SGD

sparse = pytest.importorskip("scipy.sparse")
LARGE = {"float32": 1e20, "float64": 1e200}  # its square is infinite
SETTINGS = {
    "plain": ({}, SGD(1.0), 1.0),
    "with a penalty": ({"l2": 0.01}, SGD(1.0), 1.0),
    "groups": ({}, SGD(1.0, parametrization="ntk"), 0.5),  # W = V / sqrt(2), and the step is that of V
}


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("dtype", LARGE)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_gradient_of_large_numbers_is_limited_to_the_norm(name, dtype, kernels):
    (settings, optimizer, factor), large = SETTINGS[name], LARGE[dtype]
    X = np.array([[3 * large, 4 * large]])  # dE/dW of |z - y| with z > y; its norm is 5 times as much
    for rows in (X, sparse.csr_array(X)) if name == "plain" else (X,):
        how = {"loss": "absolute_error", "clip_norm": 2.0, "dtype": dtype, "kernels": kernels, **settings}
        model = fastbp.Model([2, 1], optimizer=optimizer, **how)
        ((W, b),) = model.parameters
        W[...] = 0
        model.fit(rows, [[-1.0]], epochs=1, verbose=0)
        np.testing.assert_allclose(W[:, 0], [-1.2 * factor, -1.6 * factor], rtol=1e-6)
        np.testing.assert_allclose(b, -2 / (5 * large), rtol=1e-6)


@pytest.mark.parametrize("large", [1.0, 1e20, 1e38])
def test_the_plain_loop_and_any_number_of_processes_find_the_same_factor(large):
    dW = np.array([3, -4, 0, 12], np.float32) * np.float32(large / 12)
    limited = dW.copy()
    regularization.limit(limited, np.float32(np.inf), np.float32(0.5))
    np.testing.assert_allclose(limited, 0.5 * np.array([3, -4, 0, 12]) / 13, rtol=1e-6)
    update = pytest.importorskip("fastbp.distributed.update")

    class Alone:
        """One process, whose share is all."""

        network = fastbp.Model([2, 1], loss="squared_error", clip_norm=0.5).network
        all_gather = staticmethod(lambda whole, starts=None: None)

    one = object.__new__(update.Update)
    one.plan, one._summed = Alone, lambda which: float("inf") if large > 1e19 else float((dW.astype("f8") ** 2).sum())
    np.testing.assert_allclose(one._factor(dW.copy()), 0.5 / (13 / 12 * large), rtol=1e-6)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_a_gradient_that_is_not_finite_is_no_step(kernels):
    model = fastbp.Model([1, 1], optimizer=SGD(1.0), loss="squared_error", clip_norm=1.0, seed=0, kernels=kernels)
    model.parameters[0][0][...] = 0
    before = model.get_state()["parameters"]
    with pytest.raises(fastbp.DivergenceError):
        model.fit([[1e38]], [[-1e10]], epochs=1, verbose=0)  # dE/dW is beyond float32, E is not
    np.testing.assert_array_equal(model.get_state()["parameters"], before)
