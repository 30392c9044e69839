"""Files written whole or not at all: under a name of their own first, which then becomes the name asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open can be neither renamed nor removed
    fcntl = None  # type: ignore[assignment]

TEMPORARY = re.compile(r"\.fastbp-[0-9a-f]{16}\.tmp")
PRIVATE = 0o600
PAUSES = (0.05, 0.15, 0.3, 0.5, None)  # seconds between attempts to replace a file


def path_of(value: str | os.PathLike[str], name: str = "path") -> str:
    """Return a path as text; raise TypeError for bytes and what else is none."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(path := os.fspath(value), str):
        raise TypeError(f"{name} must be a string or path-like, got {value!r} of type {type(value).__name__}")
    return path


def write_whole(data: bytes | Iterable[bytes | memoryview], path: str | os.PathLike[str]) -> None:
    """Write a file, whole or not at all: `data`, or its parts, takes its name once it is on the disk.

    Then the name is brought to the disk, too, so that neither a crash nor a power failure takes it back.

    A file that is replaced hands on its permissions, extended attributes and group, and its owner where root writes.
    What a killed process left behind in the folder is removed.

    Raises
    ------
    OSError
        Where the file can't be written, or on Windows is open in another program; what was there is then as it was.
        Also where the disk fails while the name is brought to it: either file may then be there.
    """
    path = check_writable(path)
    _clean(path)
    try:
        with _temporary(path) as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                _like(path, file)
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()
            _replace(file.name, path)
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def check_writable(path: str | os.PathLike[str]) -> str:
    """Return the path that a file saved there is written to, links followed, if it can be.

    Raises
    ------
    TypeError
        Where it is bytes, or no path.
    OSError
        Where it can't: it is no ordinary file, write-protected, or its folder is missing or takes no new file.
    """
    given = path_of(path)
    path = os.path.realpath(given)
    if os.path.isdir(path) or given.endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, "is a folder", given)
    if os.path.islink(path):  # `realpath` leaves only those that lead back to themselves
        raise OSError(errno.ELOOP, "is a loop of symbolic links", given)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "is no ordinary file", given)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # too long a name?
        if os.path.exists(path):
            open(path, "ab").close()  # write-protected?
        with _temporary(path):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, given) from error
    return path


def sync_folder(folder: str) -> None:
    """Bring the names of a folder's files to the disk, where the system and the file system can.

    Raises
    ------
    OSError
        Where the disk fails.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and others none that may not be listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS, errno.EROFS):
            raise
    finally:
        os.close(descriptor)


def _replace(name: str, path: str) -> None:
    """Let a file take another's name; on Windows wait up to a second for a program that has the other open."""
    for pause in PAUSES if fcntl is None else PAUSES[-1:]:
        try:
            return os.replace(name, path)
        except PermissionError as error:
            if pause is None:
                why = f"{error.strerror}: the file cannot be replaced, another program may have it open"
                raise PermissionError(error.errno, why, path) from error
            time.sleep(pause)


@contextlib.contextmanager
def _temporary(path: str) -> Iterator[BinaryIO]:
    """Make a file beside another, locked while it is open; remove it at the end, if it still has its name.

    It is private if it is to replace a file that may be.
    """
    mode = PRIVATE if os.path.exists(path) else 0o666
    while True:
        name = os.path.join(os.path.dirname(path), f".fastbp-{secrets.token_hex(8)}.tmp")
        file = open(name, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: B023
        if _lock(file):
            break
        file.close()  # another process takes it for one that was left behind
    try:
        with file:
            yield file
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _lock(file: BinaryIO) -> bool:
    """Lock a file of this process; return whether it is still there, which another process may have removed."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, on which none is removed either
        return True
    return os.fstat(file.fileno()).st_nlink > 0


def _like(path: str, file: BinaryIO) -> None:
    """Give an open file the owner, group, permissions and extended attributes of another, as far as may be."""
    old = os.stat(path)
    if hasattr(os, "fchown"):
        for owner, group in (old.st_uid, -1), (-1, old.st_gid):  # only root gives files away, and to any group
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), owner, group)
    with contextlib.suppress(OSError):
        shutil.copystat(path, file.name)
        os.utime(file.name)
    new, mode = os.stat(file.name), stat.S_IMODE(old.st_mode)
    if new.st_gid != old.st_gid:  # its members may do no more than everybody
        mode &= ~0o070 | (mode & 0o007) << 3
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        mode &= 0o777
    if mode != stat.S_IMODE(new.st_mode):
        with contextlib.suppress(OSError):
            os.chmod(file.name, mode)


def _clean(path: str) -> None:
    """Remove the temporary files beside a file that no process has locked: what wrote them was killed.

    Only this user's are removed, and where root writes, those that were given to the owner of the file.
    """
    if fcntl is None:
        return
    owners = {os.geteuid()}
    with contextlib.suppress(OSError):
        owners.add(os.stat(path).st_uid)
    with contextlib.suppress(OSError), os.scandir(os.path.dirname(path)) as entries:
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove(entry.path, owners)


def _remove(path: str, owners: set[int]) -> None:
    with open(path, "r+b", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and found.st_uid in owners:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
