"""The cache of compiled kernels: kept, found again, never stale, never trusted when damaged; and bounds checking."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from compiled_anew import hits_and_misses

import fastbp
from fastbp.kernels.compiler import cache, jit
from fastbp.kernels.fast import panels

KERNELS = Path(jit.__file__).parents[1]

# compiles two kernels that call others; prints what they return and how they came
USE = """
import json, sys
import numpy as np
from fastbp.kernels.compiler import jit
from fastbp.kernels.specification import paper
t = np.array([[-1.0, 0.0, 2.0]])
h, z = np.empty_like(t), np.empty_like(t)
paper.relu.serial(h, t)
paper.softmax.parallel(z, t)
used = [paper.relu.serial, paper.softmax.parallel]
print(json.dumps({
    "hits": sum(sum(d.stats.cache_hits.values()) for d in used),
    "misses": sum(sum(d.stats.cache_misses.values()) for d in used),
    "h": h.tolist(), "z": z.tolist(), "folder": str(jit.cache_folder()),
}))
"""

OVERRUN = """
import numpy as np
from numba import prange
from fastbp.kernels.compiler import jit

@jit.plain_loop
def overrun(out):
    for i in prange(out.shape[0]):
        out[i + 1] = 1

print(jit.source_key())
for variant in (overrun.serial, overrun.parallel, overrun):
    try:
        variant(np.zeros(4))
    except IndexError:
        print("IndexError")
"""


# compiles a loop whose helper is given a named tuple, a class that is another one in every process
UPDATE = """
import numpy as np
from fastbp.kernels.compiler import jit
from fastbp.kernels.specification import pointwise
W, m, v = np.ones(3), np.zeros(3), np.zeros(3)
pointwise.UPDATE_LOOPS["adam"].serial(W, m, v, W.copy(), (0.9, 0.999, 1e-8, 0.0), 0.1, 1)
print(W, jit.cache_folder())
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package, to be edited."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        Path(fastbp.__file__).parent, root / "fastbp", ignore=shutil.ignore_patterns("kernels", "__pycache__")
    )
    shutil.copytree(KERNELS, root / "fastbp" / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="module")
def use(checkout, run_python):
    """Run USE on the copy with its own cache; return what it printed."""

    def run(cache, **variables):
        done = run_python("-c", USE, cwd=checkout, NUMBA_CACHE_DIR=str(cache), **variables)
        return json.loads(done.stdout), done.stderr

    return run


@pytest.mark.slow
def test_a_second_process_compiles_nothing_and_an_edit_compiles_anew(checkout, use, tmp_path):
    first, stderr = use(tmp_path)
    assert (first["hits"], first["misses"], first["h"], stderr) == (0, 2, [[0, 0, 2]], "")
    assert Path(first["folder"]).parent == tmp_path / "fastbp"

    second, _ = use(tmp_path)
    assert (second["hits"], second["misses"]) == (2, 0)
    assert {key: second[key] for key in ("h", "z", "folder")} == {key: first[key] for key in ("h", "z", "folder")}

    source = checkout / "fastbp" / "kernels" / "specification" / "paper.py"
    text = source.read_text(encoding="utf-8")
    before, after = "else t + 0.0", "else t + 3.0"  # in a function that relu calls
    assert text.count(before) == 1
    source.write_text(text.replace(before, after), encoding="utf-8")
    try:
        edited, _ = use(tmp_path)
    finally:
        source.write_text(text, encoding="utf-8")
    assert (edited["hits"], edited["misses"], edited["h"]) == (0, 2, [[0, 3, 5]])
    assert edited["folder"] != first["folder"]


