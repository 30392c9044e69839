"""Read asv's result files, and tell what became slower from one commit to another."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """What asv measured of one benchmark at one set of parameters."""

    value: float | None  # the median of the samples, or what was tracked; None: it failed, NaN: it was skipped
    samples: tuple[float, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether there is a number to compare."""
        return self.value is not None and not math.isnan(self.value)


@dataclass(frozen=True)
class Comparison:
    """What two commits' readings say, benchmark by benchmark."""

    compared: int
    slower: dict[str, float]  # how many times the base's time
    failing: list[str]  # measured at the base and not now: the benchmark, and why where it did not fail


Readings = dict[str, Reading]  # by name and parameters, as "training.Predict.time_predict(784-128-10, 1, float32)"


def read(results: Path, commit: str) -> Readings:
    """Return all that asv's result files in a folder say of a commit, by its full hash.

    A file states the names of its columns once; "result" and "samples" hold one entry for each combination of "params".
    """
    found: Readings = {}
    for path in sorted(results.glob("*/*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("commit_hash") != commit:
            continue
        for name, row in content["results"].items():
            columns = dict(zip(content["result_columns"], row, strict=False))  # empty ones at the end are left out
            found.update(_unfolded(name, columns))
    return found


def _unfolded(name: str, columns: dict) -> Iterator[tuple[str, Reading]]:
    params = columns.get("params") or []
    combinations = list(itertools.product(*params))
    values = columns.get("result") or [None] * len(combinations)
    samples = columns.get("samples") or [None] * len(combinations)
    for combination, value, sampled in zip(combinations, values, samples, strict=True):
        label = f"{name}({', '.join(text.strip(chr(39)) for text in combination)})" if params else name
        yield label, Reading(value, tuple(sampled or ()))


def compare(base: Readings, head: Readings, factor: float) -> Comparison:
    """Compare what the base has; slower is what takes more than `factor` times as long.

    What was measured of the base and fails, is skipped or has no result now is failing: it may be broken.
    Both the median and the least of the samples must say so: a machine that was busy for a while moves the median, but
    hardly every sample of interleaved rounds.
    """
    slower, failing, compared = {}, [], 0
    for name, before in sorted((name, reading) for name, reading in base.items() if reading.measured):
        now = head.get(name)
        if now is None or not now.measured:
            failing.append(name + (", no result now" if now is None else "" if now.value is None else ", skipped now"))
        else:
            compared += 1
            (median, least), (then_median, then_least) = _summary(now), _summary(before)
            if median > factor * then_median and least > factor * then_least:
                slower[name] = median / then_median if then_median else math.inf
    return Comparison(compared, slower, failing)


def _summary(reading: Reading) -> tuple[float, float]:
    assert reading.value is not None
    return reading.value, min(reading.samples, default=reading.value)
