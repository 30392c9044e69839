"""The folder of compiled kernels: what is ever removed from it."""

import os
from pathlib import Path

import pytest

from fastbp.kernels import _cache

posix = pytest.mark.skipif(os.name != "posix", reason="links take privileges there")

WHERE = "from fastbp.kernels import _jit; print(_jit.cache_folder())"


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
    _cache.prune(tmp_path)
    assert [folder.exists() for folder in folders] == [True] * _cache.KEPT + [False] * 4
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("age", [0, 1000])  # newer than the caches, and older
def test_what_is_no_cache_is_neither_removed_nor_counted(tmp_path, age):
    caches = [cache(tmp_path, 100 + number) for number in range(_cache.KEPT)]
    oldest = cache(tmp_path, 999)
    for name in "data", "a" * 23, "a" * 25, "g" * 24, "A" * 24:
        cache(tmp_path, age).rename(tmp_path / name)
    cache(tmp_path, age + 1, ["a.kernel", "notes.txt"])
    (cache(tmp_path, age + 2) / "below.kernel").mkdir()
    os.utime(tmp_path / f"{age + 2:024x}", (10**9 - age, 10**9 - age))
    before = names(tmp_path)
    _cache.prune(tmp_path)
    assert names(tmp_path) == before - {oldest.name, f"{oldest.name}/a.kernel", f"{oldest.name}/b.0.part"}
    assert all(folder.exists() for folder in caches)


@posix
def test_pruning_follows_no_links(tmp_path):
    base, data = tmp_path / "base", cache(tmp_path / "elsewhere", 1)
    for age in range(_cache.KEPT):
        cache(base, age)
    (base / f"{100:024x}").symlink_to(data)
    os.utime(data, (1, 1))
    linked = cache(base, 101)
    (linked / "c.kernel").symlink_to(data / "a.kernel")
    os.utime(linked, (1, 1))
    before = names(tmp_path)
    _cache.prune(base)
    assert names(tmp_path) == before


def test_importing_leaves_folders_of_the_user_alone(run_python, tmp_path):
    for number in range(12):
        folder = tmp_path / "fastbp" / f"data {number}"
        folder.mkdir(parents=True)
        (folder / "results.csv").write_text("1,2")
    before = names(tmp_path)
    found = Path(run_python("-c", WHERE, NUMBA_CACHE_DIR=str(tmp_path)).stdout.strip())
    assert found.parent == tmp_path / "fastbp" and before <= names(tmp_path)
