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


def test_names_are_read_off_mangled_ones():
    assert (
        perf_map.plain("_ZN6fastbp7kernels6engine3run8run_taskB3v14B56c8tJTI")
        == "fastbp::kernels::engine::run::run_task"
    )
    assert perf_map.plain("_ZN") == "" and list(perf_map.functions(b"MZ, no ELF")) == []
