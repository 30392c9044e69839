"""The shared library of kernels: which is taken, what it is built of, and calls without Numba."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from llvmlite import binding as llvm

from fastbp.kernels.engine import building, code, compilation
from fastbp.kernels.entries.records import Record
from fastbp.kernels.library import levels, loading, settings, sources
from fastbp.kernels.library.calls import entry_point
from fastbp.kernels.library.levels import (
    AARCH64,
    AVX512_STATE,
    AVX_STATE,
    PART,
    X86_64,
    XCR0,
    features,
    present,
)
from fastbp.kernels.library.symbols import symbol
from fastbp.kernels.machine.registers import ROWS, VECTORS
from fastbp.kernels.program.entry_records import IDENTITY, SHUFFLE
from fastbp.kernels.program.phases import Kernel

F32 = np.dtype(np.float32)
linked = pytest.mark.skipif(
    not any(shutil.which(each[0]) for each in building.LINKERS.get(sys.platform, ())), reason="there is no linker"
)


# ---- levels of CPU


def cpu(bits, state):
    """An entry point that says of a CPU that it has these bits, and that the system keeps these registers."""

    def identify(record):
        leaf = record["leaf"]
        for name in "abcd":
            record[name] = state if leaf == XCR0 else bits.get((leaf, name), 0)

    return identify


def all_bits(*upto):
    found = {}
    for level in upto:
        for place, bits in level.bits.items():
            found[place] = found.get(place, 0) | bits
    return found


@pytest.mark.parametrize("count", range(len(X86_64) + 1))
def test_a_cpu_has_the_levels_whose_bits_it_has(count):
    bits = all_bits(*X86_64[:count])
    assert present(X86_64, cpu(bits, AVX512_STATE)) == list(X86_64[:count])


@pytest.mark.parametrize(("state", "count"), [(0, 1), (2, 1), (AVX_STATE, 2), (0x26, 2), (AVX512_STATE, 4)])
def test_registers_that_the_system_does_not_keep_are_not_used(state, count):
    assert present(X86_64, cpu(all_bits(*X86_64), state)) == list(X86_64[:count])


@pytest.mark.parametrize("level", X86_64, ids=lambda level: level.name)
def test_each_bit_of_a_level_is_needed(level):
    for place, mask in level.bits.items():
        for number in range(32):
            if mask >> number & 1:
                bits = all_bits(*X86_64)
                bits[place] &= ~(1 << number)
                assert level not in present(X86_64, cpu(bits, AVX512_STATE))


@pytest.mark.parametrize("lacking, usable", [(None, 1), ((1, "c", 12), 0), ((1, "c", 28), 0), ((1, "c", 20), 0)])
def test_a_library_of_a_high_level_alone_needs_the_bits_of_all_below(lacking, usable, monkeypatch):
    """Of v4's library alone: FMA and AVX are bits of v3, SSE4.2 is one of v2."""
    bits = all_bits(*X86_64)
    if lacking:
        bits[lacking[:2]] &= ~(1 << lacking[2])
    monkeypatch.setattr(loading, "levels", lambda: X86_64)
    monkeypatch.setattr(loading, "is_current", lambda path: True)
    monkeypatch.setattr(loading, "_opened", lambda path: SimpleNamespace(address=lambda *name: 0))
    monkeypatch.setattr(loading, "entry_point", lambda address: cpu(bits, AVX512_STATE))
    v4 = X86_64[2]
    assert loading._usable([v4], {v4.name: Path("v4")}) == [v4] * usable


@pytest.mark.parametrize("level", [*X86_64, *AARCH64], ids=lambda level: level.name)
def test_llvm_knows_the_cpu_and_features_of_each_level(level, capfd):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu" if level in AARCH64 else "x86_64-unknown-linux-gnu"
    target = llvm.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=level.cpu or level.name, features=features(level))
    module = llvm.parse_assembly("define double @f(double %x) { ret double %x }")
    module.triple = triple
    assert machine.emit_assembly(module) and capfd.readouterr().err == ""


