"""Files that cannot be replaced because another program has them open, as on Windows."""

import errno
import os
import time
import warnings

import numpy as np
import pytest

import fastbp
from fastbp.files import writing
from fastbp.kernels.compiler import cache as kernel_cache
from fastbp.kernels.compiler import jit


class Held:
    """An `os.replace` that is refused so many times, as while another program has a file open."""

    def __init__(self, times):
        self.times, self.replace = times, os.replace

    def __call__(self, source, target):
        if os.path.exists(target) and self.times > 0:
            self.times -= 1
            raise PermissionError(errno.EACCES, "Access is denied", source, None, target)
        self.replace(source, target)


@pytest.fixture
def held(monkeypatch):
    def hold(times=10**6):
        refused = Held(times)
        monkeypatch.setattr(os, "replace", refused)
        return refused

    return hold


@pytest.fixture
def pauses(monkeypatch):
    """As on Windows, without waiting; what would have been waited."""
    waited = []
    monkeypatch.setattr(writing, "fcntl", None)
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


# ---- saved files


def test_a_save_over_a_file_that_stays_open_says_so_and_leaves_it(tmp_path, held, pauses):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    held()
    with pytest.raises(PermissionError, match="Access is denied: .*another program may have it open") as error:
        fastbp.Model([2, 3], seed=0).save(path)
    assert error.value.filename == str(path) and error.value.errno == errno.EACCES
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.safetensors"]
    assert 0.5 < sum(pauses) <= 1


def test_a_save_waits_for_a_short_reader(tmp_path, held, pauses):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    held(2)
    model = fastbp.Model([2, 3], seed=0)
    model.save(path)
    assert len(pauses) == 2 and os.listdir(tmp_path) == ["model.safetensors"]
    np.testing.assert_array_equal(fastbp.load(path).parameters[0][0], model.parameters[0][0])


@pytest.mark.skipif(writing.fcntl is None, reason="Windows waits")
def test_elsewhere_nothing_is_waited_for(tmp_path, held, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")
    refused, waited = held(10**6), []
    monkeypatch.setattr(time, "sleep", waited.append)
    with pytest.raises(PermissionError, match="cannot be replaced"):
        writing.write_whole(b"new", tmp_path / "file")
    assert refused.times == 10**6 - 1 and not waited


# ---- compiled kernels


def test_a_kernel_that_another_process_wrote_and_reads_is_kept_in_silence(tmp_path, held):
    path = tmp_path / "a.kernel"
    kernel_cache.write(path, b"theirs")
    held()
    kernel_cache.write(path, b"ours")
    assert kernel_cache.read(path) == b"theirs" and os.listdir(tmp_path) == ["a.kernel"]


def test_a_damaged_kernel_that_cannot_be_replaced_is_an_error(tmp_path, held):
    path = tmp_path / "a.kernel"
    path.write_bytes(b"no checksum")
    held()
    with pytest.raises(PermissionError, match="Access is denied"):
        kernel_cache.write(path, b"ours")
    assert path.read_bytes() == b"no checksum" and os.listdir(tmp_path) == ["a.kernel"]


def test_other_errors_of_writing_a_kernel_are_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.kernel"
    kernel_cache.write(path, b"theirs")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        kernel_cache.write(path, b"ours")


def test_compiling_goes_on_without_a_warning(tmp_path, held, monkeypatch):
    monkeypatch.setattr(jit, "cache_folder", lambda: tmp_path)

    def twice():
        def double(a):
            return 2 * a

        return jit.jit(double)

    assert twice()(1.5) == 3.0
    (kept,) = tmp_path.iterdir()
    body = kernel_cache.read(kept)
    monkeypatch.setattr(jit._KernelCache, "load_overload", lambda *_: None)  # as where both began at the same time
    held()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert twice()(1.5) == 3.0
    assert list(tmp_path.iterdir()) == [kept] and kernel_cache.read(kept) == body
