"""A race as text: the table of README.md in the folder above, and a report for the terminal."""

from __future__ import annotations

import statistics

import libraries
import machine
from results import CaseResult, Race, Run, best, losses_apart, summarize


def markdown(race: Race) -> str:
    """Return the table, and under it what it was measured on and what it comes to."""
    cases = race["cases"]
    peers = [name for name in libraries.TITLES if any(name in result["ratios"] for result in cases)]
    head = ["case", "fastbp", "of the peak", *(libraries.TITLES[name] for name in peers)]
    rows = [head, ["---"] * len(head), *(_row(result, peers) for result in cases)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    about = machine.in_words(race["machine"], race["versions"], race["date"])
    rounds = f"the median of {race['rounds']} rounds of one run"
    lines += ["", f"Each library's time as a multiple of fastbp's, {rounds}: {about}."]
    for result in cases:
        if apart := losses_apart(result):
            told = ", ".join(f"{libraries.TITLES[name]} {result['losses'][name]:.3g}" for name in ["fastbp", *apart])
            lines.append(f"Losses differ at {described(result['case'])}: {told}.")
    return "\n".join(lines + summary(cases))


def _row(result: CaseResult, peers: list[str]) -> list[str]:
    ratios, share = result["ratios"], result["share_of_peak"]
    cells = [multiple(ratios[name]) if name in ratios else "" for name in peers]
    cells = [f"**{cell}**" if name == best(result) else cell for name, cell in zip(peers, cells, strict=True)]
    per = libraries.Case.parse(result["case"]).per
    ours = f"{duration(result['seconds']['fastbp'])} a {per}"
    return [described(result["case"]), ours, "" if share is None else f"{share:.0%}", *cells]


def summary(cases: list[CaseResult]) -> list[str]:
    """Return a line on training and one on prediction: fastbp against the best peers and against each peer."""
    lines = []
    for mode, called in (("train", "Training"), ("predict", "Prediction")):
        found = [result["ratios"] for result in cases if result["case"].startswith(mode) and result["ratios"]]
        if not found:
            continue
        nearest = [min(ratios.values()) for ratios in found]
        parts = [
            f"{called}: {multiple(statistics.geometric_mean(nearest))} against the best peer of each case in the "
            f"geometric mean, {multiple(min(nearest))} at worst"
        ]
        for name in dict.fromkeys(name for ratios in found for name in ratios):
            mean = statistics.geometric_mean(ratios[name] for ratios in found if name in ratios)
            parts.append(f"{multiple(mean)} against {libraries.TITLES[name]}")
        lines.append("; ".join(parts) + ".")
    return lines


def report(run: Run) -> str:
    """Return all that was found in one case, a line for each competitor."""
    lines = [described(run.case.text)]
    ratios = summarize(run)["ratios"] if "fastbp" in run.seconds else {}
    for name, seconds in run.seconds.items():
        middle = statistics.median(seconds)
        each = "" if name == "peak" else f"{duration(middle / run.case.count):>9} a {run.case.per}"
        line = f"  {name:14}{each:16}{run.flop[name] / middle / 1e9:8.1f} GF/s"
        if name in run.losses:
            line += f"  loss {run.losses[name]:<8.4g}"
        if name in ratios:
            line += f"  {multiple(ratios[name])}"
        lines.append(line)
    lines += [f"  {name:14}left out: {why}" for name, why in run.left_out.items()]
    return "\n".join(lines)


def multiple(ratio: float) -> str:
    """Return a ratio with two decimals, with one from 10 on."""
    return f"{ratio:.{1 if ratio >= 9.995 else 2}f}x"


def described(case: str) -> str:
    """Return a case in words."""
    found = libraries.Case.parse(case)
    return f"{found.mode} {'-'.join(map(str, found.sizes))}, {conditions(found)}"


def conditions(case: libraries.Case) -> str:
    """Return how a case trains or predicts, without its sizes."""
    ways = f"batch {case.batch}, {case.optimizer}" if case.mode == "train" else f"{case.rows:,} rows"
    if case.mode == "predict" and case.rows == 1:
        ways = "1 row"
    return ways + ", float64" * (case.dtype == "float64")


def duration(seconds: float) -> str:
    """Return seconds in a unit of fitting size, three digits."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= length:
            return f"{seconds / length:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds * 1e9:.0f} ns"
