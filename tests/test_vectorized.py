"""Fast kernels compute whole vectors; and what tells so can tell."""

import json

import numba
import pytest
from numba import prange

import fastbp
from fastbp.execution import plain_loops
from fastbp.inspection.profiler import assembly, vectorized
from fastbp.kernels.compiler import jit as _jit
from fastbp.kernels.machine.registers import FEATURES, ROWS
from fastbp.kernels.registry import KERNELS
from fastbp.kernels.specification import paper as elementwise

FAST = [name for name in KERNELS if name.startswith("fast_")]
ENTRY_BY_ENTRY = ["fast_gather_csr", "fast_scatter_csr", "fast_sort_csr"]  # each goes where its column says
# a row's place depends on those before it; there is nothing to do
SCALAR = ["fast_shuffle", "fast_identity_output", "fast_identity_output_row"]

INTEL = """
	.text
main:
	vxorps	%xmm0, %xmm0, %xmm0
.LBB0_1:
	vaddss	(%rax), %xmm0, %xmm0
.LBB0_2:
	vbroadcastss	(%rsi,%rcx,4), %zmm1
	vmovss	(%rsi), %xmm3
	prefetcht0	(%rdi)
	vfmadd231ps	(%rdi){1to16}, %zmm1, %zmm2
	vmovups	%zmm2, (%rdi)
	vpaddd	%ymm4, %ymm5, %ymm5
	vgatherdps	(%rax,%zmm3,4), %zmm6 {%k1}
	vcvtsd2ss	%xmm7, %xmm7, %xmm7
	vmulsd	%xmm8, %xmm9, %xmm9
	popq	%rbx
	incq	%rcx
	jne	.LBB0_2
	jmp	.LBB0_1
_ZN7cpython4main:
.LBB1_1:
	vfmadd231ps	%zmm1, %zmm1, %zmm2
	vfmadd231ps	%zmm1, %zmm1, %zmm2
	jne	.LBB1_1
"""
ARM = """
main:
.LBB0_1:
	ldr	q0, [x1], #16
	ld1r	{ v1.4s }, [x2]
	fmla	v2.4s, v0.4s, v1.s[0]
	fadd	v3.4s, v3.4s, v2.4s
	fadd	s4, s4, s5
	fmadd	d6, d7, d8, d6
	str	q3, [x3], #16
	subs	x4, x4, #1
	b.ne	.LBB0_1
	ret
"""
APPLE = """
_main:
LBB0_1:
	ldr	q0, [x1], #16
Lloh0:
	ld1r.4s	{ v1 }, [x2]
	fmla.4s	v2, v0, v1[0]
	fadd.4s	v3, v3, v2
	fmul.2d	v3, v3, v2
	mov.16b	v4, v3
	mov.s	v4[1], v3[0]
	faddp.2s	s0, v1
ltmp1:
	fadd	s4, s4, s5
	str	q3, [x3], #16
	subs	x4, x4, #1
	b.ne	LBB0_1
	ret
"""
SSE = """
f:
LBB0_1:
	movups	(%rdi), %xmm0
	mulps	%xmm1, %xmm0
	addsd	%xmm2, %xmm3
	cvtsi2sd	%eax, %xmm2
	movss	%xmm0, (%rdi)
	jne	LBB0_1
"""


@pytest.mark.parametrize(
    "text, machine, counts",
    [
        (INTEL, "x86_64", assembly.Counts(512, 1, 4, 2, 1)),
        (ARM, "aarch64", assembly.Counts(128, 1, 4, 2, 0)),
        (APPLE, "arm64", assembly.Counts(128, 1, 5, 2, 0)),
        (SSE, "AMD64", assembly.Counts(128, 0, 2, 2, 0)),
    ],
)
def test_instructions_counted_by_hand(text, machine, counts):
    assert assembly.count(assembly.hot_loop(text, machine), machine) == counts


def test_the_hot_loop_is_the_innermost_one_of_the_kernel_itself():
    loop = assembly.hot_loop(INTEL, "x86_64")
    assert loop[0] == ".LBB0_2:" and loop[-1].split() == ["jne", ".LBB0_2"]
    assert assembly.hot_loop("main:\n\tret\n", "x86_64") == []
    around = "f:\n.LBB0_1:\n\tvmovups %ymm0, (%rax)\n.LBB0_2:\n\tincq %rax\n\tjne .LBB0_2\n\tjne .LBB0_1\n"
    assert [line.split()[0] for line in assembly.hot_loop(around, "x86_64")] == [".LBB0_1:", "vmovups", "jne"]


