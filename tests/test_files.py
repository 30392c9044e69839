"""Saved models: the same to the bit when loaded, whole or not at all, and no damage goes unnoticed."""

import json
import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import fastbp
from fastbp.files import sealed, writing
from fastbp.kernels.optimizers import OPTIMIZERS


def data(rows=40, columns=3, classes=4):
    random = np.random.default_rng(7)
    return random.normal(size=(rows, columns)), random.integers(0, classes, rows)


def small(optimizer="sgd", **settings):
    """Return a model that has been trained a little."""
    model = fastbp.Model([3, 5, 4], optimizer=optimizer, seed=1, **settings)
    model.fit(*data(), epochs=2, batch_size=16, verbose=0)
    return model


def bits(model):
    state = model.get_state()
    arrays = [state.pop("parameters"), *dict(sorted(state.pop("optimizer").items())).values()]
    return [array.tobytes() for array in arrays], state


SETTINGS = [
    {},
    {"dtype": "float64", "learning_rate": 1 / 3},
    {"input_shift": 0.1, "input_scale": [1, 1 / 3, 2], "dtype": "float64"},
    {"input_shift": [1e-300, 2, 3], "feature_names": ["a", 'b"sha256":"', "é\ud800"]},
    {"class_names": ["", "\n", "\\", "\0"]},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_loaded_model_is_the_same_to_the_bit(tmp_path, optimizer, settings):
    model = small(optimizer, **settings)
    model.save(tmp_path / "model")
    loaded = fastbp.load(tmp_path / "model")
    assert bits(loaded) == bits(model) and loaded.get_config() == model.get_config()
    X, _ = data()
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X), strict=True)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_training_resumed_is_training_never_stopped(tmp_path, optimizer):
    model, path = small(optimizer), str(tmp_path / "model")
    model.save(path)
    resumed = fastbp.load(path)
    histories = [m.fit(*data(), epochs=3, batch_size=7, verbose=0) for m in (model, resumed)]
    assert histories[0].loss == histories[1].loss
    assert bits(resumed) == bits(model)


def test_what_other_programs_see(tmp_path):
    model = small(input_shift=[1, 2, 3], input_scale=0.5)
    model.save(tmp_path / "model")
    tensors = load_file(tmp_path / "model")
    assert sorted(tensors) == ["input.shift", "layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"]
    for i, (W, b) in enumerate(model.parameters):
        np.testing.assert_array_equal(tensors[f"layers.{i}.weight"], W, strict=True)
        np.testing.assert_array_equal(tensors[f"layers.{i}.bias"], b, strict=True)
    np.testing.assert_array_equal(tensors["input.shift"], np.array([1.0, 2.0, 3.0]), strict=True)


def test_slopes_and_normalizations_stand_under_their_names(tmp_path):
    model = small(activation=["prelu"], layer_norm=True, optimizer="nadam")
    model.save(tmp_path / "model")
    tensors = load_file(tmp_path / "model")
    names = ("weight", "bias", "norm.weight", "norm.bias", "a")
    for name, array in zip(names, model.parameters[0], strict=True):
        np.testing.assert_array_equal(tensors[f"layers.0.{name}"], array, strict=True)
    assert bits(fastbp.load(tmp_path / "model")) == bits(model)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in "ab":
        small().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# ---- damage


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    small(input_scale=[1, 2, 3]).save(path)
    return path


def refused(path, content, *words):
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        fastbp.load(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF])
def test_every_damaged_byte_is_noticed(saved, flip):
    whole = saved.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= flip
        refused(saved, bytes(damaged))


def test_every_truncation_is_noticed(saved):
    whole = saved.read_bytes()
    for length in range(len(whole)):
        refused(saved, whole[:length])
    refused(saved, whole + b"\0", "damaged")


def test_swapped_numbers_are_noticed(saved):
    whole = saved.read_bytes()
    refused(saved, whole[:-8] + whole[-4:] + whole[-8:-4], "damaged")


def test_foreign_safetensors(tmp_path):
    path = tmp_path / "foreign"
    tensors = {"layers.0.weight": np.zeros((3, 5), np.float32)}
    save_file(tensors, path)
    refused(path, path.read_bytes(), "not a model that fastbp saved")
    save_file(tensors, path, {"format": "pt"})
    refused(path, path.read_bytes(), "not a model that fastbp saved")
    save_file(tensors, path, {"format": "pt", "version": "1"})
    refused(path, path.read_bytes(), "'pt'")
    save_file(tensors, path, {"format": "fastbp-model", "version": sealed.VERSIONS[sealed.MODEL]})
    refused(path, path.read_bytes(), "checksum")


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_refused_and_not_run(tmp_path, protocol):
    trace = tmp_path / "trace"
    refused(tmp_path / "pickle", pickle.dumps(Evil(trace), protocol), "not a model")
    assert not trace.exists()


