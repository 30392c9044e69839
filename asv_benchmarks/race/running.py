"""One race: competitors take turns on one case, round after round."""

from __future__ import annotations

from pathlib import Path

import libraries
from competitor import Competitor, LeftOut, sample, serve
from results import Run

SCRIPT = str(Path(__file__).with_name("__main__.py"))
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


def race(case: libraries.Case, names: list[str], rounds: int) -> Run:
    """Race these competitors; a competitor that can't take part or dies is left out."""
    run = Run(case, {name: [] for name in names})
    running: dict[str, Competitor] = {}

    def ask(name: str, what: str) -> float | None:
        try:
            if what == "start":
                running[name] = Competitor(name, case.text, SCRIPT)
                return running[name].first_answer
            return running[name].ask(what)
        except LeftOut as why:
            running.pop(name, None)
            run.seconds.pop(name)
            run.left_out[name] = str(why)
            return None

    try:
        run.flop = _answered({name: ask(name, "start") for name in names})
        for turn in range(rounds):
            for name in _rotated(list(running), turn):
                answer = ask(name, "time")
                if answer is not None:
                    run.seconds[name].append(answer)
        run.losses = _answered({name: ask(name, "loss") for name in list(running) if name != "peak"})
    finally:
        for competitor in running.values():
            competitor.end()
    return run


def _rotated(names: list[str], turn: int) -> list[str]:
    """Return the names with another one first in each turn, so that nobody always follows the same one."""
    first = turn % max(1, len(names))
    return names[first:] + names[:first]


def _answered(answers: dict[str, float | None]) -> dict[str, float]:
    return {name: answer for name, answer in answers.items() if answer is not None}


def compete(name: str, text: str, answers: int) -> None:
    """Be a competitor: the first answer is the operations of a run, then "loss" is answered, and "time"."""
    case = libraries.Case.parse(text)

    def prepare():
        entrant = libraries.entrant(name, case)
        run = entrant.epoch if case.mode == "train" else entrant.predict
        run()  # compiles

        def answer(what: str) -> float:
            if what == "loss":
                return libraries.cross_entropy(entrant.predict(), libraries.data(case).y)
            return sample(run, case.mode)

        return getattr(entrant, "flop", case.flop), answer

    serve(answers, prepare)
