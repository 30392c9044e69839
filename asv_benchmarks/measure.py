"""Drive asv: measure several commits turn by turn, so that a machine that slows down for a while slows down all."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CONFIGURATION = Path(__file__).absolute().parent / "asv.conf.json"
ENVIRONMENT_CACHE = 64  # wheels kept: each commit is installed once a round, and built once

# A telling few: the products of a network, whole training steps, prediction, and what a user waits for first.
SELECTION = [
    r"kernels\.FastLinear(|Relu|ReluBackwardInput|BackwardParams|Descent)\..*float32.*fast",
    r"training\.TrainingStep\..*('64-32-10'|'784-128-10'|1024.* 32,).*float32",
    r"training\.UnevenTrainingStep\..*('37-101-2', 33|'131-257-67-3', 127).*float32",
    r"training\.(Predict|Evaluate)\..*float32",
    r"startup\.Import\.",
    r"startup\.WarmStart\..*sgd.*float32",
]


class CannotMeasure(Exception):
    """What keeps asv from measuring, in one line."""


def resolve(names: Sequence[str], configuration: Path = CONFIGURATION) -> list[str]:
    """Return the full hashes of commits by their names; raise CannotMeasure where one is unknown."""
    repository = _asv(configuration)[1]
    try:
        return [repository.get_hash_from_name(name) for name in names]
    except Exception as error:  # asv tells an unknown name in several ways
        raise CannotMeasure(f"no such commit among {', '.join(names)}: {error}") from error


def measure(
    commits: Sequence[str],
    benchmarks: Sequence[str],
    results: Path,
    machine: Mapping[str, str],
    *,
    rounds: int,
    settings: Mapping[str, Any] | None = None,
    resume: bool = False,
    configuration: Path = CONFIGURATION,
) -> None:
    """Measure commits in rounds, each commit once a round, every second round in reverse; asv prints as it goes.

    Parameters
    ----------
    commits : full hashes, the newest last: its benchmarks are measured, since new kernels bring benchmarks of their own
    benchmarks : regular expressions; a benchmark that one of them is found in is measured
    results : folder that asv adds its result files to
    machine : what `describe_machine` returns
    rounds : how often each benchmark is started anew
    settings : attributes of asv's benchmarks that replace their own, such as `repeat`
    resume : leave out what a commit has results of
    configuration : asv's file of the project
    """
    configured, _ = _asv(configuration)
    from asv.commands.run import Run
    from asv.console import log
    from asv.machine import MachineCollection
    from asv.util import UserError

    configured.results_dir = str(results.absolute())
    configured.build_cache_size = ENVIRONMENT_CACHE
    known = Path(configured.env_dir).absolute() / "machine.json"  # not the user's own list of machines
    known.parent.mkdir(parents=True, exist_ok=True)
    known.unlink(missing_ok=True)
    MachineCollection.save(machine["machine"], dict(machine), _path=str(known))
    log.enable()
    try:
        Run.run(
            configured,
            range_spec=list(reversed(commits)),  # asv asks the first one for its benchmarks
            bench=list(benchmarks),
            attribute={**(settings or {}), "rounds": rounds},
            machine=machine["machine"],
            skip_successful=resume,
            record_samples=True,
            interleave_rounds=True,
            _machine_file=str(known),
        )
    except UserError as error:
        raise CannotMeasure(str(error)) from error
    finally:
        log.flush()


def describe_machine(name: str | None = None) -> dict[str, str]:
    """Return what asv notes of this machine, by the name of its kind of CPU rather than the one it has on a network."""
    import llvmlite.binding
    from asv.machine import Machine

    found = Machine.get_defaults()
    kind = f"{llvmlite.binding.get_host_cpu_name()}-{found['num_cpu']}cpus"
    memory = f"{round(int(found['ram']) / 2**30)} GiB"
    return {**found, "machine": name or kind, "os": platform.system(), "ram": memory}


def _asv(configuration: Path) -> tuple[Any, Any]:
    """Return asv's settings and repository, and go to the folder that its settings speak of."""
    try:
        from asv.config import Config
        from asv.repo import get_repo
        from asv.util import UserError
    except ImportError as error:
        raise CannotMeasure(f"asv is missing ({error}); the extra dev brings it") from error
    if not configuration.is_file():
        raise CannotMeasure(f"there is no {configuration}")
    os.chdir(configuration.absolute().parent)
    try:
        configured = Config.load(configuration.name)
        return configured, get_repo(configured)
    except UserError as error:
        raise CannotMeasure(str(error)) from error
