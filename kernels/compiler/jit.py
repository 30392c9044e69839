"""How kernels are compiled and cached: the only place that names ``@njit`` options.

Numba's own cache checks only the file that a function stands in, so after an edit its callers in other files keep the
old code. Here one key covers every module of `kernels` (sources.py), the versions of Numba and LLVM, and every variable
that changes compiled code. Compiled kernels are stored under that key in the user's cache folder (cache.py).
"""

import functools
import hashlib
import pickle
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import compiler, config, serialize
from numba.core.caching import _Cache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher
from numba.core.sigutils import normalize_signature

from ..entries import versions
from ..entries.typed import Function
from ..library import sources
from ..library.compiling import compiling
from ..library.loading import library
from ..library.settings import BOUNDSCHECK, INTERPRETED, check_switches
from . import cache as _cache
from . import perf_map
from .signals import held
from .undisturbed import undisturbed

versions.require("numba", numba.__version__)
check_switches(config)
CODE_VARIABLES = (
    "CPU_NAME", "CPU_FEATURES", "DEBUGINFO_DEFAULT", "DEBUG_NRT", "DISABLE_INTEL_SVML", "ENABLE_AVX",
    "ENABLE_PROFILING", "EXTEND_VARIABLE_LIFETIMES", "LLVM_REFPRUNE_FLAGS", "LLVM_REFPRUNE_PASS", "LOOP_VECTORIZE",
    "OPT", "SLP_VECTORIZE", "USING_SVML",
)  # fmt: skip

ZERO = np.intp(0)  # as an argument where others are variables: for a literal 0 Numba compiles the function once more

# what unpickling raises where a file holds something else; nothing else, as exceptions of users may come at any time
UNREADABLE = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, ImportError, LookupError, TypeError, ValueError,
)  # fmt: skip

_OTHERS = "comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"
PARALLEL = dict.fromkeys(_OTHERS, False) | {"prange": True}  # only the loops that say prange run in parallel


class PlainLoop:
    """A plain loop, compiled on its first call in two ways: as `serial` and as `parallel`.

    Numba reports no index error from inside a parallel loop, so under ``NUMBA_BOUNDSCHECK=1`` both are serial.
    Calling the object itself runs the loop serially.
    """

    def __init__(self, function: Function, kept: bool = True) -> None:
        functools.update_wrapper(self, function)
        self.serial: Function = jit(function, kept=kept)
        self.parallel: Function = self.serial if BOUNDSCHECK else jit(function, PARALLEL, kept)

    def __call__(self, *args: Any) -> Any:
        """Compute serially."""
        return self.serial(*args)


def plain_loop(function: Function) -> PlainLoop:
    """Make a `PlainLoop` of a function whose ``prange`` loops have independent iterations."""
    return PlainLoop(function)


def jit(function: Function, parallel: bool | dict[str, bool] = False, kept: bool = True, **flags: Any) -> Function:
    """Compile a function for use by kernels: no GIL, no Python objects, `kept` in the cache.

    There is no fast-math: sums keep their order, NaN and the sign of zero count, and even the fusing of a product
    into its sum is left to kernels that say so, since the compiler may fuse it in one of two loops and not the other.
    """
    if INTERPRETED:
        return function
    how = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True} | flags
    dispatcher = numba.njit(parallel=parallel, **how)(function)
    dispatcher.__class__ = _Undisturbed
    folder = cache_folder() if kept else None
    if folder is not None:
        dispatcher._cache = _KernelCache(folder, function, "parallel" if parallel else "serial")
    return dispatcher


def assembly(dispatcher: CPUDispatcher, signature: tuple[Any, ...]) -> str:
    """Return the assembly of a compiled function, one from the cache included, for which `inspect_asm` has none."""
    compiled = dispatcher.overloads[signature].library
    return compiled.codegen._tm.emit_assembly(compiled._get_module_for_linking())


class _Undisturbed(CPUDispatcher):
    """A function that is compiled, or loaded from the cache, without a signal or exception from outside in between."""

    def compile(self, signature):
        self._launch()
        with compiling.one(self.__name__):
            return undisturbed(super().compile, signature)

    def _compile_for_args(self, *args, **kwargs):
        self._launch()
        with compiling.one(self.__name__):
            return undisturbed(functools.partial(super()._compile_for_args, *args, **kwargs))

    def _launch(self):
        """Start the threads of parallel loops, in the thread that asks: TBB knows the one that did as its main."""
        if self.targetoptions.get("parallel"):
            held(numba.get_num_threads)


class _NoWrapper(_Undisturbed):
    """A function without code for calls from Python; such a call raises TypeError instead of ending the process."""

    def __call__(self, *args):
        raise TypeError(f"{self.__name__} has no code for calls from Python: call its py_func")


