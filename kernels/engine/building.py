"""Builds the shared library of kernels for a kind of CPU: ``python -m fastbp.kernels.engine.building``.

Kernels are compiled by Numba as usual. Their LLVM IR is put together, made into position-independent code, and linked.
Networks of each dtype make an object file, in a process of its own.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llvmlite import binding as llvm

from ..library import sources
from ..library.calls import entry_point
from ..library.levels import Level, features, levels, present
from ..library.loading import FOLDER, SUFFIX, digest, is_current
from ..library.settings import CHOICE
from ..library.symbols import symbol
from ..machine.registers import tile_shape
from . import compilation

DTYPES = "float32", "float64"
SYSTEM = {"memcpy", "memmove", "memset", "pow", "sched_yield", "sqrt"}  # functions that every system has
LINKERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "linux": (
        ("ld", "-shared", "-z", "noexecstack", "-z", "relro", "-z", "now", "--hash-style=gnu", "-s"),
        ("cc", "-shared", "-nostdlib", "-s"),
    ),
    "darwin": (("cc", "-dynamiclib"),),
    "win32": (("clang", "-shared"),),
}  # of which the first that is there is called


def main(arguments: Sequence[str] | None = None) -> int:
    """Build libraries, by default that of this CPU's level; return the exit status."""
    known = {level.name: level for level in levels()}
    parser = argparse.ArgumentParser(prog="python -m fastbp.kernels.engine.building", description=__doc__)
    parser.add_argument("--level", action="append", choices=list(known), help="by default the best of this CPU")
    parser.add_argument("--all", action="store_true", help="build all levels of this kind of machine")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder, by default that in which libraries are found")
    parser.add_argument("--object", nargs=2, metavar=("DTYPE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.object:
        dtype, path = options.object
        Path(path).write_bytes(object_code(dtype))
        return 0
    for name in list(known) if options.all else options.level or [host_level()]:
        path = options.out / f"{name}{SUFFIX}"
        what = (
            "is current" if is_current(path) else f"built, {build(known[name], options.out).stat().st_size // 1024} KB"
        )
        print(f"{path}: {what}", flush=True)
    return 0


def host_level() -> str:
    """Return the name of the best level that this CPU has."""
    identify = entry_point(compilation.work("identify", "float32")[0])
    return present(levels(), identify)[-1].name if levels()[0].bits else levels()[0].name


def build(level: Level, folder: Path) -> Path:
    """Build the library of a level in a folder; return its path, at which it appears whole or not at all."""
    linker = next((each for each in LINKERS.get(sys.platform, ()) if shutil.which(each[0])), None)
    if linker is None:
        raise RuntimeError(f"a linker is needed: {' or '.join(each[0] for each in LINKERS.get(sys.platform, ()))}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        objects = [Path(work) / f"{dtype}.o" for dtype in DTYPES]
        cpu = {"NUMBA_CPU_NAME": level.cpu or level.name, "NUMBA_CPU_FEATURES": features(level)}
        variables = os.environ | {CHOICE: "off"} | cpu
        command = [sys.executable, "-m", "fastbp.kernels.engine.building", "--object"]
        running = [
            subprocess.Popen([*command, dtype, str(path)], env=variables)
            for dtype, path in zip(DTYPES, objects, strict=True)
        ]
        if any([process.wait() for process in running]):
            raise RuntimeError(f"the kernels for {level.name} could not be compiled")
        linked = Path(work) / f"{level.name}{SUFFIX}"
        subprocess.run([*linker, "-o", str(linked), *map(str, objects)], check=True)
        about = {"level": level.name, "tile": tile_shape(features(level), platform.machine()), "sources": sources.key()}
        told = linked.with_suffix(".json")
        told.write_text(json.dumps(about | {"code": digest(linked)}), encoding="utf-8")
        path = linked.replace(folder / linked.name)
        told.replace(folder / told.name)
        return path


def object_code(dtype: str) -> bytes:
    """Return an object file of the kernels of networks of a dtype, for the CPU that Numba compiles for."""
    llvm.initialize_native_asmparser()
    whole, codegen = None, None
    for name, of, dispatcher in compilation.library_code(dtype):
        (compiled,) = dispatcher.overloads.values()
        codegen = compiled.library.codegen
        module = _with_one_symbol(compiled, symbol(name, dtype, of))
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    machine = llvm.Target.from_triple(whole.triple).create_target_machine(
        cpu=codegen._get_host_cpu_name(), features=codegen._tm_features, opt=3, reloc="pic", codemodel="default"
    )
    _remove_what_is_not_called(whole, machine)
    return machine.emit_object(whole)


def _with_one_symbol(compiled, name):
    """Return the optimized IR of a compiled function, which alone can be seen from outside, by this name."""
    module = compiled.library._get_module_for_linking().clone()
    for value in (*module.functions, *module.global_variables):
        if not value.is_declaration:
            value.linkage = "internal"
    function = module.get_function(compiled.fndesc.llvm_func_name)
    function.linkage, function.name = "external", name
    if sys.platform == "win32":
        function.storage_class = "dllexport"
    return module


def _remove_what_is_not_called(module, machine):
    """Remove internal functions that nothing calls.

    Raises RuntimeError where the rest calls what not every system has, such as Numba's own functions.
    """
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=0))
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    module.verify()
    called = {each.name for each in module.functions if each.is_declaration and not each.name.startswith("llvm.")}
    if called - SYSTEM:
        raise RuntimeError(f"kernels must not call {', '.join(sorted(called - SYSTEM))}")


if __name__ == "__main__":
    sys.exit(main())
