"""Files made to break what reads them: they take no memory beyond what they hold, and end in one sentence."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from test_cli import complaint
from test_files import data, small

import fastbp
from fastbp.files import datasets, sealed, streams

# ---- models


@pytest.mark.parametrize(("steps", "word"), [(2**70, "at most"), (2**53 + 1, "at most"), (-1, "at least 0")])
def test_a_number_of_steps_that_cannot_be_is_refused(tmp_path, monkeypatch, steps, word):
    model = small()
    state = model.get_state()
    with pytest.raises(ValueError, match=f"steps must be {word}"):
        model.set_state(state | {"steps": steps})
    monkeypatch.setattr(model, "get_state", lambda: state | {"steps": steps})
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=f"model: .*steps must be {word}"):
        fastbp.load(tmp_path / "model")


def test_training_goes_on_from_the_most_steps_that_can_be():
    model = small()
    model.set_state(model.get_state() | {"steps": 2**53})
    assert np.isfinite(model.fit(*data(), epochs=2, batch_size=20, verbose=0).loss).all()
    assert model.get_state()["steps"] == 2**53 + 4


LONG = [1] * 100_000


@pytest.mark.parametrize("name", ["format", "version", "layer_sizes", "activation", "loss", "class_names"])
def test_what_a_file_says_at_length_is_told_in_short(tmp_path, name):
    model = small()
    model.save(tmp_path / "model")
    kind, metadata = sealed.MODEL, json.loads(sealed.read(tmp_path / "model")[1]["config"])
    config = metadata | ({} if name in ("format", "version") else {name: LONG})
    tensors = sealed.tensors(sealed.read(tmp_path / "model")[0])
    header, content = sealed.packed(kind, config, tensors)
    if name in ("format", "version"):
        found = json.loads(header[8:])
        found["__metadata__"][name] = LONG
        text = json.dumps(found).encode()
        header = len(text).to_bytes(8, "little") + text
    (tmp_path / "model").write_bytes(header + bytes(content))
    with pytest.raises(ValueError, match=f"^{tmp_path}/model: ") as told:
        fastbp.load(tmp_path / "model")
    assert len(str(told.value)) < 1500


# ---- compressed data

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
ZEROS = np.zeros((1000, 500))  # 4 MB
NUMBERS = np.arange(1000) % 2


@pytest.fixture
def most():
    """Return the most memory that was taken since the test began, or since the last call."""
    tracemalloc.start()

    def most():
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        return peak

    yield most
    tracemalloc.stop()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(path, method=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def idx(path):
    for name, sizes in ("train-images-idx3-ubyte", (1000, 50, 80)), ("train-labels-idx1-ubyte", (1000,)):
        header = struct.pack(">I", 0x0800 + len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes)
        (path / f"{name}.gz").write_bytes(gzip.compress(header + bytes(int(np.prod(sizes)))))
    return path


def csv(path):
    path.write_bytes(gzip.compress(b"".join(b"0,%d\n" % (i % 2) for i in range(100_000))))
    return path


BOMBS = {
    "npz": lambda folder: npz(folder / "data.npz", X=npy(ZEROS), y=npy(NUMBERS)),
    "csv": lambda folder: csv(folder / "data.csv.gz"),
    "idx": idx,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_unpacks_to_more_than_it_may_takes_no_more_memory(tmp_path, most, monkeypatch, kind):
    path = BOMBS[kind](tmp_path)
    most()
    with pytest.raises(ValueError, match=r"unpacks to more than 100,000 bytes; max_bytes \(--max-bytes\) allows more"):
        datasets.read(path, max_bytes=100_000)
    monkeypatch.setattr(streams, "GIB", 200_000)
    with pytest.raises(ValueError, match="unpacks to more than 200,000 bytes"):
        datasets.read(path)
    assert most() < (20_000_000 if kind == "csv" else 3_000_000)  # half of the rows of a table are read by then
    if kind != "csv":
        assert datasets.read(path, max_bytes=5_000_000).X.shape[0] == 1000


def test_a_large_file_may_unpack_to_more(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "GIB", 1000)
    path = npz(tmp_path / "data.npz", zipfile.ZIP_STORED, X=npy(ZEROS), y=npy(NUMBERS))
    assert datasets.read(path).X.shape == ZEROS.shape
    assert streams.room(path, None) == 20 * path.stat().st_size > streams.room("-", None) == 1000
    with pytest.raises(ValueError, match="more than 4,008,255 bytes"):
        datasets.read(path, max_bytes=4_008_255)
    assert datasets.read(path, max_bytes=4_008_256).y.shape == (1000,)  # 8 bytes a number, 128 a header


def test_the_command_has_the_limit_as_an_option(run, tmp_path):
    npz(tmp_path / "data.npz", X=npy(ZEROS), y=npy(NUMBERS))
    fastbp.Model([500, 2], seed=0).save(tmp_path / "model")
    for words in ("train", "--data", "data.npz"), ("profile", "--data", "data.npz"), ("predict", "model", "data.npz"):
        assert "data.npz: unpacks to more than 1,000 bytes" in complaint(run(*words, "--max-bytes", 1000))
    status, out, err = run("predict", "model", "data.npz", "--max-bytes", 5_000_000)
    assert (status, len(out.splitlines()), err) == (0, 1000, "")
    assert "--max-bytes" in complaint(run("train", "--max-bytes", 0))


@pytest.mark.parametrize("method", METHODS)
def test_an_array_whose_header_tells_more_than_there_is_takes_no_memory(tmp_path, most, method):
    honest = npy(np.eye(3))
    for shape in "(3, 4)", "(2, 3)", "(99999, 99999)", "(-3, -3)", "(-1, 3)", f"(3, {10**30})":
        lie = honest.replace(b"(3, 3), }" + b" " * (len(shape) - 6), f"{shape}, }}".encode())
        assert len(lie) == len(honest) and lie != honest
        npz(tmp_path / "data.npz", method, X=lie, y=npy(np.arange(3)))
        most()
        with pytest.raises(ValueError, match="data.npz: not an .npz of plain arrays: X.npy holds 72 bytes, its shape"):
            datasets.read(tmp_path / "data.npz")
        assert most() < 20_000_000  # LZMA's dictionary


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_npz_ends_in_one_sentence(tmp_path, method):
    """Every byte of headers and data, turned: a ValueError that names the file, or the right numbers."""
    path = npz(tmp_path / "data.npz", method, X=npy(np.eye(3)), y=npy(np.arange(3)))
    whole, tried = path.read_bytes(), 0
    for place in range(4, len(whole), 3):
        for flip in 0x01, 0xFF:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            try:
                found = datasets.read(path)
            except ValueError as error:
                assert str(error).startswith(f"{path}: ")
                tried += 1
            else:
                assert found.X.tolist() == np.eye(3).tolist() and found.y.tolist() == [0, 1, 2]
    assert tried > 100


@pytest.mark.parametrize("place", range(6, 128, 2))
def test_a_damaged_array_header_ends_in_one_sentence(tmp_path, place):
    honest = npy(np.eye(3))
    for byte in b"({'#\0\n9":
        lie = honest[:place] + bytes([byte]) + honest[place + 1 :]
        path = npz(tmp_path / "data.npz", X=lie, y=npy(np.arange(3)))
        try:
            assert datasets.read(path).X.shape == (3, 3)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("shape", ["lambda: 0", "(3, 3", "{}", "'a'", "(1/0,)", "[[[[[["])
def test_a_header_of_python_is_reported_in_plain_words(tmp_path, shape):
    lie = npy(np.eye(3)).replace(b"(3, 3), }" + b" " * (len(shape) - 6), f"{shape}, }}".encode())
    path = npz(tmp_path / "data.npz", X=lie, y=npy(np.arange(3)))
    with pytest.raises(ValueError) as caught:
        datasets.read(path)
    assert str(caught.value) == f"{path}: not an .npz of plain arrays: X.npy has a damaged header"


def test_objects_are_refused(tmp_path):
    path = npz(tmp_path / "data.npz", X=npy(np.array([[1, "a"]], object)), y=npy(np.arange(1)))
    with pytest.raises(ValueError, match="data.npz: not an .npz of plain arrays: X.npy holds Python objects"):
        datasets.read(path)


# ---- states that are not the model's

WRONG = [None, -5, "text", [], {"a": 1}, {"state": 5}, np.array([[1, "a"]], object), [[1], [2, 3]], 2**70, -1, np.nan]


@pytest.mark.parametrize("part", [None, "parameters", "optimizer", "steps", "random"])
def test_a_state_of_anything_else_is_refused_by_name(part):
    model = small()
    model.fit(*data(), epochs=1, verbose=0)
    state, before = model.get_state(), model.get_state()["parameters"].tobytes()
    for wrong in WRONG:
        with pytest.raises((TypeError, ValueError), match="state|steps"):
            model.set_state(wrong if part is None else state | {part: wrong})
    with pytest.raises(ValueError, match="state holds"):
        model.set_state({name: value for name, value in state.items() if name != (part or "steps")})
    assert model.get_state()["parameters"].tobytes() == before
    assert repr(model.get_state()["random"]) == repr(state["random"]) and model.get_state()["steps"] == state["steps"]
