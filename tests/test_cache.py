"""The folder of compiled kernels: whose files are trusted, how ours are made, and what is ever removed."""

import os
import shutil
import stat
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

import fastbp
from fastbp.kernels.compiler import cache as kernel_cache
from fastbp.kernels.compiler import jit

KEY, OTHER = "0123456789abcdef01234567", 12345  # a cache's name; the number of another user, and of a group
posix = pytest.mark.skipif(not kernel_cache.OWNERS, reason="folders have no owners there")
root = pytest.mark.skipif(not kernel_cache.OWNERS or os.geteuid() != 0, reason="gives files away, as root may")

WHERE = "from fastbp.kernels.compiler import jit; print(jit.cache_folder())"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A folder as NUMBA_CACHE_DIR names it."""
    folder = tmp_path / "named"
    folder.mkdir(0o700)
    monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", str(folder))
    monkeypatch.setattr(kernel_cache, "_told", set())
    return folder


@pytest.fixture
def foreign_groups(monkeypatch):
    """All groups are those of others."""
    monkeypatch.setattr(kernel_cache, "_primary_group", lambda user: -1)


# ---- what is removed -----------------------------------------------------------------------------------------------


def cache(base, number, files=("a.kernel", "b.0.part")):
    """Make a folder as old as its number says."""
    folder = base / f"{number:024x}"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_bytes(b"")
    os.utime(folder, (10**9 - number, 10**9 - number))
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_pruning_keeps_the_newest(tmp_path):
    folders = [cache(tmp_path, age) for age in range(12)]
    (tmp_path / "file").write_bytes(b"")
    kernel_cache.prune(tmp_path)
    assert [folder.exists() for folder in folders] == [True] * kernel_cache.KEPT + [False] * 4
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("age", [0, 1000])  # newer than the caches, and older
def test_what_is_no_cache_is_neither_removed_nor_counted(tmp_path, age):
    caches = [cache(tmp_path, 100 + number) for number in range(kernel_cache.KEPT)]
    oldest = cache(tmp_path, 999)
    for name in "data", "a" * 23, "a" * 25, "g" * 24, "A" * 24:
        cache(tmp_path, age).rename(tmp_path / name)
    cache(tmp_path, age + 1, ["a.kernel", "notes.txt"])
    (cache(tmp_path, age + 2) / "below.kernel").mkdir()
    os.utime(tmp_path / f"{age + 2:024x}", (10**9 - age, 10**9 - age))
    before = names(tmp_path)
    kernel_cache.prune(tmp_path)
    assert names(tmp_path) == before - {oldest.name, f"{oldest.name}/a.kernel", f"{oldest.name}/b.0.part"}
    assert all(folder.exists() for folder in caches)


@posix
def test_pruning_follows_no_links(tmp_path):
    base, data = tmp_path / "base", cache(tmp_path / "elsewhere", 1)
    for age in range(kernel_cache.KEPT):
        cache(base, age)
    (base / f"{100:024x}").symlink_to(data)
    os.utime(data, (1, 1))
    linked = cache(base, 101)
    (linked / "c.kernel").symlink_to(data / "a.kernel")
    os.utime(linked, (1, 1))
    before = names(tmp_path)
    kernel_cache.prune(base)
    assert names(tmp_path) == before


def test_importing_leaves_folders_of_the_user_alone(run_python, tmp_path):
    for number in range(12):
        folder = tmp_path / "fastbp" / f"data {number}"
        folder.mkdir(parents=True)
        (folder / "results.csv").write_text("1,2")
    before = names(tmp_path)
    found = Path(run_python("-c", WHERE, NUMBA_CACHE_DIR=str(tmp_path)).stdout.strip())
    assert found.parent == tmp_path / "fastbp" and before <= names(tmp_path)


# ---- where the folder is, and how it is made -----------------------------------------------------------------------


@posix
@pytest.mark.parametrize("setting", ["", "here", "./fastbp", "~/here"])
def test_a_setting_that_is_empty_or_relative_counts_as_none(run_python, tmp_path, setting):
    home, cwd = tmp_path / "home", tmp_path / "cwd"
    home.mkdir(mode=0o700)
    cwd.mkdir()
    package = os.pathsep.join([str(Path(fastbp.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    variables = {"NUMBA_CACHE_DIR": setting, "XDG_CACHE_HOME": setting, "HOME": str(home), "PYTHONPATH": package}
    done = run_python("-W", "error", "-c", WHERE, cwd=cwd, **variables)
    found = Path(done.stdout.strip())
    assert found.name == jit.source_key() and home in found.parents and names(cwd) == set()
    assert mode(found) == mode(found.parent) == 0o700


@posix
@pytest.mark.parametrize("home", ["home", ""])
def test_without_a_home_there_is_no_cache(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", home)
    with pytest.warns(RuntimeWarning, match="anew in every process.*there is no home folder"):
        assert kernel_cache.folder(KEY) is None
    assert names(tmp_path) == set()


@posix
@pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077])
def test_our_folders_are_closed_to_others_whatever_the_umask(tmp_path, monkeypatch, mask):
    monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", "")
    monkeypatch.setattr(kernel_cache.AppDirs, "user_cache_dir", str(tmp_path / "above" / "fastbp"))
    with umask(mask):
        folder = kernel_cache.folder(KEY)
        kernel_cache.write(folder / "a.kernel", b"of code")
    assert [mode(path) for path in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3
    assert mode(folder / "a.kernel") == 0o600
    assert kernel_cache.read(folder / "a.kernel") == b"of code"


@posix
@pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077])
@pytest.mark.parametrize(
    ("asked", "given", "file"),
    [(0o700, 0o700, 0o600), (0o755, 0o755, 0o644), (0o750, 0o750, 0o640), (0o1777, 0o700, 0o600)],
)
def test_in_a_folder_that_was_named_they_have_its_permissions(named, mask, asked, given, file):
    named.chmod(asked)
    with umask(mask):
        folder = kernel_cache.folder(KEY)
        kernel_cache.write(folder / "a.kernel", b"of code")
    assert (mode(folder), mode(folder.parent), mode(folder / "a.kernel")) == (given, given, file)
    assert mode(named) == asked
    assert kernel_cache.folder(KEY) == folder and kernel_cache.read(folder / "a.kernel") == b"of code"


@posix
def test_a_group_may_write_only_if_it_is_the_users_own(named, monkeypatch):
    named.chmod(0o770)
    monkeypatch.setattr(kernel_cache, "_primary_group", lambda user: named.stat().st_gid)
    folder = kernel_cache.folder(KEY)
    assert mode(folder) == mode(folder.parent) == 0o770
    kernel_cache.write(folder / "a.kernel", b"of code")
    assert mode(folder / "a.kernel") == 0o640 and kernel_cache.read(folder / "a.kernel") == b"of code"
    shutil.rmtree(folder.parent)
    named.chmod(0o1770)
    monkeypatch.setattr(kernel_cache, "_primary_group", lambda user: -1)
    folder = kernel_cache.folder(KEY)
    assert mode(folder) == mode(folder.parent) == 0o750


@posix
def test_a_named_folder_that_is_missing_is_made_and_can_be_shared(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", str(tmp_path / "opt" / "named"))
    with umask(0):
        folder = kernel_cache.folder(KEY)
    assert {mode(path) for path in (folder, *folder.parents[:3])} == {0o755}


@root
def test_what_root_compiled_ahead_serves_users_who_may_only_read(monkeypatch):
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", base)
        with umask(0o077):
            folder = kernel_cache.folder(KEY)
            kernel_cache.write(folder / "a.kernel", b"of code")
        os.seteuid(OTHER)
        try:
            assert kernel_cache.folder(KEY) == folder and kernel_cache.read(folder / "a.kernel") == b"of code"
            with pytest.raises(PermissionError):
                kernel_cache.write(folder / "b.kernel", b"of code")
        finally:
            os.seteuid(0)


# ---- what is refused -----------------------------------------------------------------------------------------------


PLACES = {
    "named": lambda named: named,
    "base": lambda named: named / "fastbp",
    "key": lambda named: named / "fastbp" / KEY,
}


@posix
@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_others_may_write_is_refused(named, place, foreign_groups):
    folder = PLACES[place](named)
    kernel_cache.folder(KEY)
    for mode, who in (0o702, "everybody"), (0o770, "a group"):
        folder.chmod(mode)
        with pytest.warns(RuntimeWarning, match=f"anew in every process.*{folder} can be written by {who}"):
            assert kernel_cache.folder(KEY) is None
    folder.chmod(0o1777)  # as /tmp is: ours in it are safe from others
    if place == "named":
        assert kernel_cache.folder(KEY) == named / "fastbp" / KEY
    else:
        with pytest.warns(RuntimeWarning, match="by everybody"):
            assert kernel_cache.folder(KEY) is None


@root
@pytest.mark.parametrize("place", PLACES)
def test_a_folder_of_others_is_refused(named, place):
    folder = PLACES[place](named)
    kernel_cache.folder(KEY)
    os.chown(folder, OTHER, -1)
    with pytest.warns(RuntimeWarning, match=f"{folder} belongs to another user"):
        assert kernel_cache.folder(KEY) is None
    os.chown(folder, 0, OTHER)
    folder.chmod(0o750)  # a group that may only read
    assert kernel_cache.folder(KEY) is not None


def by_link(path):
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


UNSAFE = {
    "by everybody": lambda path: path.chmod(0o602),
    "by a group": lambda path: path.chmod(0o660),
    "a symbolic link": by_link,
    "another user": lambda path: os.chown(path, OTHER, -1),
}


@pytest.mark.parametrize("why", [pytest.param(why, marks=root if "user" in why else posix) for why in UNSAFE])
def test_a_file_that_others_may_have_written_is_compiled_again_and_replaced(named, why, foreign_groups):
    folder = kernel_cache.folder(KEY)
    for name in "a.kernel", "b.kernel":
        kernel_cache.write(folder / name, b"of code")
        UNSAFE[why](folder / name)
    with pytest.warns(RuntimeWarning, match=why):
        assert kernel_cache.read(folder / "a.kernel") is None
    with warnings.catch_warnings():  # it is said once
        warnings.simplefilter("error")
        assert kernel_cache.read(folder / "b.kernel") is None
    kernel_cache.write(folder / "a.kernel", b"compiled again")
    assert kernel_cache.read(folder / "a.kernel") == b"compiled again"


def test_a_file_under_another_name_is_refused(named):
    folder = kernel_cache.folder(KEY)
    kernel_cache.write(folder / "a.kernel", b"of code")
    shutil.copyfile(folder / "a.kernel", folder / "b.kernel")
    assert kernel_cache.read(folder / "a.kernel") == b"of code" and kernel_cache.read(folder / "b.kernel") is None


@posix
@pytest.mark.slow
def test_a_process_whose_cache_is_refused_says_so_once_and_compiles(run_python, tmp_path):
    tmp_path.chmod(0o707)
    code = "from fastbp.kernels.compiler import jit; print(jit.jit(lambda a: 2 * a)(1.5))"
    done = run_python("-W", "always", "-c", code, NUMBA_CACHE_DIR=str(tmp_path))
    assert done.stdout == "3.0\n" and names(tmp_path) == set()
    assert done.stderr.count("RuntimeWarning") == done.stderr.count("can be written by everybody") == 1
