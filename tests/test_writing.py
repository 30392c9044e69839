"""Files written whole or not at all: what they keep of those they replace, and what killed saves leave behind."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from itertools import product

import pytest

import fastbp
from fastbp.files import writing
from fastbp.files.writing import write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="owners, permissions, links and locks as POSIX has them")
root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="gives files away, as root may")
USER, GROUP = 12345, 23456
LEFT = ".fastbp-0123456789abcdef.tmp"  # as a killed save leaves it


@pytest.fixture(params=["model", "profile", "bytes"])
def save(request):
    """Each way to a file that fastbp writes."""
    if request.param == "model":
        return fastbp.Model([2, 3], seed=0).save
    if request.param == "profile":
        profile = object.__new__(fastbp.Profile)
        object.__setattr__(profile, "to_dict", lambda: {})
        return profile.save
    return lambda path: write_whole(b"new", path)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# ---- what is kept


@posix
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755])
def test_permissions_are_those_of_the_file_that_is_replaced(tmp_path, save, kept):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(kept)
    before, mask = path.stat(), os.umask(0o022)
    try:
        save(path)
    finally:
        os.umask(mask)
    assert mode(path) == kept and path.read_bytes() != b"old"
    assert path.stat().st_ino != before.st_ino and path.stat().st_mtime_ns > before.st_mtime_ns
    assert os.listdir(tmp_path) == ["file"]


@root
def test_root_keeps_owner_and_group(tmp_path, save):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, USER, GROUP)
    path.chmod(0o4660)
    save(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (USER, GROUP, 0o4660)


@root
def test_without_the_right_to_give_files_away_nobody_may_do_more_than_before():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        open(path, "wb").close()
        os.chown(path, USER, GROUP)
        os.chmod(path, 0o4676)
        os.chmod(folder, 0o777)
        os.seteuid(USER + 1)
        try:
            write_whole(b"new", path)
        finally:
            os.seteuid(0)
        found = os.stat(path)
        assert (found.st_uid, found.st_gid, mode(path)) == (USER + 1, os.getegid(), 0o666)
        assert os.listdir(folder) == ["file"]


@posix
def test_a_private_file_is_private_all_the_time(tmp_path, monkeypatch):
    path, seen, fsync = tmp_path / "file", [], os.fsync
    path.write_bytes(b"old")
    path.chmod(0o600)
    monkeypatch.setattr(writing, "_like", lambda path, file: seen.append(mode(file.name)))
    monkeypatch.setattr(
        os, "fsync", lambda number: seen.append(stat.S_IMODE(os.fstat(number).st_mode)) or fsync(number)
    )
    write_whole(b"new", path)
    assert seen[:-1] == [0o600, 0o600]  # the last is the folder


@posix
def test_extended_attributes_are_kept(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"mine")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    write_whole(b"new", path)
    assert os.getxattr(path, "user.note") == b"mine"


# ---- links


@posix
def test_a_loop_of_links_is_an_error_and_stays(tmp_path, save):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "self").symlink_to("self")
    for name, attempt in product(["one", "self", "self/below"], [save, writing.check_writable]):
        with pytest.raises(OSError) as error:
            attempt(tmp_path / name)
        assert error.value.errno == errno.ELOOP and name in str(error.value)
    assert {name: os.readlink(tmp_path / name) for name in os.listdir(tmp_path)} == {
        "one": "two",
        "two": "one",
        "self": "self",
    }


@posix
def test_what_a_link_points_to_is_replaced(tmp_path, save):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("below/file")
    save(tmp_path / "link")
    assert os.readlink(tmp_path / "link") == "below/file" and (tmp_path / "below" / "file").read_bytes() != b"old"
    assert sorted(os.listdir(tmp_path)) == ["below", "link"] and os.listdir(tmp_path / "below") == ["file"]


# ---- what killed saves leave behind

KILLED = """
import os, signal, sys
from fastbp.files.writing import write_whole
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
write_whole(b"new" * 10_000, sys.argv[1])
"""


@posix
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_what_a_killed_save_left_is_removed_by_the_next(tmp_path, moment):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, path, moment])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old" and len(os.listdir(tmp_path)) == 2
    write_whole(b"new", tmp_path / "other")
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


@posix
def test_a_save_that_goes_on_keeps_its_file(tmp_path):
    with writing._temporary(str(tmp_path / "slow")) as file:
        file.write(b"half")
        thread = threading.Thread(target=write_whole, args=(b"new", tmp_path / "fast"))
        thread.start()
        thread.join()
        assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(file.name), "fast"])
    assert os.listdir(tmp_path) == ["fast"]


@posix
def test_a_file_that_another_process_removed_in_the_first_moment_is_made_again(tmp_path, monkeypatch):
    lock, names = writing._lock, []

    def late(file):
        names.append(file.name)
        if len(names) == 1:
            writing._clean(str(tmp_path / "file"))
        return lock(file)

    monkeypatch.setattr(writing, "_lock", late)
    monkeypatch.setattr(writing, "check_writable", str)
    write_whole(b"new", tmp_path / "file")
    assert len(set(names)) == 2 and (tmp_path / "file").read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


@posix
def test_nothing_else_is_removed(tmp_path):
    kept = [".fastbp-0123.tmp", f"{LEFT}x", f"x{LEFT}", ".fastbp-0123456789abcdeF.tmp", ".fastbp-0000000000000000.tmp"]
    for name in kept[:-1]:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / kept[-1]).symlink_to(kept[0])
    (tmp_path / ".fastbp-1111111111111111.tmp").mkdir()
    os.mkfifo(tmp_path / ".fastbp-2222222222222222.tmp")
    (tmp_path / LEFT).write_bytes(b"")
    before = set(os.listdir(tmp_path))
    write_whole(b"new", tmp_path / "file")
    assert set(os.listdir(tmp_path)) == before - {LEFT} | {"file"}


@root
def test_files_of_other_users_stay(tmp_path):
    (tmp_path / LEFT).write_bytes(b"")
    os.chown(tmp_path / LEFT, USER, -1)
    write_whole(b"new", tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [LEFT, "file"]


@root
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_what_a_killed_save_of_root_left_to_the_owner_of_the_file_is_removed(tmp_path, moment):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, USER, GROUP)
    assert subprocess.run([sys.executable, "-c", KILLED, path, moment]).returncode == -signal.SIGKILL
    [left] = set(tmp_path.iterdir()) - {path}
    assert left.stat().st_uid == USER
    write_whole(b"new", path)
    assert os.listdir(tmp_path) == ["file"] and path.stat().st_uid == USER


def test_a_file_system_without_locks_takes_files_and_keeps_what_is_left(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    if writing.fcntl is not None:
        monkeypatch.setattr(writing.fcntl, "flock", refuse)
    (tmp_path / LEFT).write_bytes(b"")
    write_whole(b"new", tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [LEFT, "file"] and (tmp_path / "file").read_bytes() == b"new"


@posix
def test_the_name_is_on_the_disk_before_older_checkpoints_are_removed(tmp_path, monkeypatch):
    from fastbp.training.checkpoints import folder

    calls, fsync, replace, unlink = [], os.fsync, os.replace, os.unlink

    def synced(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def replaced(*names):
        calls.append("replace")
        replace(*names)

    def removed(path):
        if str(path).endswith(".safetensors"):
            calls.append("remove")
        unlink(path)

    for name, call in ("fsync", synced), ("replace", replaced), ("unlink", removed):
        monkeypatch.setattr(os, name, call)
    for _ in range(2):
        folder.write(str(tmp_path / "run"), "0123abcd", 1, {}, {})
    written = ["file", "replace", "folder"]
    assert calls == ["folder", *written, *written, "remove"]  # the first is the one in which "run" is made


@posix
@pytest.mark.parametrize(("number", "refused"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_syncs_no_folders_takes_files_and_a_disk_that_fails_is_told(
    tmp_path, monkeypatch, number, refused
):
    fsync = os.fsync

    def failing(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    if refused:
        with pytest.raises(OSError, match="Input/output error"):
            write_whole(b"new", tmp_path / "file")
    else:
        write_whole(b"new", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
