"""What the key of compiled kernels covers where a package is installed as a zip file, or without its sources."""

import compileall
import importlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import fastbp
from fastbp.kernels.compiler import cache, jit
from fastbp.kernels.library import sources

FILES = {
    "__init__.py": "",
    "one.py": "def f(t):\n    return t + 0.5\n",
    "below/__init__.py": "",
    "below/two.py": "K = 1\n",
}
NAMES = ["small", "small.below", "small.below.two", "small.one"]
FORMS = ["sources", "bytecode", "zipped sources", "zipped bytecode"]

# compiles a kernel that calls another, and reads what comes with the package
USE = """
import json
import numpy as np
import fastbp
from fastbp.files import datasets
from fastbp.kernels.compiler import jit
from fastbp.kernels.specification import paper
t = np.array([[-1.0, 0.0, 2.0]])
h = np.empty_like(t)
paper.relu.serial(h, t)
digits = datasets.digits().X.shape
print(json.dumps({"h": h.tolist(), "hits": jit.cache_hits(), "digits": digits, "at": fastbp.__file__}))
"""


def install(files, place, form):
    """Write a package `small` of these files in one of the forms; return what goes into sys.path."""
    for name, text in files.items():
        (place / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "small" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return pack(place, form)


def pack(place, form):
    """Turn a folder with packages of sources into one of the forms; return what goes into sys.path."""
    if "bytecode" in form:
        assert compileall.compile_dir(place, quiet=2, legacy=True)
        for path in place.rglob("*.py"):
            path.unlink()
    return Path(shutil.make_archive(place, "zip", place)) if "zipped" in form else place


@pytest.fixture
def contents(tmp_path, monkeypatch):
    """Install a package of these files in a form, import it, and return what `sources.contents` finds."""

    def of(files, form):
        root = install(files, tmp_path / f"{len(os.listdir(tmp_path))}", form)
        monkeypatch.syspath_prepend(root)
        try:
            importlib.import_module("small.below.two")
            return sources.contents("small")
        finally:
            for name in NAMES:
                sys.modules.pop(name, None)

    return of


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_package_tells_what_is_in_it(contents, form):
    found = contents(FILES, form)
    assert [name for name, _ in found] == NAMES
    assert contents(FILES, form) == found  # in another place
    if "sources" in form:
        assert dict(found)["small.one"] == FILES["one.py"].encode()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "edit",
    [
        {"one.py": "def f(t):\n    return t + 0.25\n"},  # a constant
        {"one.py": "def f(t):\n    return t - 0.5\n"},  # an instruction
        {"one.py": "def f(t):\n    return K + 0.5\n"},  # a name
        {"one.py": "\ndef f(t):\n    return t + 0.5\n"},  # a line
        {"below/two.py": "K = 1.0\n"},
        {"below/two.py": "K = -0.0\n"},
        {"more.py": "K = 1\n"},
    ],
    ids=range(7),
)
def test_every_edit_is_seen(contents, form, edit):
    assert contents(FILES | edit, form) != contents(FILES, form)


def test_bytecode_says_the_same_in_every_process(run_python, tmp_path):
    files = FILES | {"below/two.py": "def f(t):\n    return t in {'a', 'b', 'c', 'd'}, t in (1, 1.0, True, 'e')\n"}
    root = install(files, tmp_path / "root", "bytecode")
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import small; "
    code += "from fastbp.kernels.library import sources; print(sources.contents('small'))"
    first, second = (run_python("-c", code, PYTHONHASHSEED=seed).stdout for seed in "12")
    assert first == second and "small.below.two" in first


def test_line_ends_make_no_other_kernels(contents):
    written = {name: text.encode().replace(b"\n", b"\r\n") for name, text in FILES.items()}
    assert b"\r\n" in written["one.py"] and contents(written, "sources") == contents(FILES, "sources")


def test_what_is_no_module_is_left_out(contents):
    others = {".#one.py": "", "one.old.py": "K = 2\n", "notes.txt": "K", "data/table.csv": "1,2\n", "py": ""}
    assert contents(FILES | others, "sources") == contents(FILES, "sources")


def test_a_folder_of_sources_and_bytecode_is_read_as_the_import_system_reads_it(contents, tmp_path):
    lonely = tmp_path / "lonely.py"
    lonely.write_text("K = 3\n")
    assert compileall.compile_file(lonely, quiet=2, legacy=True)
    found = dict(contents(FILES | {"below/lonely.pyc": lonely.with_suffix(".pyc").read_bytes()}, "sources"))
    assert [*found] == ["small", "small.below", "small.below.lonely", "small.below.two", "small.one"]
    assert found["small.one"] == FILES["one.py"].encode() and b"3" in found["small.below.lonely"]


def test_what_cannot_be_read_or_listed_is_named(contents, monkeypatch):
    monkeypatch.setitem(sys.modules, "small.unlisted", sys)
    with pytest.raises(sources.MissingError, match=r"small\.unlisted is imported and not listed"):
        contents(FILES, "sources")
    monkeypatch.delitem(sys.modules, "small.unlisted")

    def unreadable(_):
        raise OSError

    monkeypatch.setattr(sources, "_lines", unreadable)
    found = contents(FILES, "sources")
    assert b"'t'" in dict(found)["small.one"]
    monkeypatch.setattr(importlib.machinery.SourceFileLoader, "get_code", lambda *_: None)
    with pytest.raises(sources.MissingError, match=r"fastbp\.kernels has neither source nor bytecode"):
        sources.contents()


def test_kernels_that_nobody_can_tell_apart_are_compiled_in_memory(monkeypatch):
    def missing():
        raise sources.MissingError("the module m has neither source nor bytecode")

    monkeypatch.setattr(jit, "source_key", missing)
    monkeypatch.setattr(cache, "folder", lambda key: pytest.fail("a folder was asked for"))
    with pytest.warns(RuntimeWarning, match="anew in every process: the module m has neither"):
        assert jit.cache_folder.__wrapped__() is None


@pytest.mark.slow
def test_an_update_without_sources_runs_new_code(run_python, tmp_path):
    """A zip file of bytecode: it is the case that has neither files nor sources."""
    found = []
    for version, after in ("one", "t + 0.0"), ("two", "t + 3.0"), ("one again", "t + 0.0"):
        root = tmp_path / version
        ignored = shutil.ignore_patterns("kernels", "__pycache__", "*.ipynb", "*.md")
        shutil.copytree(Path(fastbp.__file__).parent, root / "fastbp", ignore=ignored)
        shutil.copytree(Path(jit.__file__).parents[1], root / "fastbp" / "kernels", ignore=ignored)
        paper = root / "fastbp" / "kernels" / "specification" / "paper.py"
        paper.write_text(paper.read_text(encoding="utf-8").replace("else t + 0.0", f"else {after}"), encoding="utf-8")
        archive = pack(root, "zipped bytecode")
        path = {"PYTHONPATH": str(archive), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        found.append(json.loads(run_python("-W", "error", "-c", USE, cwd=tmp_path, **path).stdout))
        assert found[-1]["at"].startswith(str(archive)) and found[-1]["digits"] == [1797, 64]
    assert [(one["h"], one["hits"]) for one in found] == [([[0, 0, 2]], 0), ([[0, 3, 5]], 0), ([[0, 0, 2]], 1)]