def header(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(8),
        bytes(100),
        b"\xff" * 100,
        header(b"[]"),
        header(b"{}"),
        header(b'{"__metadata__":null}'),
        header(b'{"__metadata__":{"format":"fastbp-model"}}'),
        header(b"[" * 100_000),
        header(b"1" * 10_000),
        (10**9).to_bytes(8, "little") + b"{}",
    ],
    ids=range(11),
)
def test_other_files(tmp_path, content):
    refused(tmp_path / "file", content, "not a model")


def test_folders_and_missing_files_are_os_errors(tmp_path):
    for path in tmp_path, tmp_path / "missing", tmp_path / "missing" / "model":
        with pytest.raises(OSError) as error:
            fastbp.load(path)
        assert str(path) in str(error.value)


@pytest.mark.parametrize("version, age", [("2", "older"), ("4", "newer")])
def test_another_format_says_so(version, age, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sealed.VERSIONS, sealed.MODEL, version)
        small().save(tmp_path / "model")
    with pytest.raises(ValueError, match=f"'{version}'.*reads format '3'.*{age}"):
        fastbp.load(tmp_path / "model")


@pytest.mark.parametrize(
    "lie",
    [
        {"layer_sizes": [3, 6, 4]},
        {"layer_sizes": [4, 3, 4]},
        {"layer_sizes": [3, 5, 4, 2]},
        {"layer_sizes": [3, 5]},
        {"dtype": "float64"},
        {"loss": "no such"},
        {"no such": 1},
        {"class_names": ["a"]},
        {"activation": "prelu"},
        {"layer_sizes": [3, 50_000, 50_000, 4]},  # no room is made for these before the tensors are looked at
        {"layer_sizes": [50_000, 50_000]},
        {"layer_sizes": [3, 5, 10**9]},
    ],
)
def test_a_file_that_contradicts_itself(tmp_path, monkeypatch, lie):
    model, path = small(), tmp_path / "model"
    config = model.get_config() | lie
    monkeypatch.setattr(model, "get_config", lambda: config)
    model.save(path)
    tracemalloc.start()
    with pytest.raises(ValueError, match="not a model that fastbp can use") as error:
        fastbp.load(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(error.value) and most < 10**6


# ---- whole or not at all


@pytest.mark.parametrize("broken", ["replace", "fsync"])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_failed_save_leaves_what_was_there(saved, monkeypatch, broken, kind):
    before, model = saved.read_bytes(), fastbp.Model([2, 2], seed=0)

    def fail(*_):
        raise kind(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(kind) as error:
            model.save(saved)
    if kind is OSError:
        assert str(saved) in str(error.value) and error.value.errno == 28
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]
    model.save(saved)
    assert fastbp.load(saved).layer_sizes == (2, 2) and os.listdir(saved.parent) == [saved.name]


@pytest.mark.parametrize("name", ["", "missing/model", "x" * 300, "folder/"])
def test_places_that_take_no_file(tmp_path, name):
    place = os.path.join(tmp_path, name)
    for attempt in writing.check_writable, small().save:
        with pytest.raises(OSError) as error:
            attempt(place)
        assert place in str(error.value)
    assert os.listdir(tmp_path) == []


def test_checking_a_place_leaves_it_as_it_was(saved):
    before = saved.read_bytes(), saved.stat().st_mtime_ns
    assert writing.check_writable(saved) == os.path.realpath(saved)
    writing.check_writable(saved.with_name("other"))
    assert (saved.read_bytes(), saved.stat().st_mtime_ns) == before and os.listdir(saved.parent) == [saved.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes as POSIX has them")
def test_permissions_links_and_pipes(tmp_path):
    model, mask = small(), os.umask(0o027)
    try:
        model.save(tmp_path / "model")
    finally:
        os.umask(mask)
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o640
    (tmp_path / "link").symlink_to("target")
    model.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and fastbp.load(tmp_path / "target").layer_sizes == (3, 5, 4)
    os.mkfifo(tmp_path / "pipe")  # as /dev/null, no place to put a file
    with pytest.raises(OSError, match="pipe"):
        model.save(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_metadata_is_readable_without_fastbp(saved):
    raw = saved.read_bytes()
    metadata = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    assert (metadata["format"], metadata["version"], metadata["steps"]) == ("fastbp-model", "3", "6")
    assert json.loads(metadata["config"])["layer_sizes"] == [3, 5, 4]
    assert json.loads(metadata["random"])["bit_generator"] == "PCG64"