@pytest.mark.slow
def test_where_no_cache_can_be_written_one_warning_is_given_and_kernels_work(use, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    found, stderr = use(blocked / "below", PYTHONWARNINGS="always")
    assert stderr.count("RuntimeWarning: fastbp compiles its kernels anew in every process") == 1
    assert found["folder"] == "None" and found["h"] == [[0, 0, 2]]


@pytest.mark.slow
def test_bounds_checking_finds_an_overrun_inside_a_parallel_loop(run_python, tmp_path):
    script = tmp_path / "overrun.py"
    script.write_text(OVERRUN)
    done = run_python(script, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_BOUNDSCHECK="1")
    key, *errors = done.stdout.split()
    assert errors == ["IndexError"] * 3
    unchecked = "from fastbp.kernels.compiler.jit import source_key; print(source_key())"
    assert run_python("-c", unchecked, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_BOUNDSCHECK="0").stdout.strip() != key


# ---- in this process -----------------------------------------------------------------------------------------------


def doubled(a):
    return 2 * a


def test_each_signature_has_its_own_file(kernel_folder):
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    assert hits_and_misses(doubled, 2) == (0, 1)
    assert hits_and_misses(doubled, 2.5) == (1, 0)
    assert hits_and_misses(doubled, 3) == (1, 0)
    assert len(list(kernel_folder.iterdir())) == 2


DAMAGE = {
    "empty": lambda blob: b"",
    "a few bytes": lambda blob: blob[:10],
    "truncated": lambda blob: blob[: len(blob) // 2],
    "one byte short": lambda blob: blob[:-1],
    "one bit flipped": lambda blob: blob[:-100] + bytes([blob[-100] ^ 1]) + blob[-99:],
    "garbage": lambda blob: bytes(range(256)) * 20,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_compiled_again_and_replaced(kernel_folder, kind):
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    [file] = kernel_folder.iterdir()
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    assert hits_and_misses(doubled, 1.5) == (1, 0)
    assert list(kernel_folder.iterdir()) == [file]


@pytest.mark.parametrize("body", [b"not a pickle", b"N."])
def test_a_file_that_is_whole_but_no_kernel_is_compiled_again_and_replaced(kernel_folder, body):
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    [file] = kernel_folder.iterdir()
    cache.write(file, body)
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    assert hits_and_misses(doubled, 1.5) == (1, 0)


def test_a_file_copied_over_another_is_compiled_again(kernel_folder):
    assert hits_and_misses(doubled, 1.5) == (0, 1)
    [of_floats] = kernel_folder.iterdir()
    assert hits_and_misses(doubled, 2) == (0, 1)
    [of_integers] = set(kernel_folder.iterdir()) - {of_floats}
    shutil.copyfile(of_floats, of_integers)
    assert hits_and_misses(doubled, 3) == (0, 1)
    assert hits_and_misses(doubled, 3) == (1, 0)


def test_what_a_killed_process_did_not_write_to_the_end_is_removed_later(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.config, "CACHE_DIR", str(tmp_path))
    found = cache.folder("0123456789abcdef01234567")
    for name, age in ("a.kernel", 9999), ("a.0.part", 9999), ("b.0.part", 10), ("c.txt", 9999):
        (found / name).write_bytes(b"")
        os.utime(found / name, (time.time() - age, time.time() - age))
    assert cache.folder(found.name) == found
    assert sorted(os.listdir(found)) == ["a.kernel", "b.0.part", "c.txt"]


@pytest.mark.slow
def test_any_part_of_what_another_process_compiled_serves(run_python, tmp_path):
    """As where one process compiles while another does, or ended before all was written."""
    first = run_python("-c", UPDATE, XDG_CACHE_HOME=str(tmp_path)).stdout
    folder = Path(first.split()[-1])
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert any("adam_update" in name for name in files)
    for kept in files:
        for path in folder.iterdir():
            path.unlink()
        (folder / kept).write_bytes(files[kept])
        assert run_python("-c", UPDATE, XDG_CACHE_HOME=str(tmp_path)).stdout == first


def test_a_pruned_folder_is_made_again(kernel_folder):
    dispatcher = jit.jit(doubled)
    kernel_folder.rmdir()
    assert dispatcher(1.5) == 3
    assert hits_and_misses(doubled, 1.5) == (1, 0)


def test_a_folder_that_takes_no_files_costs_a_warning_and_no_more(kernel_folder):
    dispatcher = jit.jit(doubled)
    kernel_folder.rmdir()
    kernel_folder.write_text("a file in the kernel_folder's place")
    with pytest.warns(RuntimeWarning, match="could not keep"):
        assert dispatcher(1.5) == 3
    assert dispatcher(2) == 4  # and says so once


def test_kernels_keep_name_and_docstring_and_call_the_serial_loop():
    @jit.plain_loop
    def fill(out):
        """Ones."""
        for i in range(out.shape[0]):
            out[i] = 1

    assert (fill.__name__, fill.__doc__) == ("fill", "Ones.")
    out = np.full(3, np.nan)
    fill(out)
    assert out.tolist() == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("times", ["def times(a): return a * n", "times = twice(n)", "times = of_two[n - 2]"])
def test_functions_that_close_over_different_values_have_different_cache_entries(run_python, tmp_path, times):
    code = (
        "from fastbp.kernels.compiler.jit import inline, jit\n"
        "def twice(n):\n"
        "    return inline(lambda a: a * n)\n"
        "def double(a): return 2 * a\n"
        "def treble(a): return 3 * a\n"
        "double, treble = inline(double), inline(treble)\n"
        "of_two = inline(lambda a: double(a)), inline(lambda a: treble(a))\n"
        "def make(n):\n"
        f"    {times}\n"
        "    def called(a):\n"
        "        return times(a)\n"
        "    return jit(called if times.__class__.__name__ != 'function' else times)\n"
        "print(make(2)(1.0), make(3)(1.0))"
    )
    script = tmp_path / "closures.py"
    script.write_text(code)
    for _ in range(2):  # compiled, and from the cache
        assert run_python(script, NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout == "2.0 3.0\n"


def test_what_is_compiled_into_its_callers_refuses_a_call_from_python():
    with pytest.raises(TypeError, match="pad has no code for calls from Python: call its py_func"):
        panels.pad(3, 4)
    assert panels.pad.py_func(3, 4) == 4


def test_what_is_compiled_into_its_callers_becomes_machine_code_only_there():
    @jit.inline
    def twice(x):
        return 2 * x

    @jit.jit
    def four_times(x):
        return twice(twice(x))

    def has_code(dispatcher):
        for compiled in dispatcher.overloads.values():
            yield compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) != 0

    assert four_times(1.5) == 6.0 and four_times(3) == 12
    for kinds in four_times.signatures:
        twice.compile(kinds)  # it may not have been, where the other was in the cache
    assert list(has_code(four_times)) == [True, True]
    assert list(has_code(twice)) == [False, False]


def test_with_another_version_of_numba_what_is_inlined_is_compiled_as_all_else():
    assert jit.inliner() is jit._Inliner and jit.inliner(object) is jit.Compiler
