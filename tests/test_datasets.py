"""Data sets: the digits, labels as class numbers, scaling, and what is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp.files import datasets
from fastbp.files.labels import encode


def test_digits():
    data = datasets.digits()
    assert data.X.shape == (1797, 64) and data.X.dtype == np.float64
    assert data.X.min() == 0 and data.X.max() == 16
    assert data.X[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert data.y[:4].tolist() == [0, 1, 2, 3] and data.y.dtype == np.int64
    assert data.class_names == list("0123456789") and data.feature_names is None
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


# ---- labels


@pytest.mark.parametrize(
    ("labels", "class_names", "y"),
    [
        (["10", "9", "0", "9"], ["0", "9", "10"], [2, 1, 0, 1]),
        (["b", "B", "10", "9"], ["10", "9", "B", "b"], [3, 2, 0, 1]),
        (["1.0", "-2.5", "1"], ["-2.5", "1"], [1, 0, 1]),
        (["nan", "1"], ["1", "nan"], [1, 0]),
        ([str(10**400), str(10**400 + 1)], [str(10**400), str(10**400 + 1)], [0, 1]),
    ],
)
def test_encode(labels, class_names, y):
    numbers, names = encode(labels)
    assert names == class_names and numbers.tolist() == y and numbers.dtype == np.int64


def test_encode_with_settled_classes():
    assert encode(["3", "1"], ["1", "2", "3"])[0].tolist() == [2, 0]
    with pytest.raises(ValueError, match="'4'"):
        encode(["3", "4"], ["1", "2", "3"])


# ---- scaling and split


def test_scaling_standardizes():
    X = np.random.default_rng(0).normal([1, -500, 0.01], [1, 80, 1e-6], (400, 3))
    shift, scale = datasets.scaling(X)
    x = (X - shift) * scale
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_scaling_of_constant_and_nearly_constant_columns(dtype):
    X = np.full((1000, 3), 100, dtype)
    X[:, 1] = 0.1
    X[0, 2] = -100
    shift, scale = datasets.scaling(X)
    assert shift.dtype == scale.dtype == np.float64
    np.testing.assert_array_equal(scale[:2], 1)
    np.testing.assert_allclose(np.ptp((X - shift) * scale, axis=0), [0, 0, 10])


def test_scaling_of_bytes_and_of_too_large_numbers():
    assert datasets.scaling(np.array([[0, 255]], np.uint8)) == (None, 1 / 255)
    with pytest.raises(ValueError, match="column 1"):
        datasets.scaling(np.array([[0, 1e300], [1, -1e300]]))


def test_split_holds_out_a_share_of_each_class():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    data = datasets.Dataset(np.arange(100.0).reshape(-1, 1), y, ["a", "b", "c"], ["f"], name="n")
    parts = datasets.split(data, 0.2, seed=1)
    assert np.bincount(parts.y_test).tolist() == [10, 6, 4]
    both = np.concatenate([parts.X, parts.X_test])[:, 0]
    assert sorted(both) == list(range(100))
    for X, labels in (parts.X, parts.y), (parts.X_test, parts.y_test):
        np.testing.assert_array_equal(labels, y[X[:, 0].astype(int)])
    assert (parts.class_names, parts.feature_names, parts.name) == (["a", "b", "c"], ["f"], "n")


def test_split_goes_by_its_seed():
    data = datasets.Dataset(np.arange(50.0).reshape(-1, 1), np.zeros(50, np.int64), ["a"])
    held = [datasets.split(data, 0.2, seed).X_test[:, 0].tolist() for seed in (3, 3, 4)]
    assert held[0] == held[1] != held[2]


@given(st.integers(2, 60), st.floats(0.001, 0.999), st.integers(0, 9))
def test_split_sizes(n, fraction, seed):
    data = datasets.Dataset(np.arange(n).reshape(-1, 1), np.arange(n) % 3, ["a", "b", "c"])
    parts = datasets.split(data, fraction, seed)
    assert len(parts.X_test) == min(max(round(n * fraction), 1), n - 1)
    assert len(parts.X) + len(parts.X_test) == n


@pytest.mark.parametrize(("n", "fraction"), [(1, 0.2), (5, 0.0), (5, 1.0), (5, float("nan"))])
def test_split_errors(n, fraction):
    with pytest.raises(ValueError):
        datasets.split(datasets.Dataset(np.zeros((n, 1)), np.zeros(n, np.int64), ["a"]), fraction)