def test_of_loops_that_compute_alike_the_hot_one_keeps_its_sums_in_registers():
    fma = "\tvfmadd231ps\t{}, %ymm1, %ymm{}\n"
    stored = [f"\tvmovups\t{n}(%rsi), %ymm{n}\n{fma.format('%ymm9', n)}\tvmovups\t%ymm{n}, {n}(%rsi)\n" for n in (2, 3)]
    summed = fma.format("(%rdi)", 2) + fma.format("32(%rdi)", 3)
    loops = {".LBB0_1": "".join(stored), ".LBB0_2": summed}
    for order in (loops, dict(reversed(loops.items()))):
        text = "main:\n" + "".join(f"{label}:\n{body}\tjne\t{label}\n" for label, body in order.items())
        assert assembly.hot_loop(text, "x86_64")[0] == ".LBB0_2:"
    single = ".LBB0_3:\n" + 8 * "\tvaddss\t%xmm1, %xmm2, %xmm2\n" + "\tjne\t.LBB0_3\n"  # as many numbers as two vectors
    assert assembly.hot_loop(text + single, "x86_64")[0] == ".LBB0_2:"


def test_an_unknown_cpu_is_named():
    with pytest.raises(ValueError, match="x86-64 and aarch64.*'sparc'"):
        assembly.count(["add"], "sparc")


known = pytest.mark.skipif(not assembly.KNOWN, reason="instructions of another CPU")


@pytest.mark.slow
@known
@pytest.mark.parametrize("name", [name for name in FAST if name not in (*SCALAR, *ENTRY_BY_ENTRY)])
def test_every_fast_kernel_is_vectorized(name):
    counts = fastbp.assert_vectorized(name)
    assert counts.packed and not counts.scalar and counts.width_bits >= 128


@pytest.mark.slow
@known
@pytest.mark.parametrize("name", [name for name in FAST if "linear" in name])
def test_the_products_are_fused_and_as_wide_as_the_cpu_allows(name, dtype):
    counts = fastbp.assert_vectorized(name, dtype)
    assert counts.width_bits == plain_loops.simd_bits()
    least = min(ROWS, 4) if name == "fast_linear_csr_backward_params" else ROWS  # of a feature, four entries at once
    assert counts.fma >= least or "+fma" not in FEATURES


@known
@pytest.mark.parametrize("name", SCALAR)
def test_what_is_not_vectorized_is_told_with_its_counts(name):
    with pytest.raises(AssertionError, match=rf"^{name} is not vectorized: .*0 packed \(0 FMA\) and \d+ scalar"):
        fastbp.assert_vectorized(name)


@known
def test_kernels_of_ones_own():
    @_jit.plain_loop
    def sums(out, x):
        for row in prange(x.shape[0]):
            out[row] = 0.5
            for k in range(x.shape[1]):
                out[row] = out[row] * x[row, k] + x[row, k]

    @numba.njit
    def double(x):
        for k in range(x.size):
            x[k] = x[k] + x[k]

    vector, matrix = numba.float64[::1], numba.float64[:, ::1]
    with pytest.raises(ValueError, match="double must have been called"):
        fastbp.assert_vectorized(double)
    double.compile((numba.float32[::1],))  # as a call does; none is made, as this may be compiled for another CPU
    assert fastbp.assert_vectorized(double).packed
    sums.serial.compile((vector, matrix))
    with pytest.raises(AssertionError, match="sums is not vectorized.*[1-9] scalar"):
        fastbp.assert_vectorized(sums)
    elementwise.relu.serial.compile((matrix, matrix))
    assert fastbp.assert_vectorized(elementwise.relu) == assembly.count(vectorized.instructions("relu", "float64"))


@pytest.mark.parametrize(
    "kernel, dtype, error",
    [
        ("linear_relux", "float32", ValueError),
        ("fast_linear", "float16", ValueError),
        (3, "float32", TypeError),
        (len, "float32", TypeError),
    ],
)
def test_bad_input(kernel, dtype, error):
    with pytest.raises(error, match="kernel must|dtype must"):
        fastbp.assert_vectorized(kernel, dtype)


WARM = """
import json
import fastbp
from fastbp.kernels.compiler import jit as _jit
counts = fastbp.assert_vectorized("fast_transpose")
print(json.dumps([counts.packed, _jit.cache_hits()]))
"""


@known
@pytest.mark.slow
def test_assembly_is_there_for_a_kernel_that_comes_from_the_cache(run_python, tmp_path):
    (packed, none), (again, hits) = (
        json.loads(run_python("-c", WARM, NUMBA_CACHE_DIR=str(tmp_path)).stdout) for _ in range(2)
    )
    assert packed == again > 0 and none == 0 < hits
