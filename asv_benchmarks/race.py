#!/usr/bin/env python
"""Race fastbp against other libraries on the same work and print the README's table.

    python asv_benchmarks/race.py
    python asv_benchmarks/race.py --case train:784-100-10:50:adam --peers jax,torch --rounds 9 --json race.json

A case is train:SIZES:BATCH:OPTIMIZER or predict:SIZES:ROWS, and may end in :float64. Peers that are not installed are
left out. `README.md` in this folder tells how a race is run. It needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import race_table
from benchmarks import libraries

CASES = [
    "train:64-32-10:32:sgd",
    "train:20-100-2:200:sgd",
    "train:784-128-10:64:sgd",
    "train:784-256-128-10:128:adam",
    "train:784-512-512-10:128:sgd",
    "train:784-1024-1024-1024-10:256:sgd",
    "train:784-1024-1024-1024-10:256:sgd:float64",
    "predict:784-512-512-10:20000",
    "predict:784-512-512-10:1",
]
PEERS = ["jax", "torch", "torch_compile", "sklearn", "onnxruntime"]
DISTRIBUTIONS = {
    "fastbp": ["fastbp", "numba"],
    "jax": ["jax"],
    "torch": ["torch"],
    "torch_compile": ["torch"],
    "sklearn": ["scikit-learn"],
    "onnxruntime": ["onnxruntime"],
}
PREDICTION_SECONDS = 0.1  # of a sample, made of many predictions where they are short
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # would have a peer's BLAS use kernels meant for another CPU


class LeftOut(Exception):
    """A competitor can't take part, and why."""


class Competitor:
    """A process that holds one entrant ready; it runs only while it is asked for something."""

    def __init__(self, name: str, case: str, script: str = __file__) -> None:
        answers, answers_out = os.pipe()
        self.answers, self.words = os.fdopen(answers), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, script, "--compete", name, case, str(answers_out)],
            stdin=subprocess.PIPE, stdout=self.words, stderr=self.words, text=True, bufsize=1,
            pass_fds=[answers_out], start_new_session=True,
            env={key: value for key, value in os.environ.items() if key not in PINS},
        )  # fmt: skip
        os.close(answers_out)
        self.flop: float = self._answer()  # of one epoch or prediction
        self._signal(signal.SIGSTOP)

    def ask(self, what: str) -> float:
        """Let the process go on until it has answered."""
        self._signal(signal.SIGCONT)
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        answer = self._answer()
        self._signal(signal.SIGSTOP)
        return answer

    def end(self) -> None:
        """End the process and all that it has started."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        for file in (self.process.stdin, self.answers, self.words):
            assert file
            file.close()

    def _answer(self) -> float:
        line = self.answers.readline()
        answer = json.loads(line) if line else {"left out": f"died: {self._last_words()}"}
        if isinstance(answer, dict):
            self.end()
            raise LeftOut(answer["left out"])
        return answer

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)  # its answers end before it tells why
        self.words.seek(0)
        return ([line.strip() for line in self.words if line.strip()] or ["without a word"])[-1]

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)  # the group's id is that of its first process
        except ProcessLookupError:
            pass  # it ended on its own


def compete(name: str, text: str, answers: int) -> None:
    """Be a competitor: make the entrant, then do and answer what the lines on stdin ask."""
    case = libraries.Case.parse(text)
    with os.fdopen(answers, "w", buffering=1) as out:
        try:
            entrant = libraries.entrant(name, case)
            run = entrant.epoch if case.mode == "train" else entrant.predict
            run()  # compiles
        except (ImportError, NotImplementedError) as error:
            print(json.dumps({"left out": str(error)}), file=out)
            return
        print(json.dumps(getattr(entrant, "flop", case.flop)), file=out)
        for line in sys.stdin:
            if line.strip() == "loss":
                answer = libraries.cross_entropy(entrant.predict(), libraries.data(case).y)
            else:
                answer = sample(run, case.mode)
            print(json.dumps(answer), file=out)


def sample(run: Any, mode: str) -> float:
    """Return the seconds of one run after another that wakes threads and fills caches."""
    if mode == "train":
        seconds(run, 1)
        return seconds(run, 1)
    return seconds(run, max(1, int(PREDICTION_SECONDS / min(seconds(run, 1) for _ in range(3)))))


def seconds(run: Any, repeats: int) -> float:
    """Return the seconds of one run, the mean of some."""
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def race(case: libraries.Case, names: list[str], rounds: int) -> dict[str, Any]:
    """Race these competitors; return seconds by name and round, operations, losses, and who was left out and why."""
    per, count = ("step", case.rows // case.batch) if case.mode == "train" else ("row", case.rows)
    result: dict[str, Any] = {"case": case.text, "per": per, "count": count}
    result |= {"seconds": {name: [] for name in names}, "flop": {}, "loss": {}, "left out": {}}
    running: dict[str, Competitor] = {}

    def ask(name: str, what: str) -> float | None:
        try:
            if what == "start":
                running[name] = Competitor(name, case.text)
                return running[name].flop
            return running[name].ask(what)
        except LeftOut as why:
            running.pop(name, None)
            result["seconds"].pop(name)
            result["left out"][name] = str(why)
            return None

    try:
        result["flop"] = {name: ask(name, "start") for name in names}
        for turn in range(rounds):
            first = turn % max(1, len(running))  # another each round: nobody always follows the same one
            for name in [*list(running)[first:], *list(running)[:first]]:
                answer = ask(name, "time")
                if answer is not None:
                    result["seconds"][name].append(answer)
        result["loss"] = {name: ask(name, "loss") for name in list(running) if name != "peak"}
    finally:
        for competitor in running.values():
            competitor.end()
    return result


def machine(names: list[str]) -> str:
    """Name the CPU, the number of threads, the versions and the day."""
    from llvmlite import binding

    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a CPU without a name
    versions = []
    for distribution in dict.fromkeys(name for entrant in names for name in DISTRIBUTIONS[entrant]):
        try:
            versions.append(f"{distribution} {importlib.metadata.version(distribution)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    threads = libraries.cpus()
    return (
        f"{cpu} ({binding.get_host_cpu_name()}), {threads} thread{'s' * (threads > 1)}, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}, {datetime.date.today()}"
    )


def main() -> None:
    """Run the races asked for; the table goes to stdout, what happens meanwhile to stderr."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", action="append", metavar="CASE", help="race this case only; may be repeated")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {','.join(PEERS)}, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each competitor and case (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured to this file")
    parser.add_argument("--compete", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compete:
        name, text, answers = options.compete
        return compete(name, text, int(answers))
    peers = [name for name in options.peers.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that no stopped process is left behind
    try:
        cases = [libraries.Case.parse(case) for case in options.case or CASES]
    except ValueError as error:
        parser.error(str(error))
    results = []
    for case in cases:
        yardstick = ["peak"] if case.mode == "train" else []
        result = race(case, ["fastbp", *yardstick, *peers], options.rounds)
        print(race_table.report(result), file=sys.stderr, flush=True)
        if "fastbp" in result["left out"]:
            parser.exit(1, f"fastbp {result['left out']['fastbp']}\n")
        results.append(result)
    about = machine(["fastbp", *peers])
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "races": results}, indent=1), encoding="utf-8")
    print(race_table.markdown(results, about, options.rounds))


if __name__ == "__main__":
    main()