class _InlinedCode(JITCodeLibrary):
    """LLVM IR that is linked into callers and optimized with theirs; no machine code is made of it alone."""

    codegen = property(lambda self: self)  # Numba writes the address of a function's environment there

    def set_env(self, name, environment):
        """Do nothing: there is no machine code that would use it."""

    def get_pointer_to_function(self, name):
        """Return 0: there is no machine code."""
        self._ensure_finalized()
        return 0

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class _Inliner(Compiler):
    """Numba's compiler for functions that are inlined into their callers."""

    def __init__(self, typingctx, targetctx, library, *rest):
        super().__init__(typingctx, targetctx, _InlinedCode(targetctx.codegen(), "inlined"), *rest)


def inliner(library: type = JITCodeLibrary) -> Any:
    """Return the compiler for inlined functions, given Numba's class of libraries.

    If a version of Numba lacks the methods that `_InlinedCode` overrides, this is Numba's usual compiler. Inlined
    functions then become machine code as well, which takes longer and changes nothing else.
    """
    return _Inliner if vars(_InlinedCode).keys() - {"set_env"} <= set(dir(library)) else Compiler


def inline(function: Function, compiled_by: type | None = None) -> Function:
    """Compile a function into each of its callers.

    It gets no wrapper for calls from Python: compiling that would take as long as the function itself.
    """
    if INTERPRETED:
        return function
    how = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": compiled_by or inliner()}
    dispatcher = numba.njit(nogil=True, error_model="numpy", forceinline=True, **how)(function)
    dispatcher.__class__ = _NoWrapper
    return dispatcher


def check_compiler() -> None:
    """Raise RuntimeError if NUMBA_DISABLE_JIT says that nothing is to be compiled."""
    if INTERPRETED:
        why = "NUMBA_DISABLE_JIT is set, but fast kernels must be compiled"
        raise RuntimeError(f"{why}: use kernels='elementwise' or unset it")


def compiled_for(signature: Any, function: Function, parallel: bool = False, kept: bool = True) -> CPUDispatcher:
    """Compile a function at once and for one signature only, for calls by its address (calls.py)."""
    check_compiler()
    dispatcher = jit(function, PARALLEL if parallel and not BOUNDSCHECK else False, kept, no_cpython_wrapper=True)
    dispatcher.__class__ = _NoWrapper
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder for compiled kernels of these sources, which is made if need be, or None without a cache."""
    return held(_found_folder)


def _found_folder():
    try:
        return _cache.folder(source_key())
    except sources.MissingError as error:
        warnings.warn(f"fastbp compiles its kernels anew in every process: {error}", RuntimeWarning, stacklevel=5)
        return None


@functools.cache
def source_key() -> str:
    """Return a hash of everything that compiled code depends on."""
    settings = [getattr(config, name, None) for name in CODE_VARIABLES]
    tile = library().tile if library() else None  # registers.py takes it over
    key = repr((sources.key(), numba.__version__, llvmlite.__version__, BOUNDSCHECK, settings, tile))
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def cache_hits() -> int:
    """Return how many kernels this process has found in the cache so far."""
    return _KernelCache.hits


def _object_file(parts):
    """Return the object code among the parts that a compile result is stored as."""
    (_, _, (object_file, _)), *_ = parts
    return object_file


class _KernelCache(_Cache):
    """One file a signature, named by its hash: no index to lock, and a damaged file is compiled again."""

    hits = 0  # of all kernels

    def __init__(self, folder, function, variant):
        self._folder, self._function, self._enabled = folder, function, True
        module = function.__module__.removeprefix("fastbp.kernels.")
        name = f"{module}.{function.__qualname__}.{variant}".replace("<locals>", "in")
        self._name = re.sub(r"[^\w.]", "_", name)  # "<lambda>" is no name of a file on Windows

    @functools.cached_property
    def _key(self):
        return repr(sources.described(self._function))

    @property
    def cache_path(self):
        return str(self._folder)

    def path(self, signature, target_context):
        machine = target_context.codegen().magic_tuple()
        python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
        key = hashlib.sha256(repr((self._key, str(signature), machine, python)).encode()).hexdigest()[:24]
        return self._folder / f"{self._name}.{key}.kernel"

    def load_overload(self, sig, target_context):
        if not self._enabled:
            return None
        target_context.refresh()
        body = _cache.read(self.path(sig, target_context))
        if body is None:
            return None
        try:
            parts = pickle.loads(body)
            found, code = compiler.CompileResult._rebuild(target_context, *parts), _object_file(parts)
        except UNREADABLE:  # the kernel is then compiled
            return None
        if found.signature.args != normalize_signature(sig)[0]:  # a class of another process, of the same name
            return None
        perf_map.write(found.library, code)
        _KernelCache.hits += 1
        return found

    def save_overload(self, sig, data):
        if not self._enabled or data.library.has_dynamic_globals:
            return
        parts = data._reduce()
        perf_map.write(data.library, _object_file(parts))
        body = serialize.dumps(parts)
        try:
            _cache.write(self.path(sig, data.target_context), body)
        except OSError as error:
            self._enabled = False
            warnings.warn(f"fastbp could not keep a compiled kernel: {error}", RuntimeWarning, stacklevel=2)

    def enable(self):
        self._enabled = True

    def disable(self):
        self._enabled = False

    def flush(self):
        for path in self._folder.glob(f"{self._name}.*.kernel"):
            path.unlink(missing_ok=True)
