"""`Model.fit(comm=...)`: what each rank is given is checked and compared, then all train."""

from __future__ import annotations

import json
from typing import Any

from ..callbacks import Callback
from ..callbacks.base import check_callbacks, check_use
from ..data import checks, frames, members
from ..data.sources.given import source
from ..execution.fast_plan import FastPlan
from ..training import rates
from ..training.checkpoints.settings import described, differences, of_model
from ..training.history import History
from ..training.progress import Progress
from . import checkpoints, given
from .plan import SharedPlan
from .ranks import Ranks, ranks_of
from .rows import Joined
from .training import SharedTraining


def fit(model: Any, comm: Any, X: Any, y: Any, **options: Any) -> History:
    """Train a model on the rows of all ranks of a communicator. Arguments as for `Model.fit`."""
    with ranks_of(comm) as ranks, ranks.guarded():
        with ranks.together():
            checked = _checked(model, options)
            if source(X) is not None:
                raise TypeError("X must be an array where comm is given, not a source: each rank hands its own rows")
            X, names = frames.as_array(X, "X")
            own = given.own_rows(model, X, y, options["sample_weight"])
        _require_alike(ranks, model, checked, options)
        known = given.names_of_all(ranks, model.feature_names, names)
        data, validation = _rows(ranks, model, own, options, known)
        with ranks.together():
            if ranks.rank == 0:  # where they run
                check_use(checked["callbacks"], model, validation is not None)
        plan = SharedPlan(model._plan, ranks)
        training = SharedTraining(data, validation, resting=model._use.resting, plan=plan, **checked)
        training = checkpoints.added(training, model, options["resume"])
        history = training.run(model, plan, model._shown, model._random)
        if ranks.rank or model.feature_names is None:
            model.feature_names = known
        return history


def _checked(model: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a training, but for its rows."""
    if not isinstance(model._plan, FastPlan):
        raise ValueError(f"comm needs a model of kernels='fast', got {model.kernels!r}")
    members.refuse(model.network, "a training with comm")
    epochs = checks.whole_number("epochs", options["epochs"], 0)
    verbose = checks.verbosity(options["verbose"])
    schedule = rates.checked(options["schedule"], model)
    callbacks: tuple[Callback, ...] = check_callbacks(options["callbacks"])
    return {
        "epochs": epochs,
        "batch_size": checks.whole_number("batch_size", options["batch_size"], 1),
        "shuffle": checks.flag("shuffle", options["shuffle"]),
        "progress": Progress(verbose, epochs),
        "schedule": schedule,
        "callbacks": callbacks,
        "drop_last": checks.flag("drop_last", options["drop_last"]),
    }


def _require_alike(ranks: Ranks, model: Any, checked: dict[str, Any], options: dict[str, Any]) -> None:
    """Raise ValueError on every rank if networks or settings differ; show progress on rank 0 alone."""
    callbacks = [described(each) for each in checked["callbacks"]]
    settings = {name: checked[name] for name in ("epochs", "batch_size", "shuffle", "drop_last")} | {
        "schedule": described(checked["schedule"]), "callbacks": callbacks, "resume": options["resume"] is not None,
        "validation_split": options["validation_split"], "class_weight": repr(options["class_weight"]),
    }  # fmt: skip
    mine = json.loads(json.dumps(of_model(model) | settings, default=repr))
    first = ranks.comm.bcast(mine)
    with ranks.together():
        if found := differences(first, mine):
            raise ValueError(f"ranks must train alike, but differ from rank 0: {'; '.join(found)}")
    if ranks.rank:
        checked["progress"] = Progress(0, checked["epochs"])


def _rows(
    ranks: Ranks, model: Any, own: Any, options: dict[str, Any], names: list[str] | None
) -> tuple[Joined, Joined | None]:
    """Return the rows to train on and those to validate on, if any."""
    with ranks.together():
        share = checks.share("validation_split", options["validation_split"])
        parts = checks.parts("validation_data", options["validation_data"])
        if parts is not None and share:
            raise ValueError("validation_data and validation_split must not both be given")
    if share:
        to_train, validation = given.split(ranks, given.all_rows(ranks, model, own, None), share, model.dtype)
        return given.all_rows(ranks, model, to_train.own, options["class_weight"]), validation
    data = given.all_rows(ranks, model, own, options["class_weight"])
    return data, given.validation_rows(ranks, model, parts, names)
