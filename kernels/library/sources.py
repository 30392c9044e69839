"""What the kernels are compiled from: the source of each module, or its bytecode where no source is installed.

The import system is asked, not the file system: a package may stand in a zip file, in a frozen program, or in .pyc
files alone.
"""

import functools
import hashlib
import os
import pkgutil
import sys
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

PACKAGE = __name__.rpartition(".")[0].rpartition(".")[0]  # of all kernels
ATTRIBUTES = (
    "co_name", "co_flags", "co_firstlineno", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_varnames",
    "co_freevars", "co_cellvars", "co_names", "co_consts", "co_code", "co_exceptiontable",
)  # fmt: skip
OTHERS = (*BYTECODE_SUFFIXES, *EXTENSION_SUFFIXES)  # endings of modules that are no sources


class MissingError(LookupError):
    """A module has neither source nor bytecode, so that nobody can tell whether it has changed."""


@functools.cache
def key() -> str:
    """Return a hash of what all kernels are compiled from. It raises `MissingError` as `contents` does."""
    found = hashlib.sha256()
    for name, content in contents():
        found.update(b"%s\0%d\0" % (name.encode(), len(content)) + content)
    return found.hexdigest()


def contents(package: str = PACKAGE) -> list[tuple[str, bytes]]:
    """Return the name of each module of an imported package, and what it says as bytes.

    Raises
    ------
    MissingError
        Where the modules cannot be listed, or one has neither source nor bytecode.
    """
    module = sys.modules[package]
    found = {package: _content(module.__spec__)}
    try:
        found |= _of_folders(module, f"{package}.")
    except OSError:  # no folder, or one that can't be read
        found |= _below(module.__path__, f"{package}.")
    missing = {name for name in list(sys.modules) if name.startswith(f"{package}.")} - found.keys()
    if missing:
        raise MissingError(f"the module {min(missing)} is imported and not listed")
    return sorted(found.items())


def _of_folders(module, prefix):
    """Yield the same as `_below` in a third of its time, where a package is folders of sources; else raise OSError."""
    if type(module.__spec__.loader) is not SourceFileLoader:
        raise OSError
    for folder in module.__path__:
        yield from _of_folder(folder, prefix)


def _of_folder(folder, prefix):
    """Yield the name and source of each module in a folder."""
    with os.scandir(folder) as listed:
        entries = list(listed)
    if any(entry.name.endswith(OTHERS) for entry in entries):
        raise OSError
    for entry in entries:
        stem, source = entry.name.removesuffix(".py"), entry.path
        if "." in stem or stem == "__init__":  # no module's name
            continue
        is_package = stem == entry.name
        if is_package and not os.path.exists(source := os.path.join(source, "__init__.py")):
            continue
        with open(source, "rb") as file:
            yield prefix + stem, _lines(file.read())
        if is_package:
            yield from _of_folder(entry.path, f"{prefix}{stem}.")


def _below(path, prefix):
    """Yield the same of the modules in folders, archives or the like."""
    for finder, name, is_package in pkgutil.iter_modules(path, prefix):
        spec = finder.find_spec(name)
        yield name, _content(spec)
        if is_package:
            yield from _below(spec.submodule_search_locations, f"{name}.")


def _content(spec):
    """Return the source of a module, or else what its bytecode says, wherever it stands."""
    try:
        return _lines(spec.loader.get_data(spec.origin)) if spec.origin.endswith(".py") else _bytecode(spec)
    except (AttributeError, OSError):  # no source there, whatever the loader says
        return _bytecode(spec)


def _lines(source):
    """Return a source with one kind of line ends. Sources are UTF-8 and are compared undecoded, which is faster."""
    return source.replace(b"\r\n", b"\n")


def _bytecode(spec):
    try:
        code = spec.loader.get_code(spec.name)
    except (AttributeError, ImportError, OSError) as error:
        raise MissingError(f"the module {spec.name} has neither source nor bytecode") from error
    if code is None:
        raise MissingError(f"the module {spec.name} has neither source nor bytecode")
    return repr(plain(code)).encode(errors="surrogatepass")


def described(value: Any) -> Any:
    """Return what a value is, the same in every process: of a function its name, code, and what it encloses."""
    function = getattr(value, "py_func", value)
    if isinstance(function, FunctionType):
        enclosed = [described(cell.cell_contents) for cell in function.__closure__ or ()]
        return function.__module__, function.__qualname__, plain(function.__code__), enclosed
    name = getattr(value, "name", None)
    return (type(value).__name__, name) if isinstance(name, str) else value


def plain(value: Any) -> Any:
    """Return code or a constant as it is in every process: without the file's path, sets in order."""
    if isinstance(value, CodeType):
        return [plain(getattr(value, name, None)) for name in ATTRIBUTES]
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, frozenset):
        return sorted(repr(plain(one)) for one in value)
    return repr(value)
