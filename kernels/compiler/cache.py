"""Folders and files of compiled kernels: which are trusted, and how they are made, read, written and removed.

Files read here run as code. So no file is read that anyone but this user or root could have written, and nothing but
caches is removed.
"""

import contextlib
import errno
import functools
import hashlib
import os
import re
import secrets
import tempfile
import time
import warnings
from pathlib import Path

from numba.core import config
from numba.misc.appdirs import AppDirs

KEPT = 8  # caches, so that switching between versions compiles nothing again
HOUR = 3600  # seconds, in which any process has written its kernel
OWNERS = hasattr(os, "getuid")  # not on Windows, where the user's folders are closed to others
EVERYBODY, GROUP, STICKY = 0o002, 0o020, 0o1000  # who else may write; that users cannot remove each other's files
NAME = re.compile(r"[0-9a-f]{24}")  # of a cache
DIGEST = hashlib.sha256().digest_size

_told: set[Path] = set()  # folders of which a file was refused


class DistrustedError(OSError):
    """Someone else could have written it."""


def folder(key: str) -> Path | None:
    """Folder of the kernels under this key, made if need be; None where none can be written, or trusted."""
    base = _base()
    found = base / key
    try:
        for each in base.parent, base, found:
            _make(each)
            _trust(each, each.stat(), above=each == base.parent)
    except OSError as error:
        return _without(found, error)
    try:
        tempfile.TemporaryFile(dir=found).close()
        os.utime(found)
    except OSError as error:
        if any(found.glob("*.kernel")):  # a read-only install, compiled ahead
            return found
        return _without(found, error)
    prune(base)
    _sweep(found)
    return found


def read(path: Path) -> bytes | None:
    """What `write` kept in this file; None where there is no such file, it is damaged, or someone else's."""
    try:
        with open(path, "rb", opener=_opener) as file:
            _trust(path, os.fstat(file.fileno()))
            blob = file.read()
    except DistrustedError as error:
        _refuse(path, error.strerror)
        return None
    except OSError:
        if path.is_symlink():
            _refuse(path, f"{path} is a symbolic link")
        return None
    return blob[DIGEST:] if blob[:DIGEST] == _digest(path, blob[DIGEST:]) else None


def write(path: Path, body: bytes) -> None:
    """Write a file, whole or not at all, and so that `read` trusts it whatever the umask."""
    part = path.with_suffix(f".{secrets.token_hex(8)}.part")
    try:
        _make(path.parent)  # another process may have pruned it
        with open(part, "xb", opener=_opener) as file:
            file.write(_digest(path, body) + body)
            _permit(file.fileno(), path.parent.stat().st_mode & 0o644 | 0o600)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if not (isinstance(error, PermissionError) and path.exists() and read(path) is not None):
            raise  # else another process has written the same, and on Windows none can replace it while it is read


def prune(base: Path) -> None:
    """Remove all but the newest caches; another process that still uses one merely compiles again."""
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for cache in sorted(filter(_is_cache, entries), key=_age)[KEPT:]:
            _remove(cache)


def _sweep(cache):
    """Remove what processes that were killed did not write to the end."""
    with contextlib.suppress(OSError), os.scandir(cache) as files:
        for file in files:
            if file.name.endswith(".part") and _is_kernel(file) and _age(file) > HOUR - time.time():
                os.unlink(file.path)


def _base():
    """Folder of all caches; a setting that is empty or relative counts as none: it would mean the working directory."""
    if (named := _named()) is not None:
        return named / "fastbp"
    usual = AppDirs("fastbp", appauthor=False).user_cache_dir
    if os.environ.get("HOME") == "":  # for which `expanduser` takes the root of the file system
        return Path(".cache/fastbp")
    return Path(usual if os.path.isabs(usual) else os.path.expanduser("~/.cache/fastbp"))


def _named():
    """Folder that the user named."""
    return Path(config.CACHE_DIR) if os.path.isabs(config.CACHE_DIR or "") else None


def _make(folder):
    """Make a folder, and those above it: ours with mode 0700, or with the permissions of the one that was named."""
    if not folder.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "there is no home folder")
    if folder.is_dir():
        return
    _make(folder.parent)
    named = _named()
    ours = named is None or named in folder.parents
    folder.mkdir(0o700 if ours else 0o755, exist_ok=True)
    if ours and named is not None and OWNERS:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            made = os.fstat(descriptor)
            _permit(descriptor, made.st_mode & 0o7000 | _asked(named.stat().st_mode, made.st_gid))
        finally:
            os.close(descriptor)


def _asked(mode, group):
    """Permissions for a folder in one with this mode, without those for which it would be refused."""
    if mode & EVERYBODY:
        return 0o700
    return mode & (0o777 if _own(group) else 0o777 & ~GROUP) | 0o700


def _permit(descriptor, mode):
    """Set permissions, whatever the umask, on file systems that have some."""
    if OWNERS:
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, mode)


def _trust(path, status, above=False):
    """Raise DistrustedError if someone else may have written this; one above our folders may be like /tmp."""
    if not OWNERS:
        return
    others = 0 if above and status.st_mode & STICKY else status.st_mode
    if status.st_uid not in (0, os.geteuid()):
        raise DistrustedError(errno.EPERM, f"{path} belongs to another user")
    if others & EVERYBODY:
        raise DistrustedError(errno.EPERM, f"{path} can be written by everybody")
    if others & GROUP and not _own(status.st_gid):
        raise DistrustedError(errno.EPERM, f"{path} can be written by a group that isn't this user's own")


def _own(group):
    """Whether a group is this user's primary one."""
    return group == _primary_group(os.geteuid())


@functools.cache
def _primary_group(user):
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:  # as in a container that gives its user no name
        return os.getegid()


def _without(folder, error):
    message = f"fastbp compiles its kernels anew in every process: no cache in {folder} ({error.strerror})"
    warnings.warn(message, RuntimeWarning, stacklevel=6)


def _refuse(path, why):
    """Say, once a folder, that a file is not read."""
    if path.parent not in _told:
        _told.add(path.parent)
        warnings.warn(f"fastbp compiles a kernel anew and loads none from there: {why}", RuntimeWarning, stacklevel=4)


def _opener(path, flags):
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _digest(path, body):
    """Checksum of a file that also tells it from a copy of another's."""
    return hashlib.sha256(path.name.encode() + b"\0" + body).digest()


def _is_cache(entry):
    """Whether a folder's entry is a folder named like a cache that holds nothing but kernels."""
    try:
        if not (NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)):
            return False
        with os.scandir(entry) as files:
            return all(map(_is_kernel, files))
    except OSError:
        return False


def _is_kernel(entry):
    """Whether a cache's entry is a kernel, or one that was never wholly written."""
    return entry.name.endswith((".kernel", ".part")) and entry.is_file(follow_symlinks=False)


def _age(entry):
    try:
        return -entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _remove(cache):
    """Remove a cache file by file: where anything else has come into it, that and the folder stay."""
    with contextlib.suppress(OSError):
        with os.scandir(cache) as files:
            for file in filter(_is_kernel, list(files)):
                os.unlink(file.path)
        os.rmdir(cache.path)