def test_features_add_up_over_the_levels():
    v2, v3, v4, pairs = (set(features(level).split(",")) for level in X86_64)
    assert v2 < v3 < v4 < pairs and {"+avx2", "+fma"} <= v3 - v2 and "+avx512vl" in v4
    assert pairs - v4 == {"+avx512bf16"}
    assert features(AARCH64[0]) == "+neon" and levels.levels("riscv64") == ()


def test_this_cpu_says_what_it_is():
    identify, record = entry_point(compilation.work("identify", F32)[0]), Record(IDENTITY)
    if levels.levels()[:1] != X86_64[:1]:
        pytest.skip("only x86-64 has CPUID")
    record["leaf"] = 0
    identify(record)
    name = b"".join(record[register].to_bytes(4, "little") for register in "bdc")
    assert name in (b"AuthenticAMD", b"GenuineIntel", b"HygonGenuine", b"CentaurHauls")
    record["leaf"] = 0x0FFFFFFF  # beyond the last
    identify(record)
    assert [record[register] for register in "abcd"] == [0] * 4
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    names = [level.name for level in present(X86_64, identify)]
    assert ("x86-64-v3" in names) == ({"avx2", "fma", "bmi2", "movbe", "f16c"} <= set(flags))
    assert ("x86-64-v4" in names) == ({"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags))
    assert ("x86-64-v4-bf16" in names) == ("avx512_bf16" in flags)
    record["leaf"] = 7 | PART  # its first part says how many follow
    identify(record)
    assert bool(record["a"] >> 5 & 1) == ("avx512_bf16" in flags)


# ---- a small library


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with a library of three entry points, for all levels that this CPU has."""
    folder, patch = tmp_path_factory.mktemp("built"), pytest.MonkeyPatch()
    wanted = ("identify", "shuffle_rows", "dismiss")
    patch.setattr(
        compilation, "library_code", lambda dtype: ((name, None, compilation.work(name, F32)[1]) for name in wanted)
    )
    path = folder / f"{levels.levels()[0].name}{loading.SUFFIX}"
    with patch.context():
        (folder / "some.o").write_bytes(building.object_code("float32"))
        linker = next(each for each in building.LINKERS[sys.platform] if shutil.which(each[0]))
        subprocess.run([*linker, "-o", str(path), str(folder / "some.o")], check=True)
    told = {"level": path.stem, "tile": [ROWS, VECTORS], "sources": sources.key(), "code": loading.digest(path)}
    path.with_suffix(".json").write_text(json.dumps(told))
    patch.undo()
    return path


@pytest.fixture
def chosen(small, monkeypatch):
    """Make `library` look for libraries where the small one is; return it without its memory."""
    monkeypatch.setattr(loading, "FOLDER", small.parent)
    for name in settings.VARIABLES:
        monkeypatch.delenv(f"NUMBA_{name}", raising=False)
    monkeypatch.delenv(settings.CHOICE, raising=False)
    return loading.library.__wrapped__


@linked
def test_a_library_is_found_and_computes_the_same_bits(chosen, small):
    found = chosen()
    assert found.path == small and found.tile == (ROWS, VECTORS) and found.simd_bits == levels.levels()[0].simd_bits
    orders = np.zeros((2, 1009), np.int64)
    addresses = found.address("shuffle_rows", F32), compilation.work("shuffle_rows", F32)[0]
    for order, address in zip(orders, addresses, strict=True):
        entry_point(address)(Record(SHUFFLE).fill({"order": order, "key": 7}))
    assert (orders[0] == orders[1]).all() and sorted(orders[0]) == list(range(1009))
    assert found.address("train", F32) is None


@linked
def test_a_library_of_other_sources_is_ignored(chosen, monkeypatch):
    monkeypatch.setattr(sources, "key", lambda: "edited")
    assert chosen() is None


@linked
def test_a_library_is_taken_where_no_sources_are_installed(chosen, monkeypatch, small):
    def missing():
        raise sources.MissingError("no sources")

    monkeypatch.setattr(sources, "key", missing)
    assert chosen().path == small


@linked
@pytest.mark.parametrize(
    "damage", ["cut off", "one bit", "not told", "told in part", "told otherwise", "no dictionary"]
)
def test_a_damaged_library_is_ignored(chosen, monkeypatch, small, tmp_path, damage):
    code, told = small.read_bytes(), small.with_suffix(".json").read_text()
    if damage == "cut off":
        code = code[:4000]
    elif damage == "one bit":
        code = code[:5000] + bytes([code[5000] ^ 1]) + code[5001:]
    told = {"told in part": told[:40], "told otherwise": "{}", "no dictionary": "[1]"}.get(damage, told)
    (tmp_path / small.name).write_bytes(code)
    if damage != "not told":
        (tmp_path / small.name).with_suffix(".json").write_text(told)
    monkeypatch.setattr(loading, "FOLDER", tmp_path)
    assert chosen() is None


@linked
@pytest.mark.parametrize("variable", [*(f"NUMBA_{name}" for name in settings.VARIABLES), settings.CHOICE])
def test_settings_of_the_compiler_ask_for_compiled_code(chosen, monkeypatch, variable):
    monkeypatch.setenv(variable, "off" if variable == settings.CHOICE else "1")
    assert chosen() is None


@linked
@pytest.mark.parametrize("name", settings.SWITCHES)
def test_a_switch_that_is_off_asks_for_nothing(chosen, monkeypatch, small, name):
    monkeypatch.setenv(f"NUMBA_{name}", "0")
    assert chosen().path == small
    monkeypatch.setenv("NUMBA_OPT", "0")
    assert chosen() is None


@linked
def test_a_level_is_chosen_by_name(chosen, monkeypatch, small):
    monkeypatch.setenv(settings.CHOICE, small.stem)
    monkeypatch.setenv("NUMBA_OPT", "1")  # what is named counts more
    assert chosen().path == small
    monkeypatch.setenv(settings.CHOICE, "x86-64-v9")
    with pytest.raises(ImportError, match="FASTBP_LIBRARY must be 'off' or a level .* got 'x86-64-v9'"):
        chosen()


def test_what_a_library_lacks_is_compiled(monkeypatch):
    class Poor:
        def address(self, name, dtype, of=None):
            return 1234 if name == "train" else None

    monkeypatch.setattr(code, "library", Poor)
    assert code.address.__wrapped__("train", F32) == 1234
    assert code.address.__wrapped__("shuffle_rows", F32) == compilation.work("shuffle_rows", F32)[0]
    kernel = Kernel("output_row", "exp")
    assert code.kernel.__wrapped__(kernel, F32) == compilation.compile_kernel(kernel, F32)[0]


# ---- what libraries are built of


def test_names_tell_functions_apart():
    names = {(kernel.name, kernel.of) for kernel in compilation.all_kernels()}
    names |= {(name, None) for name in ("run_task", *compilation.WORK)}
    names |= {("advance", name) for name, rule in compilation.RULES.items() if rule.advance}
    assert len({symbol(name, dtype, of) for name, of in names for dtype in ("float32", "float64")}) == 2 * len(names)


def test_every_kernel_of_a_program_is_in_the_library():
    assert {kernel.name for kernel in compilation.all_kernels()} == {
        *compilation._MAKERS, *compilation._PLAIN, "gather", "gather_csr", "scatter_csr", "update",
    } - {"row_block_clocked"}  # fmt: skip


def test_kernels_that_call_what_not_every_system_has_are_refused():
    module = llvm.parse_assembly(
        f'target triple = "{llvm.get_process_triple()}"\n'
        "declare void @NRT_incref(ptr)\n"
        "define void @kernel(ptr %p) {\n  call void @NRT_incref(ptr %p)\n  ret void\n}\n"
    )
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    with pytest.raises(RuntimeError, match="kernels must not call NRT_incref"):
        building._remove_what_is_not_called(module, machine)


def test_without_a_linker_nothing_is_built(monkeypatch, tmp_path):
    monkeypatch.setattr(building.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="a linker is needed: "):
        building.build(levels.levels()[0], tmp_path)
    assert list(tmp_path.iterdir()) == []
