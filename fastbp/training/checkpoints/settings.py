"""The settings and rows of a training, by which a checkpoint knows whether a training may go on with it."""

from __future__ import annotations

import hashlib
import json
import reprlib
from typing import Any

import numpy as np

from ...callbacks import Callback, Checkpoint
from ...data.samples import Labelled
from ...data.sources.given import Rows
from ...data.sparse import SparseRows

WHOLE_BYTES = 2**28  # of X of which all rows are compared; of a larger one as many bytes, of rows evenly spread
PART_BYTES = 2**22  # that are read at once
_FREE = "n_threads", "feature_names"  # settings of a model that change no bit


def of_training(
    model: Any, data: Rows, validation: Rows | None, options: dict[str, Any], callbacks: tuple[Callback, ...]
) -> dict[str, Any]:
    """Return settings and rows by name, as JSON holds them; of rows a digest."""
    rows = _rows("", data) | ({"validation_data": None} if validation is None else _rows("validation ", validation))
    return of_rows(model, rows, options, callbacks)


def of_rows(
    model: Any, rows: dict[str, Any], options: dict[str, Any], callbacks: tuple[Callback, ...]
) -> dict[str, Any]:
    """Return the same for rows of which these are the digests."""
    model_settings = of_model(model)
    optimizer = model_settings.pop("optimizer")
    rate = {"learning_rate": optimizer.pop("learning_rate"), "seed": model._seed}
    each = [described(callback) for callback in callbacks if not isinstance(callback, Checkpoint)]
    options = options | {"schedule": described(options["schedule"]), "callbacks": each}
    if options["schedule"] is None:
        del options["epochs"]  # on which then no step depends
    found: dict[str, Any] = json.loads(json.dumps(model_settings | {"optimizer": optimizer} | rate | options | rows))
    return found


def of_model(model: Any) -> dict[str, Any]:
    """Return the settings of a model that change its bits."""
    return {name: value for name, value in model.get_config().items() if name not in _FREE}


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return what differs between settings in a checkpoint and those of a call, in words."""
    found = []
    for name in dict.fromkeys([*here, *there]):
        old, new = there.get(name), here.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and "digest" in old:
            shapes = [f"{each['dtype']} of shape {tuple(each['shape'])}" for each in (old, new)]
            same = shapes[0] == shapes[1]
            found.append(f"{name} has other numbers" if same else f"{name} is {shapes[1]}, there it is {shapes[0]}")
        else:
            found.append(f"{name} is {_short(new)}, there it is {_short(old)}")
    return found


def _short(value: Any) -> str:
    if isinstance(value, dict) and "digest" in value:
        return "given"
    return reprlib.repr(value) if isinstance(value, list) and len(value) > 12 else repr(value)


def described(thing: Any) -> str | None:
    """Return a schedule or callback as text, with the settings that are numbers or text; schedules by name, too."""
    if thing is None:
        return None
    if isinstance(thing, dict):
        return ", ".join(f"{name}: {described(one)}" for name, one in thing.items())
    if isinstance(thing, Callback):
        settings = thing._settings()
    else:
        settings = {name: value for name, value in sorted(getattr(thing, "__dict__", {}).items()) if name[0] != "_"}
    plain = (f"{name}={value!r}" for name, value in settings.items() if isinstance(value, (bool, int, float, str)))
    return f"{type(thing).__qualname__}({', '.join(plain)})"


def _rows(prefix: str, data: Rows) -> dict[str, Any]:
    """Return digests of X, y and weights, or what tells a source from others."""
    if not isinstance(data, Labelled):
        given = None if data.class_weights is None else data.class_weights.tolist()
        return {f"{prefix}X": data.source._identity() | {"memory": data.source.memory, "class weights": given}}
    weights = None if data.weights is None else _digest(data.weights)
    return {f"{prefix}X": _digest(data.samples.X), f"{prefix}y": _digest(data.y), f"{prefix}weights of rows": weights}


def _digest(rows: np.ndarray | SparseRows) -> dict[str, Any]:
    """Return shape, dtype and a digest of the numbers."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(rows, SparseRows):
        first, last = int(rows.indptr[0]), int(rows.indptr[-1])
        indices, indptr = (part.astype(np.int64) for part in (rows.indices[first:last], rows.indptr - first))
        parts = [rows.data[first:last], indices, indptr]
    else:
        n, size = len(rows), max(1, rows.nbytes // max(1, len(rows)))
        most = max(1, WHOLE_BYTES // size)
        parts = [rows if n <= most else rows[np.linspace(0, n - 1, most).astype(np.int64)]]
    for part in parts:
        _add(digest, part)
    return {"shape": list(rows.shape), "dtype": str(rows.dtype), "digest": digest.hexdigest()}


def _add(digest: Any, array: np.ndarray) -> None:
    """Add an array's numbers to a digest, whatever its byte order and strides."""
    kind = np.dtype(np.float64) if array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
    each = max(1, PART_BYTES * len(array) // max(1, array.nbytes))
    for at in range(0, len(array), each):
        digest.update(np.ascontiguousarray(array[at : at + each], kind).data)
