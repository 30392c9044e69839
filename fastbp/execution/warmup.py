"""Compiling ahead: the kernels that models need when they are first used, for images and read-only installs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import checks, choices
from ..kernels.entries.optimizer import Optimizer, Rule
from ..kernels.library.compiling import compiling
from ..kernels.library.loading import library
from ..kernels.optimizers import OPTIMIZERS, RULES
from ..kernels.program.phases import Kernel
from ..kernels.program.state import READ_IN_PLACE
from ..network import FUSED, Network
from . import programs

NETWORK = Network((1, 1, 1))  # kernels do not depend on the sizes
WORK = (
    "train", "predict", "train_replicas", "pack_parameters", "unpack_parameters", "row_worker", "run_task", "run_phase",
)  # fmt: skip
ROUNDED = "run_task_flushing", "round_parameters"  # besides, of products of bfloat16
ANY = "shuffle_rows", "launch", "help_out", "dismiss"  # once, for networks of any dtype


def warmup(
    *models: Any,
    dtypes: Any = ("float32",),
    optimizers: Any = tuple(OPTIMIZERS),
    activations: Any = ("relu",),
    losses: Any = ("cross_entropy",),
    layer_norm: bool = False,
    verbose: int | bool | str = "auto",
) -> list[str]:
    """Compile the fast kernels that models need into the cache folder, for one thread and for many.

    Later processes load them, also those that may not write to the folder. They are valid for this machine's kind of
    CPU and this version of Python, Numba and fastbp. NUMBA_CACHE_DIR sets the folder. What the installed library of
    kernels holds is not compiled.

    Parameters
    ----------
    *models : Model, estimator or pipeline
        What is to be used later: its kernels are compiled. Without any, the other arguments say which.
    dtypes : {"float32", "float64"} or iterable of them
        dtypes of the models.
    optimizers, activations, losses : str, object or iterable of them
        Those of the models, as `Model` takes them. The name "sgd" includes momentum and Nesterov's; an object is
        compiled with its own settings. Functions of your own are compiled in each process, not ahead.
    layer_norm : bool
        Whether some models have layer normalization.
    verbose : {"auto", True, False, 0, 1}
        Whether to print what is compiled, as it is, how long it takes, and the cache folder.

    Returns
    -------
    list of str
        Names of the kernels that were compiled; empty if all were in the cache or in the library.

    Raises
    ------
    ValueError, TypeError
        For names that are not known, and functions of your own.
    OSError
        If compiled kernels cannot be kept.

    Examples
    --------
    >>> import fastbp
    >>> _ = fastbp.warmup(fastbp.Model([784, 128, 10], optimizer="adam"))  # doctest: +SKIP
    >>> _ = fastbp.warmup(dtypes=["float32", "float64"], losses=fastbp.losses.Huber())  # doctest: +SKIP
    """
    kinds = [checks.dtype(dtype) for dtype in _each(dtypes)]
    wanted = _wanted(_each(optimizers), _each(activations), _each(losses), checks.flag("layer_norm", layer_norm))
    work = [(dtype, name, pairs) for dtype in kinds for name, pairs in wanted.items()]
    if models:
        work = [part for model in models for part in _of_model(model)]
    tells = bool(checks.verbosity(verbose))
    missing = [(dtype, name, pairs) for dtype, name, pairs in work if not _in_library(dtype, pairs)]
    if tells and len(missing) < len(work):
        print(f"in the library for {library().level}: {', '.join(_titles(work, missing))}", flush=True)
    return _compiled(missing, tells) if missing else []


def _compiled(work: list[tuple[np.dtype, str, list[tuple[Network, Rule]]]], tells: bool) -> list[str]:
    """Compile this into the cache folder; return the names of what was not there."""
    from ..kernels.compiler import jit

    folder = jit.cache_folder()
    if folder is None:
        raise OSError("compiled kernels cannot be kept: set NUMBA_CACHE_DIR to a folder that can be written")
    before = _files(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "fastbp could not keep", RuntimeWarning)
        try:
            for dtype, name, pairs in work:
                _compile(dtype, name, pairs, folder, tells)
        except RuntimeWarning as warning:
            raise OSError(str(warning)) from None
    if tells:
        print(f"JIT cache: {folder}")
    return sorted(map(_name, _files(folder) - before))


def _of_model(model: Any) -> Iterator[tuple[np.dtype, str, list[tuple[Network, Rule]]]]:
    """Yield what a model, an estimator or the last step of a pipeline needs, as `_compiled` takes it."""
    model = model.steps[-1][1] if hasattr(model, "steps") else model
    if not hasattr(model, "_kernels_ahead"):
        raise TypeError(f"warmup takes models, estimators and pipelines that end in one, got {type(model).__name__}")
    for dtype, network, rules in model._kernels_ahead():
        for F in network.activations:
            _refuse_own("activation", F)
        _refuse_own("loss", network.loss)
        yield dtype, type(model).__name__, [(network, rule) for rule in rules]


def _titles(work: list[Any], missing: list[Any]) -> list[str]:
    return [f"{dtype} {name}" for dtype, name, pairs in work if (dtype, name, pairs) not in missing]


def _wanted(
    optimizers: list[Any], activations: list[Any], losses: list[Any], layer_norm: bool
) -> dict[str, list[tuple[Network, Rule]]]:
    """Return the networks and rules whose kernels are compiled, by what they stand for."""
    plain = RULES["sgd"]
    wanted = {}
    for one in optimizers:
        optimizer = choices.optimizer(one, None)
        rules = [one.rule] if isinstance(one, Optimizer) else type(optimizer).rules
        network = replace(
            NETWORK,
            parametrization=optimizer.parametrization,
            rate_factors=optimizer.factors,
            decay_factors=optimizer.decays,
        )
        wanted[optimizer.name] = [(network, rule) for rule in rules]
    for F in map(choices.activation, activations):
        _refuse_own("activation", F)
        wanted[F.name] = [(replace(NETWORK, activation=F, dropout=share), plain) for share in (0.0, 0.5)]
    for loss in map(choices.loss, losses):
        _refuse_own("loss", loss)
        wanted[loss.name] = [(replace(NETWORK, loss=loss), plain)]
    if layer_norm:
        wanted["layer_norm"] = [(replace(NETWORK, layer_norm=True), plain)]
    return wanted


def _refuse_own(what: str, entry: Any) -> None:
    if entry.is_own:
        raise ValueError(f"{what} {entry.name!r} has functions of your own, which cannot be compiled ahead")


def _in_library(dtype: np.dtype, pairs: list[tuple[Network, Rule]]) -> bool:
    """Return whether the library of this CPU holds all that networks of this dtype need with these rules."""
    found = library()
    if not found:
        return False
    works = all(found.address(name, dtype) for name in _work(pairs))
    return works and all(found.address(kernel.name, dtype, kernel.of) for kernel in _kernels(pairs))


def _compile(dtype: np.dtype, name: str, pairs: list[tuple[Network, Rule]], folder: Path, tells: bool) -> None:
    """Compile all that networks of this dtype need with these rules, and print how long it took."""
    from ..kernels.engine import compilation

    start, before = time.perf_counter(), _files(folder)
    kernels = set(_kernels(pairs))
    compiling.expect(len(kernels) + len(ANY) + len(_work(pairs)))
    for work in ANY:
        compilation.work(work, np.dtype(np.float32))
    for work in _work(pairs):
        compilation.work(work, dtype)
    for kernel in kernels:
        compilation.compile_kernel(kernel, dtype)
    for _, rule in pairs:
        if rule.advance:
            compilation.advance(rule.name, dtype)
            compilation.work("replay", dtype)
    if tells:
        new, seconds = _files(folder) - before, time.perf_counter() - start
        found = ", ".join(sorted(_name(path).split(".")[-2] for path in new)) or "all in the cache"
        print(f"{dtype} {name}: {found}, {seconds:.1f} seconds", flush=True)


def _work(pairs: list[tuple[Network, Rule]]) -> tuple[str, ...]:
    """Return the names of what calls of these networks run."""
    return (*WORK, *(ROUNDED if any(network.precision for network, _ in pairs) else ()))


def _kernels(pairs: list[tuple[Network, Rule]]) -> Iterator[Kernel]:
    """Yield the kernels of networks with these rules, those of one row included."""
    yield from (Kernel("gather", X_dtype.name) for X_dtype in READ_IN_PLACE)
    for network, rule in pairs:
        yield from programs.all_kernels(network, rule.name)
        yield Kernel("output_row", network.loss.link)
        yield from (Kernel("activate_row", F.key) for F in network.activations if F.name not in FUSED)


def _each(values: Any) -> list[Any]:
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]


def _files(folder: Path) -> set[Path]:
    return set(folder.glob("*.kernel"))


def _name(path: Path) -> str:
    """Return the name of the kernel that a file of the cache holds."""
    return path.name.removesuffix(".kernel").rpartition(".")[0]
