"""Measures the parts of a step on several ranks of one thread each, for step_cost.py.

    python step_times.py               # runs mpiexec for 1, 2, 3 and 4 ranks and writes measured.json beside this file

What a rank computes is measured in its own CPU time, the lower quartile of all blocks: ranks may share cores. What
travels is measured alone,
many times, each after a barrier, and the shortest time counts: on a shared machine the others measure what else runs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WORK = [
    ([784, 256, 256, 10], 256),
    ([784, 256, 256, 10], 1024),
    ([784, 512, 512, 10], 512),
    ([784, 1024, 1024, 1024, 10], 1024),
]  # layers, and rows a rank
RANKS = 1, 2, 3, 4
STEPS, REPEATS = 12, 40
FILE = Path(__file__).with_name("measured.json")


def main() -> None:
    """Measure on each number of ranks, in a run of its own."""
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    found = []
    for ranks in RANKS:
        command = [str(launcher), "-n", str(ranks), sys.executable, __file__, "--rank"]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found += json.loads(told)
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def timed(owner: Any, name: str, part: str, times: dict[str, list[float]]) -> Callable[[], None]:
    """Have calls of a method write down this thread's CPU time; return what undoes this."""
    function = getattr(owner, name)

    def wrapped(*arguments: Any, **more: Any) -> Any:
        begin = time.thread_time()
        result = function(*arguments, **more)
        times[part].append(time.thread_time() - begin)
        return result

    setattr(owner, name, wrapped)
    return lambda: setattr(owner, name, function)


def shortest(work: Callable[[], Any], comm: Any, prepare: Callable[[], Any] = lambda: None) -> float:
    """Return the shortest of many times on the wall, each that of the slowest rank."""
    times = []
    for _ in range(REPEATS):
        prepare()
        comm.Barrier()
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return float(np.max(comm.allgather(times), axis=0).min())


def rank() -> None:
    """Measure on this rank; rank 0 prints all as JSON."""
    from mpi4py import MPI

    comm, found = MPI.COMM_WORLD, []
    for layers, rows in WORK:
        each = comm.gather(parts(layers, rows, comm))
        if each is not None:
            slowest = {part: max(one[part] for one in each) for part in each[0]}
            found.append({"layers": layers, "rows": rows, "ranks": comm.size, "parts": slowest})
    if comm.rank == 0:
        print(json.dumps(found))


def parts(layers: list[int], rows: int, comm: Any) -> dict[str, float]:
    """Return the seconds of each part of a step on this rank."""
    import fastbp
    from fastbp.data.samples import Labelled, Samples
    from fastbp.distributed import blocks
    from fastbp.distributed import rows as travelling
    from fastbp.distributed.plan import SharedPlan
    from fastbp.distributed.ranks import Ranks
    from fastbp.distributed.sums import OrderedSum
    from fastbp.distributed.update import Update

    times: dict[str, list[float]] = defaultdict(list)
    random, batch_size = np.random.default_rng(comm.rank), rows * comm.size
    X, y = random.standard_normal((rows * 2, layers[0])).astype(np.float32), random.integers(0, layers[-1], rows * 2)
    model = fastbp.Model(layers, seed=0, optimizer="adam", n_threads=1)
    model.fit(X, y, epochs=1, batch_size=batch_size, verbose=0, comm=comm)
    undo = [
        timed(SharedPlan, "_computed", "compute", times), timed(OrderedSum, "add", "sum", times),
        timed(Update, "_run", "update", times),
    ]  # fmt: skip
    model.fit(X, y, epochs=STEPS // 2, batch_size=batch_size, verbose=0, comm=comm)
    for each in undo:
        each()
    found = {part: sum(each) / STEPS for part, each in times.items()}
    found["compute"] = float(np.quantile(times["compute"], 0.25)) * len(times["compute"]) / STEPS
    if comm.size == 1:
        return found | {"rows": 0.0, "gradients": 0.0, "parameters": 0.0}
    ranks = Ranks(comm)
    home: Any = model._plan
    plan, data = SharedPlan(home, ranks), travelling.joined(ranks, Labelled(Samples(X), y), model.dtype)
    order = np.random.default_rng(0).permutation(len(data.y))[:batch_size]
    computing, count, sums = blocks.computing(batch_size, comm.size), blocks.count(batch_size), plan._gradients

    def add() -> None:
        for block in blocks.share(count, comm.rank, comm.size):
            sums.add(block, sums.room())

    return found | {
        "rows": shortest(lambda: data.fetch(order, computing), comm),
        "gradients": shortest(lambda: sums.total(count), comm, add),
        "parameters": shortest(lambda: plan.all_gather(plan.parameters), comm),
    }


if __name__ == "__main__":
    rank() if "--rank" in sys.argv else main()
