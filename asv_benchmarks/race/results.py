"""What a race found, case by case, as it is saved in `results.json` and read again."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import libraries
from machine import Machine

RESULTS = Path(__file__).with_name("results.json")  # of the whole race, as README.md in the folder above shows it
LOSS_TOLERANCE = 0.1  # libraries shuffle differently, so their losses are not the same; a wrong trainer's is far off


@dataclass
class Run:
    """What was measured in one case, by the names of the competitors."""

    case: libraries.Case
    seconds: dict[str, list[float]]  # of an epoch, or of a prediction of all rows, round by round
    flop: dict[str, float] = field(default_factory=dict)  # in these seconds
    losses: dict[str, float] = field(default_factory=dict)  # after the last epoch
    left_out: dict[str, str] = field(default_factory=dict)  # who did not take part, and why


class CaseResult(TypedDict):
    """What one case came to, by the names of the competitors."""

    case: str
    seconds: dict[str, float]  # the median time of a step, or of a row predicted
    ratios: dict[str, float]  # each peer's time as a multiple of fastbp's
    share_of_peak: float | None  # which part of the peak's operations a second fastbp reached
    losses: dict[str, float]
    left_out: dict[str, str]
    samples: dict[str, list[float]]  # the time of a step or row in each round, as far as it was kept


class Race(TypedDict):
    """A race over several cases, and what it ran on."""

    machine: Machine
    versions: dict[str, str]
    date: str
    rounds: int
    cases: list[CaseResult]


def summarize(run: Run) -> CaseResult:
    """Return what a run comes to."""
    count = run.case.count
    samples = {name: [each / count for each in seconds] for name, seconds in run.seconds.items() if name != "peak"}
    return {
        "case": run.case.text,
        "seconds": {name: statistics.median(each) for name, each in samples.items()},
        "ratios": ratios(run),
        "share_of_peak": share_of_peak(run),
        "losses": run.losses,
        "left_out": run.left_out,
        "samples": samples,
    }


def ratios(run: Run) -> dict[str, float]:
    """Return each peer's time as a multiple of fastbp's: the median of the rounds' ratios, not a ratio of medians.

    The two times of a round are close neighbours, so that a machine that slows down and recovers moves neither ratio.
    """
    ours = run.seconds["fastbp"]
    return {
        name: statistics.median(peer / own for peer, own in zip(theirs, ours, strict=True))
        for name, theirs in run.seconds.items()
        if name not in ("fastbp", "peak")
    }


def share_of_peak(run: Run) -> float | None:
    """Return which part of the peak's operations a second fastbp reached, None without a peak."""
    if "peak" not in run.seconds:
        return None
    pairs = zip(run.seconds["fastbp"], run.seconds["peak"], strict=True)
    return statistics.median(run.flop["fastbp"] / own * peak / run.flop["peak"] for own, peak in pairs)


def best(result: CaseResult) -> str | None:
    """Return the fastest peer, None where fastbp ran alone."""
    return min(result["ratios"], key=result["ratios"].__getitem__, default=None)


def losses_apart(result: CaseResult) -> list[str]:
    """Return the peers that ended at another loss than fastbp."""
    losses = result["losses"]
    return [
        name
        for name, loss in losses.items()
        if not abs(loss - losses["fastbp"]) <= LOSS_TOLERANCE * max(loss, losses["fastbp"])
    ]


def save(race: Race, path: Path) -> None:
    """Write a race to a file."""
    path.write_text(json.dumps(race, indent=1) + "\n", encoding="utf-8")


def load(path: Path = RESULTS) -> Race:
    """Read a race from a file."""
    return json.loads(path.read_text(encoding="utf-8"))
