"""Compiles ahead what `Model` compiles when it is first used, so that images and read-only installs start at once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from . import checks
from .kernels import _jit, block, build, replica, row, update
from .model import Model
from .network import ACTIVATIONS, LOSSES
from .samples import DIRECT

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}],
    "adam": [{"optimizer": "adam"}],
    "adamw": [{"optimizer": "adamw"}],
    "rmsprop": [{"optimizer": "rmsprop"}],
}
ROWS = 100  # more than `Model.predict` takes one by one


def warmup(
    dtypes: Iterable[Any] = ("float32",),
    optimizers: Iterable[str] = tuple(SETTINGS),
    activations: Iterable[str] = ("relu",),
    losses: Iterable[str] = ("cross_entropy",),
    layer_norm: bool = False,
    verbose: int = 1,
) -> list[str]:
    """Compile the fast kernels that `Model` needs, serial and parallel, into the cache folder.

    Later processes load them, those that may not write the folder too. They serve this machine's kind of CPU and this
    version of Python, of Numba and of fastbp; NUMBA_CACHE_DIR says where the folder is.

    Parameters
    ----------
    dtypes : iterable of {"float32", "float64"}
        Of the models to come.
    optimizers, activations, losses : iterable of str
        Theirs, as `Model` names them; "sgd" with momentum and without.
    layer_norm : bool
        Whether some are normalized, too.
    verbose : {0, 1}
        1 prints what is compiled, how long that takes, and the cache folder.

    Returns
    -------
    list of str
        Names of the kernels compiled: none where all had been compiled before.

    Raises
    ------
    OSError
        Where what is compiled can't be kept.
    """
    kinds = [checks.dtype(dtype) for dtype in _each(dtypes)]
    wanted = {checks.choice("optimizer", name, SETTINGS): SETTINGS[name] for name in _each(optimizers)}
    wanted |= {
        checks.choice("activation", name, ACTIVATIONS): [{"activation": name, "dropout": 0.5}]
        for name in _each(activations)
    }
    wanted |= {checks.choice("loss", name, LOSSES): [{"loss": name}] for name in _each(losses)}
    if checks.flag("layer_norm", layer_norm):
        wanted["layer_norm"] = [{"layer_norm": True}]
    folder = _jit.cache_folder()
    if folder is None:
        raise OSError("compiled kernels can't be kept: set NUMBA_CACHE_DIR to a folder that can be written")
    before = _compiled(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "fastbp could not keep", RuntimeWarning)
        try:
            for dtype in kinds:
                for name, settings in wanted.items():
                    _compile(dtype, name, settings, folder, verbose)
        except RuntimeWarning as warning:
            raise OSError(str(warning)) from None
    if verbose:
        print(f"JIT cache: {folder}")
    return sorted(path.name.split(".kernel")[0].rsplit(".", 1)[0] for path in _compiled(folder) - before)


def _compile(dtype: np.dtype, name: str, each: list[dict[str, Any]], folder: Path, verbose: int) -> None:
    start, before = time.perf_counter(), _compiled(folder)
    for settings in each:
        _use(Model([2, 2, 2], dtype=dtype, seed=0, n_threads=1, **settings))
    build.launcher(dtype)
    build.phase(block.block, dtype)  # of batches too large to be tried here, as the next
    build.work(replica.train_replicas, dtype)
    if name == "sgd":
        build.phase(update.UPDATES["sgd"], dtype)
    for kernel in vars(row).values():
        if isinstance(kernel, _jit.Kernel):
            for signature in kernel.serial.signatures:
                kernel.parallel.compile(signature)
    if verbose:
        new, seconds = _compiled(folder) - before, time.perf_counter() - start
        files = ", ".join(sorted({path.name.split(".")[0] for path in new}))
        found = f"{len(new)} kernel{'s' * (len(new) > 1)} of {files}" if new else "all was there"
        print(f"{dtype} {name}: {found}, {seconds:.1f} seconds", flush=True)


def _use(model: Model) -> None:
    """Call all that computes, on every dtype that a compiled gather reads."""
    y = np.zeros(ROWS, np.int64) if model.network.of_classes else np.zeros((ROWS, 2))
    for dtype in DIRECT:
        X = np.zeros((ROWS, 2), dtype)
        model.fit(X, y, epochs=1, verbose=0)
    model.gradients(X, y)
    model.evaluate(X, y)
    model.predict(X)
    model.predict(X[:1])


def _each(names: Any) -> list[Any]:
    return [names] if isinstance(names, str) else list(names)


def _compiled(folder: Path) -> set[Path]:
    return set(folder.glob("*.kernel"))
