"""What Linux perf is told of compiled kernels."""

import os
import sys

import numba
import pytest

from fastbp.kernels.compiler import jit, perf_map
from fastbp.kernels.machine.calls import address_of


@pytest.mark.skipif(sys.platform != "linux", reason="perf is Linux's, and so is the form of its objects")
def test_a_compiled_kernel_is_named_where_it_lies_also_from_the_cache(monkeypatch, tmp_path):
    def doubled(x):
        for k in range(x.size):
            x[k] += x[k]

    monkeypatch.setattr(perf_map, "FOLDER", tmp_path)
    signature = numba.void(numba.float32[::1])
    monkeypatch.delenv(perf_map.WANTED, raising=False)
    jit.compiled_for(signature, doubled)
    assert not list(tmp_path.iterdir())  # nobody asked
    monkeypatch.setenv(perf_map.WANTED, "1")
    dispatcher = jit.compiled_for(signature, doubled)
    lines = (tmp_path / f"perf-{os.getpid()}.map").read_text().splitlines()
    [line] = [line for line in lines if line.endswith("doubled") and "cpython" not in line]
    address, size, name = line.split()
    assert int(address, 16) == address_of(dispatcher, signature) and 16 < int(size, 16) < 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="perf is Linux's, and so are permissions and links")
@pytest.mark.parametrize("laid", ["link", "dangling link", "second name", "pipe"])
def test_what_others_may_have_laid_there_is_not_written(laid, monkeypatch, tmp_path):
    monkeypatch.setattr(perf_map, "FOLDER", tmp_path)
    monkeypatch.setenv(perf_map.WANTED, "1")
    kept, path = tmp_path / "kept", tmp_path / f"perf-{os.getpid()}.map"
    if laid == "link":
        kept.write_text("mine")
        path.symlink_to(kept)
    elif laid == "dangling link":
        path.symlink_to(kept)
    elif laid == "second name":
        kept.write_text("mine")
        path.hardlink_to(kept)
    else:
        os.mkfifo(path)
    with pytest.warns(RuntimeWarning, match="could not write names for perf into .*perf-"):
        perf_map.write(None, b"")
    assert not kept.exists() if laid in ("dangling link", "pipe") else kept.read_text() == "mine"


def test_the_map_is_this_users_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(perf_map, "FOLDER", tmp_path)
    monkeypatch.setenv(perf_map.WANTED, "1")
    for _ in range(2):
        perf_map.write(None, b"")
    (path,) = tmp_path.iterdir()
    assert path.name == f"perf-{os.getpid()}.map" and (os.name == "nt" or path.stat().st_mode & 0o777 == 0o600)
    if hasattr(os, "geteuid"):
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        with pytest.warns(RuntimeWarning, match="not a file of this user's own"):
            perf_map.write(None, b"")


def test_names_are_read_off_mangled_ones():
    assert (
        perf_map.plain("_ZN6fastbp7kernels6engine3run8run_taskB3v14B56c8tJTI")
        == "fastbp::kernels::engine::run::run_task"
    )
    assert perf_map.plain("_ZN") == "" and list(perf_map.functions(b"MZ, no ELF")) == []
