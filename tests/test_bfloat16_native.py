"""Code for a CPU that multiplies pairs of bfloat16: compiled here for such a one, and read."""

import json
import platform

import pytest

from fastbp.kernels.library.levels import X86_64, features

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the assembly of another CPU")
SCRIPT = """
import json
import numpy as np
from fastbp.inspection.profiler.assembly import count, hot_loop
from fastbp.kernels.bfloat16.pairs import NATIVE
from fastbp.kernels.compiler import jit
from fastbp.kernels.registry.bfloat16 import BFLOAT16_KERNELS

found = {}
for name, entry in BFLOAT16_KERNELS.items():
    if name.startswith("fast_linear"):
        run = entry.adapter(*entry.sample(3, 3, 3, np.float32, np.random.default_rng(0))).__enter__()  # nothing runs
        text = "\\n".join(jit.assembly(each, each.signatures[0]) for each in run.dispatchers)
        loop = hot_loop(text)
        pairs = sum("vdpbf16ps" in line for line in loop)
        found[name] = [pairs, count(loop).fma, count(loop).scalar, count(loop).width_bits]
print(json.dumps([NATIVE, found]))
"""


@pytest.mark.slow
def test_products_are_of_pairs_where_the_cpu_has_the_instruction(run_python, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    best = X86_64[-1]
    cpu = {"NUMBA_CPU_NAME": best.cpu, "NUMBA_CPU_FEATURES": features(best), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    native, found = json.loads(run_python(tmp_path / "script.py", FASTBP_LIBRARY="off", **cpu).stdout)
    assert native and len(found) == 3 and best.features == "+avx512bf16"
    for pairs, fma, scalar, width in found.values():
        assert pairs == fma >= 16 and scalar == 0 and width == 512  # all of the sums of an 8 x 2 tile
