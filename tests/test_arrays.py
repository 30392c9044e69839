"""MNIST's IDX files and .npz: what is read comes out as written, and what is wrong is named."""

import gzip
import io
import os

import numpy as np
import pytest

from fastbp.files import datasets


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture
def mnist(tmp_path):
    """Make a folder of twelve images to train on and five to test on, of 2x3 pixels."""
    random = np.random.default_rng(0)
    parts = {}
    for part, n in ("train", 12), ("t10k", 5):
        X, y = random.integers(0, 256, (n, 2, 3)), np.arange(n) % 4
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(X))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y)))
        parts[part] = X.reshape(n, 6), y
    return tmp_path, parts


# ---- MNIST's format


def test_mnist_folder(mnist):
    path, parts = mnist
    data = datasets.read(path)
    for X, y, part in (data.X, data.y, "train"), (data.X_test, data.y_test, "t10k"):
        np.testing.assert_array_equal(X, parts[part][0])
        np.testing.assert_array_equal(y, parts[part][1])
        assert X.dtype == np.uint8 and y.dtype == np.int64
    assert data.class_names == list("0123") and data.feature_names is None and data.name == path.name


def test_mnist_folder_without_test_files_and_with_dotted_names(mnist):
    path, parts = mnist
    for file in path.glob("t10k*"):
        file.unlink()
    for file in path.glob("train*"):
        file.rename(path / file.name.replace("-idx", ".idx"))
    data = datasets.read(path)
    np.testing.assert_array_equal(data.X, parts["train"][0])
    assert data.X_test is None


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (IMAGES, None, [IMAGES]),
        ("t10k-images-idx3-ubyte", None, ["t10k-images-idx3-ubyte"]),
        (IMAGES, b"", [IMAGES, "magic"]),
        (IMAGES, b"\0\0\x08\x03\0\0", [IMAGES, "cut short"]),
        (IMAGES, idx(np.zeros((12, 2, 3)))[:-1], [IMAGES, "cut short", "71", "72"]),
        (IMAGES, idx(np.zeros((12, 2, 3))) + b"\0", [IMAGES, "too long", "73", "72"]),
        (IMAGES, b"\0\0\x08\x03" + b"\xff" * 12, [IMAGES, "cut short"]),
        (IMAGES, idx(np.zeros((0, 2, 3))), [IMAGES, "nothing"]),
        (IMAGES, idx(np.zeros(12)), [IMAGES, "holds labels", "0x00000801"]),
        (IMAGES, b"\0\0\x0d\x03" + bytes(12), [IMAGES, "magic", "0x00000d03"]),
        (IMAGES, idx(np.zeros((11, 2, 3))), ["11 images", "12 labels"]),
        (IMAGES, idx(np.zeros((12, 7))), ["7 columns", "6 to test"]),
        (f"{LABELS}.gz", idx(np.zeros((12, 2, 3))), [LABELS, "holds images"]),
        (f"{LABELS}.gz", gzip.compress(idx(np.zeros(12)), mtime=0)[:-9], [LABELS, "cut short"]),
        (f"{LABELS}.gz", idx(np.zeros(12)), ["test rows", "'1'"]),
    ],
)
def test_mnist_errors(mnist, name, content, words):
    path, _ = mnist
    (path / name).unlink()
    if content is not None:
        (path / name).write_bytes(content)
    with pytest.raises(ValueError) as error:
        datasets.read(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


@pytest.mark.skipif("FASTBP_MNIST" not in os.environ, reason="FASTBP_MNIST names no folder with MNIST")
def test_the_real_mnist():
    data = datasets.read(os.environ["FASTBP_MNIST"])
    assert data.X.shape == (60000, 784) and data.X_test.shape == (10000, 784)
    assert data.y[:5].tolist() == [5, 0, 4, 1, 9] and data.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert data.X.dtype == np.uint8 and round(float(data.X.mean()), 2) == 33.32


# ---- npz


def test_npz(write):
    X, y = np.arange(24, dtype=np.int16).reshape(4, 2, 3), np.array(["b", "a", "b", "c"])
    data = datasets.read(write(npz(X=X, y=y, X_test=X[:2], y_test=y[:2])))
    np.testing.assert_array_equal(data.X, X.reshape(4, 6))
    assert data.X.dtype == np.int16 and data.class_names == ["a", "b", "c"]
    assert data.y.tolist() == [1, 0, 1, 2] and data.y_test.tolist() == [1, 0]


@pytest.mark.parametrize("y", [[5, 7, 5], [5.0, 7.0, 5.0], np.array([5, 7, 5], np.uint8)])
def test_npz_labels_are_numbered_from_0(write, y):
    data = datasets.read(write(npz(X=np.eye(3), y=y)))
    assert data.y.tolist() == [0, 1, 0] and data.class_names == ["5", "7"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npz(X=np.eye(3)), ["no array y"]),
        (npz(z=np.eye(3)), ["no array X"]),
        (npz(X=np.eye(3), y=[1, 2]), ["X and y", "3 and 2"]),
        (npz(X=np.eye(3), y=[1, 2, np.nan]), ["y", "NaN"]),
        (npz(X=np.eye(3), y=np.eye(3)), ["y", "(3, 3)"]),
        (npz(X=np.eye(3), y=np.ones(3, complex)), ["y", "complex128"]),
        (npz(X=np.ones(3), y=np.ones(3)), ["X", "(3,)"]),
        (npz(X=np.ones((0, 2)), y=np.ones(0)), ["X", "(0, 2)"]),
        (npz(X=[["a"]], y=[1]), ["X", "<U1"]),
        (npz(X=[[1, 2], [3, np.inf]], y=[1, 2]), ["X", "inf", "row 1, column 1"]),
        (npz(X=np.array([[1, None]]), y=[1]), ["plain arrays"]),
        (npz(X=np.eye(3), y=[1, 2, 3], X_test=np.eye(3)), ["no array y_test"]),
        (npz(X=np.eye(3), y=[1, 2, 3], X_test=np.eye(2), y_test=[1, 2]), ["3 columns", "2 to test"]),
        (npz(X=np.eye(3), y=[1, 2, 3], X_test=np.eye(3), y_test=[1, 2, 4]), ["test rows", "'4'"]),
        (npz(X=np.eye(3), y=[1, 2, 3])[:-30], ["plain arrays"]),
        (npz(X=np.eye(3), y=[1, 2, 3]).replace(np.eye(3).tobytes(), np.ones((3, 3)).tobytes()), ["plain arrays"]),
    ],
)
def test_npz_errors(write, content, words):
    path = write(content, "data.npz")
    with pytest.raises(ValueError) as error:
        datasets.read(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


# ---- rows to predict


@pytest.mark.parametrize(
    "content",
    [
        npz(X=[[1, 2], [3, 4]]),
        npz(X=[[1, 2], [3, 4]], y=np.array([None, "a"])),  # what is not needed is not read
        idx(np.array([[[1], [2]], [[3], [4]]])),
        gzip.compress(idx(np.array([[1, 2], [3, 4]])), mtime=0),
    ],
    ids=range(4),
)
def test_inputs(write, content):
    np.testing.assert_array_equal(datasets.read_inputs(write(content), 2, ["a", "b"]), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npz(X=np.eye(2)), ["2 columns", "takes 3"]),
        (npz(y=np.eye(2)), ["no array X"]),
        (idx(np.zeros((1, 2, 2))), ["4 columns", "takes 3"]),
        (idx(np.zeros(3)), ["holds labels"]),
    ],
    ids=range(4),
)
def test_input_errors(write, content, words):
    path = write(content)
    with pytest.raises(ValueError) as error:
        datasets.read_inputs(path, 3)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_a_folder_or_lone_images_get_a_hint(mnist):
    path, _ = mnist
    with pytest.raises(ValueError, match="name the file"):
        datasets.read_inputs(path, 6)
    with pytest.raises(ValueError, match="give the folder"):
        datasets.read(path / IMAGES)
