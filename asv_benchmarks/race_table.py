"""What a race's seconds come to: ratios, shares of the peak, means, and the table that shows them."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks import libraries

LOSS_TOLERANCE = 0.1  # libraries shuffle differently, so their losses are not the same; a wrong trainer's is far off
Result = dict[str, Any]  # what race.race returns


def ratios(result: Result) -> dict[str, float]:
    """Return each peer's time as a multiple of fastbp's: the median of the rounds' ratios, not a ratio of medians.

    The two times of a round are close neighbours, so that a machine that slows down and recovers moves neither ratio.
    """
    ours = result["seconds"]["fastbp"]
    return {
        name: statistics.median(peer / own for peer, own in zip(theirs, ours, strict=True))
        for name, theirs in result["seconds"].items()
        if name not in ("fastbp", "peak")
    }


def share_of_peak(result: Result, name: str = "fastbp") -> float | None:
    """Return which part of the peak's operations a second this competitor reached, None without a peak."""
    seconds, flop = result["seconds"], result["flop"]
    if "peak" not in seconds:
        return None
    pairs = zip(seconds[name], seconds["peak"], strict=True)
    return statistics.median(flop[name] / own * peak / flop["peak"] for own, peak in pairs)


def best(result: Result) -> str | None:
    """Return the fastest peer, None where fastbp ran alone."""
    multiples = ratios(result)
    return min(multiples, key=multiples.__getitem__, default=None)


def summary(results: list[Result]) -> list[str]:
    """Say for training and prediction how fastbp does against the best peer of each case, and against each peer."""
    lines = []
    for mode, called in (("train", "Training"), ("predict", "Prediction")):
        found = [ratios(result) for result in results if result["case"].startswith(mode) and best(result)]
        if not found:
            continue
        nearest = [min(multiples.values()) for multiples in found]
        parts = [
            f"{called}: {multiple(statistics.geometric_mean(nearest))} against the best peer of each case in the "
            f"geometric mean, {multiple(min(nearest))} at worst"
        ]
        for name in dict.fromkeys(name for multiples in found for name in multiples):
            mean = statistics.geometric_mean(multiples[name] for multiples in found if name in multiples)
            parts.append(f"{multiple(mean)} against {libraries.TITLES[name]}")
        lines.append("; ".join(parts) + ".")
    return lines


def losses_apart(result: Result) -> list[str]:
    """Return the peers that ended at another loss than fastbp."""
    ours = result["loss"]["fastbp"]
    return [
        name
        for name, loss in result["loss"].items()
        if loss is not None and not abs(loss - ours) <= LOSS_TOLERANCE * max(loss, ours)
    ]


def markdown(results: list[Result], about: str, rounds: int) -> str:
    """Return the table, and under it how it was taken, on what, and what it comes to."""
    peers = [name for name in libraries.TITLES if any(name in ratios(result) for result in results)]
    head = ["case", "fastbp", "of the peak", *(libraries.TITLES[name] for name in peers)]
    rows = [head, ["---"] * len(head)]
    for result in results:
        multiples, share = ratios(result), share_of_peak(result)
        cells = [multiple(multiples[name]) if name in multiples else "" for name in peers]
        cells = [f"**{cell}**" if name == best(result) else cell for name, cell in zip(peers, cells, strict=True)]
        ours = duration(statistics.median(result["seconds"]["fastbp"]) / result["count"])
        share_cell = "" if share is None else f"{share:.0%}"
        rows.append([described(result["case"]), f"{ours} a {result['per']}", share_cell, *cells])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    taken = f"Each library's time as a multiple of fastbp's, the median of {rounds} rounds of one run: {about}."
    lines += ["", taken]
    for result in results:
        if apart := losses_apart(result):
            told = ", ".join(f"{libraries.TITLES[name]} {result['loss'][name]:.3g}" for name in ["fastbp", *apart])
            lines.append(f"Losses differ at {described(result['case'])}: {told}.")
    return "\n".join(lines + summary(results))


def report(result: Result) -> str:
    """Return all that one race found, in lines."""
    lines = [f"{described(result['case'])}"]
    multiples = ratios(result) if "fastbp" in result["seconds"] else {}
    for name, seconds in result["seconds"].items():
        middle = statistics.median(seconds)
        each = "" if name == "peak" else f"{duration(middle / result['count']):>9} a {result['per']}"
        line = f"  {name:14}{each:16}{result['flop'][name] / middle / 1e9:8.1f} GF/s"
        if result["loss"].get(name) is not None:
            line += f"  loss {result['loss'][name]:<8.4g}"
        if name in multiples:
            line += f"  {multiple(multiples[name])}"
        lines.append(line)
    lines += [f"  {name:14}left out: {why}" for name, why in result["left out"].items()]
    return "\n".join(lines)


def multiple(ratio: float) -> str:
    """Return a ratio with two decimals, with one from 10 on."""
    return f"{ratio:.{1 if ratio >= 9.995 else 2}f}x"


def described(case: str) -> str:
    """Return a case in words."""
    found = libraries.Case.parse(case)
    ways = f"batch {found.batch}, {found.optimizer}" if found.mode == "train" else f"{found.rows:,} rows"
    if found.mode == "predict" and found.rows == 1:
        ways = "1 row"
    return f"{found.mode} {'-'.join(map(str, found.sizes))}, {ways}{', float64' * (found.dtype == 'float64')}"


def duration(seconds: float) -> str:
    """Return seconds in a unit of fitting size, three digits."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= length:
            return f"{seconds / length:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds * 1e9:.0f} ns"
