"""What tiles are compiled to: accesses that are checked, and instructions that the CPU has."""

import json
import platform

import pytest

# ---- overruns ------------------------------------------------------------------------------------------------------

OVERRUNS = """
import json, sys
import numpy as np
from numba import njit
from fastbp.kernels.machine.conversion import load_as, load_scaled
from fastbp.kernels.machine.memory import as_vector
from fastbp.kernels.machine.tiles import lanes, load, outer_add, store, transpose, zeros

N = 400
BYTES, NUMBERS, LONG = np.zeros(N, np.uint8), np.zeros(N), np.zeros(2 * N)

@njit
def use_load(a, at):
    a = as_vector(a)
    store(a, 0, lanes(a), lanes(a), load(a, at, lanes(a), 2 * lanes(a), zeros(a, 2, 2)))

@njit
def use_store(a, at):
    a = as_vector(a)
    store(a, at, lanes(a), 2 * lanes(a), zeros(a, 2, 2))

@njit
def use_outer_add_left(a, at):
    a = as_vector(a)
    store(a, 0, lanes(a), 0, outer_add(zeros(a, 2, 1), a, at, 3, a, 0, 0))

@njit
def use_outer_add_right(a, at):
    a = as_vector(a)
    store(a, 0, 0, lanes(a), outer_add(zeros(a, 1, 2), a, 0, 0, a, at, lanes(a)))

@njit
def use_transpose_in(a, at):
    a = as_vector(a)
    transpose(a, 0, a, at, zeros(a, 1, 1))

@njit
def use_transpose_out(a, at):
    a = as_vector(a)
    transpose(a, at, a, 0, zeros(a, 1, 1))

@njit
def use_load_as(a, at):
    a = as_vector(a)
    store(a, 0, 0, 0, load_as(zeros(a, 1, 1), as_vector(BYTES), at))

@njit
def use_load_scaled(a, at):
    a = as_vector(a)
    store(a, 0, 0, 0, load_scaled(zeros(a, 1, 1), as_vector(NUMBERS), at, as_vector(NUMBERS), as_vector(NUMBERS), 0))

@njit
def use_load_scaled_shift(a, at):
    a = as_vector(a)
    store(a, 0, 0, 0, load_scaled(zeros(a, 1, 1), as_vector(NUMBERS), 0, as_vector(NUMBERS), as_vector(LONG), at))

@njit
def use_load_scaled_scale(a, at):
    a = as_vector(a)
    store(a, 0, 0, 0, load_scaled(zeros(a, 1, 1), as_vector(NUMBERS), 0, as_vector(LONG), as_vector(NUMBERS), at))

def raises(function, at, dtype):
    try:
        function(np.zeros(N, dtype), at)
    except IndexError:
        return True
    return False

found = {}
for dtype in ("float32", "float64"):
    L = 64 // np.dtype(dtype).itemsize
    reach = {  # elements from `at` to the end of what is touched
        "load": 4 * L, "store": 4 * L, "outer_add_left": 4, "outer_add_right": 2 * L, "transpose_in": L * L,
        "transpose_out": L * L, "load_as": L, "load_scaled": L, "load_scaled_shift": L, "load_scaled_scale": L}
    for name, function in list(globals().items()):
        if name.startswith("use_"):
            last = N - reach[name[4:]]
            found[name[4:], dtype] = [raises(function, at, dtype) for at in (-1, 0, last, last + 1)]
print(json.dumps([[*key, *values] for key, values in found.items()]))
"""


def test_every_access_one_beyond_either_end_raises(run_python, tmp_path):
    script = tmp_path / "overruns.py"
    script.write_text(OVERRUNS)
    found = json.loads(run_python(script, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)).stdout)
    assert len(found) == 2 * OVERRUNS.count("def use_")
    for name, dtype, before, first, last, beyond in found:
        assert (before, first, last, beyond) == (True, False, False, True), (name, dtype)


# ---- what the CPU is told ------------------------------------------------------------------------------------------

# compiles kernels of each kind; prints how wide their vectors are, their FMA instructions and calls of libm
ASSEMBLY = r"""
import json, re, sys
import numpy as np
from fastbp.inspection.profiler.assembly import count
from fastbp.kernels.compiler import jit
from fastbp.kernels.machine import registers
from fastbp.kernels.registry import KERNELS

NAMES = (
    "gather", "linear_relu", "linear_relu_row", "linear_backward_params", "linear_relu_backward_input", "softmax_row",
    "softmax_cross_entropy", "gelu", "layer_norm", "adam_update", "exp", "log")
found = {}
for dtype in sys.argv[1:]:
    for name in NAMES:
        entry = KERNELS[f"fast_{name}"]
        arguments = entry.sample(3, 3, 3, dtype, np.random.default_rng(0))
        for X_dtype in ("uint8", "float32", "float64") if name == "gather" else [None]:
            if X_dtype:
                arguments[1] = arguments[1].astype(X_dtype)
            with entry.variants["fast"](*arguments) as compute:
                compute()
            for dispatcher in compute.dispatchers:
                text = jit.assembly(dispatcher, dispatcher.signatures[0])
                assert "ret" in text, name
                counts = count(text.splitlines())
                found[f"{name} {dtype} {X_dtype} {dispatcher.__name__}"] = {
                    "width_bits": counts.width_bits,
                    "fma": counts.fma,
                    "libm": sorted(set(re.findall(r"\b(fmaf?|expf?|logf?|sqrtf?|tanhf?|erfcf?)\b", text)))}
print(json.dumps({"rows": registers.ROWS, "vectors": registers.VECTORS, "found": found}))
"""

pytestmark = pytest.mark.slow
intel = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the assembly of another CPU")


def assembly(run_python, folder, dtype, **variables):
    """What a process finds in the code for another CPU; a dtype each is enough, as both come of the same loops."""
    script = folder / "assembly.py"
    script.write_text(ASSEMBLY)
    return json.loads(run_python(script, dtype, NUMBA_CACHE_DIR=str(folder / "cache"), **variables).stdout)


@intel
def test_haswell_is_given_ymm_and_fma_but_no_zmm(run_python, tmp_path):
    told = assembly(run_python, tmp_path, "float32", NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2,+fma")
    assert (told["rows"], told["vectors"]) == (4, 1)
    for name, code in told["found"].items():
        assert code["width_bits"] == 256, name
        assert not code["libm"], name
    products = [code["fma"] for name, code in told["found"].items() if name.rpartition(" ")[2].startswith("linear")]
    assert len(products) == 4 and all(products)


@intel
def test_a_generic_cpu_is_given_sse_and_no_call_of_fma(run_python, tmp_path):
    told = assembly(run_python, tmp_path, "float64", NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert (told["rows"], told["vectors"]) == (2, 1)
    for name, code in told["found"].items():
        assert code["width_bits"] == 128 and not code["fma"] and not code["libm"], name
