"""Loops are found along the jumps, wherever their blocks stand; the hot one is what most is computed in."""

import re

import numpy as np
import pytest
from llvmlite import binding

from fastbp.inspection.profiler import assembly
from fastbp.inspection.profiler.loops import loops
from fastbp.kernels.registry import KERNELS

# as LLVM places blocks for haswell: the way out stands above the loop that jumps to it, and the loop begins further up
EXIT_ABOVE = """
main:
	testq	%rsi, %rsi
	jle	.LBB0_3
	jmp	.LBB0_1
.LBB0_3:
	vmovsd	(%rdi), %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	vaddsd	%xmm0, %xmm0, %xmm0
	retq
.LBB0_1:
	vaddps	(%rax), %ymm0, %ymm0
	decq	%rsi
	jbe	.LBB0_3
	jmp	.LBB0_1
"""
# the loop's second half stands before its first, and another function's block between two of the inner loop
SCATTERED = """
main:
	jmp	LBB0_1
LBB0_2:
	vmulps	%ymm1, %ymm0, %ymm0
	jne	LBB0_3
	retq
LBB0_1:
	vaddps	%ymm1, %ymm0, %ymm0
	jmp	LBB0_2
	ud2
LBB0_3:
	vsubps	%ymm1, %ymm0, %ymm0
	je	LBB0_3
	jmp	LBB0_1
"""
TABLE = """
main:
.LBB0_1:
	vaddps	%ymm1, %ymm0, %ymm0
	jmpq	*%rax
.LBB0_2:
	vmulps	%ymm1, %ymm0, %ymm0
	jmp	.LBB0_1
.LBB0_3:
	vsubps	%ymm1, %ymm0, %ymm0
	jmp	.LBB0_1
.LBB0_4:
	retq
	.section	.rodata
	.quad	.LBB0_2
	.quad	.LBB0_3
	.quad	.LBB0_4
"""


def names(lines):
    return [line.split()[0] for line in lines]


def test_a_way_out_above_its_loop_is_no_part_of_it():
    (loop,) = loops(EXIT_ABOVE)
    assert names(loop.lines) == [".LBB0_1:", "vaddps", "decq", "jbe", "jmp"] and loop.innermost
    assert assembly.count(assembly.hot_loop(EXIT_ABOVE, "x86_64"), "x86_64") == assembly.Counts(256, 0, 1, 0, 0)


def test_blocks_of_a_loop_are_found_wherever_they_stand():
    inner, outer = sorted(loops(SCATTERED), key=lambda loop: not loop.innermost)
    assert names(inner.lines) == ["LBB0_3:", "vsubps", "je"]
    assert names(outer.lines) == ["LBB0_2:", "vmulps", "jne", "LBB0_1:", "vaddps", "jmp", "jmp"]
    assert not outer.innermost


def test_a_jump_by_a_table_leads_to_what_nothing_else_leads_to():
    found = list(loops(TABLE))
    assert [names(loop.lines)[1::3] for loop in found] == [["vaddps", "vmulps"], ["vaddps", "vsubps"]]
    assert list(loops("")) == [] and list(loops("main:\n\tjmpq\t*%rax\n")) == []


# ---- which is hot

TAIL = "".join(f"\tfmul\td0, d{n}, d2\n\tfadd\td3, d3, d0\n\tb.eq\t.LBB0_9\n" for n in range(8))  # as many as there are
SKIPPED = f"""
main:
.LBB0_1:
	fmla	v0.2d, v1.2d, v2.2d
	fmul	v1.2d, v1.2d, v2.2d
	b.gt	.LBB0_1
.LBB0_8:
	cmp	x1, #1
	b.lt	.LBB0_9
{TAIL}.LBB0_9:
	subs	x4, x4, #1
	b.ne	.LBB0_8
	ret
"""


def test_what_branches_pass_over_counts_for_as_often_as_they_do_not():
    first, tail = loops(SKIPPED)
    shares = [often for lines, often in tail.parts if "fmul" in names(lines)]
    assert shares == [2.0**-n for n in range(1, 9)]
    assert [often for _, often in (*first.parts, tail.parts[0], tail.parts[-1])] == [1.0] * 3
    assert assembly.count(tail.lines, "aarch64").scalar == 16  # more than 2 * (2 + 1) of the vectors
    assert assembly.hot_loop(SKIPPED, "aarch64") == first.lines


@pytest.mark.parametrize("order", [1, -1])
def test_of_loops_with_as_much_arithmetic_the_hot_one_has_most_fmas(order):
    fused = "\tfmla\tv0.4s, v1.4s, v2.4s\n\tmov\tv3.16b, v4.16b\n\tldr\tq1, [x0]\n\tldr\tq2, [x1]\n"
    added = 2 * "\tfadd\tv0.4s, v1.4s, v2.4s\n"
    widened = 2 * "\tfcvtl\tv3.2d, v1.2s\n" + 4 * "\tfadd\td0, d0, d3\n"  # a conversion is no arithmetic
    bodies = [f".LBB0_{n}:\n{body}\tb.ne\t.LBB0_{n}\n" for n, body in enumerate((fused, added, widened))]
    hot = assembly.hot_loop("main:\n" + "".join(bodies[::order]), "aarch64")
    assert hot[0] == ".LBB0_0:"


# ---- kernels as another CPU would have them

NAMES = "linear_relu linear_backward_params layer_norm_backward_params gather limit adam_update exp".split()


def for_aarch64(dispatcher):
    """The assembly of a compiled function for a CPU with NEON."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    machine = target.create_target_machine(features="+neon", opt=3)
    code = str(dispatcher.overloads[dispatcher.signatures[0]].library._get_module_for_linking())
    code = re.sub(r'target triple = ".*"', f'target triple = "{machine.triple}"', code)
    code = re.sub(r'target datalayout = ".*"', f'target datalayout = "{machine.target_data}"', code)
    return machine.emit_assembly(binding.parse_assembly(code))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_hot_loops_for_aarch64_compute_whole_vectors(name, dtype):
    entry = KERNELS[f"fast_{name}"]
    run = entry.variants["fast"](*entry.sample(3, 3, 3, dtype, np.random.default_rng(0))).__enter__()
    text = "\n".join(map(for_aarch64, run.dispatchers))
    counts = assembly.count(assembly.hot_loop(text, "aarch64"), "aarch64")
    assert counts.packed and not counts.scalar and counts.width_bits == 128
    assert counts.fma >= 4 or "linear" not in name
