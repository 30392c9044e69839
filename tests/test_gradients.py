"""Model.gradients over whole networks: against central differences, and against numpy written out here."""

import numpy as np
import pytest

import fastbp

STEP = 1e-5
NETWORKS = {1: [4, 3], 2: [4, 7, 3], 3: [3, 8, 5, 4], 4: [5, 6, 7, 5, 2], 5: [4, 6, 5, 7, 6, 3]}


def network(sizes, rows, dtype, seed):
    """A model with weights and biases of ordinary size, and a batch for it."""
    rng = np.random.default_rng(seed)
    model = fastbp.Model(sizes, loss=fastbp.losses.CrossEntropy(), dtype=dtype, seed=seed)
    for _, b in model.parameters:
        b[...] = rng.uniform(-0.5, 0.5, b.shape)
    return model, rng.standard_normal((rows, sizes[0])), rng.integers(0, sizes[-1], rows)


def forward(parameters, x):
    """h of each layer with x before and the last t behind, and the least |t| before a ReLU."""
    h, least = [x], np.inf
    for layer, (W, b) in enumerate(parameters):
        t = h[-1] @ W + b
        if layer < len(parameters) - 1:
            least = min(least, abs(t).min())
            t = np.where(t >= 0, t, 0)
        h.append(t)
    return h, least


def active(parameters, x):
    """Which units are at or above zero: as long as this stays, the loss is smooth."""
    return [(h @ W + b >= 0) for h, (W, b) in zip(forward(parameters, x)[0], parameters[:-1], strict=False)]


@pytest.mark.parametrize("layers", NETWORKS)
def test_central_differences(layers):
    model, X, y = network(NETWORKS[layers], rows=11, dtype="float64", seed=layers)
    _, gradients = model.gradients(X, y)
    pattern = active(model.parameters, X)
    for pair, gradient_pair in zip(model.parameters, gradients, strict=True):
        for array, gradient in zip(pair, gradient_pair, strict=True):
            difference = np.empty_like(array)
            for index, value in np.ndenumerate(array):
                E = {}
                for step in (-STEP, STEP):
                    array[index] = value + step
                    after = active(model.parameters, X)
                    assert all(map(np.array_equal, pattern, after)), "a unit crossed ReLU's kink: take another seed"
                    E[step] = model.gradients(X, y)[0]
                array[index] = value
                difference[index] = (E[STEP] - E[-STEP]) / (2 * STEP)
            assert abs(gradient).max() > 1e-3  # nothing dead
            assert abs(difference - gradient).max() / abs(gradient).max() < 1e-7


def backpropagation(parameters, x, y):
    """Eqs. 42-53 in numpy: E and [(dW, db), ...], with the magnitudes of the sums behind each."""
    h, _ = forward(parameters, x)
    t = h[-1] - h[-1].max(1, keepdims=True)
    log_z = t - np.log(np.exp(t).sum(1, keepdims=True))
    rows = np.arange(len(y))
    dt = np.exp(log_z)
    dt[rows, y] -= 1
    dt /= len(y)
    gradients = []
    for layer in reversed(range(len(parameters))):
        gradients.insert(0, (h[layer].T @ dt, dt.sum(0)))
        if layer:
            W, b = parameters[layer - 1]
            dt = (dt @ parameters[layer][0].T) * (h[layer - 1] @ W + b >= 0)
    return -log_z[rows, y].mean(), gradients


DEEP = {
    "one layer": ([37, 10], 131),
    "wide": ([61, 257, 33, 10], 67),  # launches large enough to run in parallel
    "deep": ([13, 17, 16, 15, 31, 32, 33, 7, 5], 101),
    "narrow": ([1, 2, 1, 3, 2], 7),
    "one class": ([3, 5, 1], 4),
    "one row": ([37, 31, 17], 1),
}


@pytest.mark.parametrize("kind", DEEP)
def test_numpy_backpropagation(kind, dtype):
    sizes, rows = DEEP[kind]
    model, X, y = network(sizes, rows, dtype, seed=8)
    X = X.astype(dtype)
    parameters = [(W.astype(np.float64), b.astype(np.float64)) for W, b in model.parameters]
    _, least = forward(parameters, X.astype(np.float64))
    assert least > 100 * np.finfo(dtype).eps, "a unit too near ReLU's kink for this dtype: take another seed"
    E, gradients = model.gradients(X, y)
    right_E, right = backpropagation(parameters, X.astype(np.float64), y)
    bound = 1e-12 if dtype == np.float64 else 1e-4
    assert pytest.approx(right_E, rel=bound, abs=bound) == E
    for layer, wanted_layer in zip(gradients, right, strict=True):
        for found, wanted in zip(layer, wanted_layer, strict=True):
            assert found.dtype == dtype
            assert abs(found - wanted).max() <= bound * abs(wanted).max()


def test_the_gradient_of_a_batch_is_the_mean_of_its_rows(dtype):
    model, X, y = network([5, 9, 8, 4], rows=13, dtype=dtype, seed=3)
    E, whole = model.gradients(X, y)
    alone = [model.gradients(X[[row]], y[[row]]) for row in range(13)]
    eps = np.finfo(dtype).eps
    assert pytest.approx(np.mean([E_row for E_row, _ in alone]), rel=50 * float(eps)) == E
    for layer in range(3):
        for which in (0, 1):
            rows = np.array([gradients[layer][which] for _, gradients in alone], np.float64)
            assert np.all(abs(whole[layer][which] - rows.mean(0)) <= 50 * eps * (abs(rows).mean(0).max()))
