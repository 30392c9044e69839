#!/usr/bin/env python
"""Fail if a commit is slower than another.

    python asv_benchmarks/gate.py main HEAD
    python asv_benchmarks/gate.py HEAD~5 HEAD --factor 2 --bench 'kernels.FastLinear' --rounds 4

asv builds both and measures them in turns. Exit status 1 if a benchmark takes more than the factor times as long, or
fails, is skipped or is gone where it ran before, one line each; 2 if nothing was measured of both. What was measured is
not kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from comparison import Comparison, compare, read
from measure import CONFIGURATION, SELECTION, CannotMeasure, describe_machine, measure, resolve


def verdict(comparison: Comparison, factor: float) -> tuple[list[str], int]:
    """Return the lines to print, and the exit status."""
    if not comparison.compared and not comparison.failing:
        return ["nothing was measured of both commits"], 2
    slowest_first = sorted(comparison.slower.items(), key=lambda item: -item[1])
    lines = [f"slower: {name} takes {ratio:.2f} times as long" for name, ratio in slowest_first]
    lines += [f"failing: {name}" for name in comparison.failing]
    if lines:
        return lines, 1
    return [f"{comparison.compared} benchmarks compared, none takes more than {factor:g} times as long"], 0


def run(base: str, head: str, factor: float, benchmarks: list[str], rounds: int, configuration: Path) -> int:
    """Measure both commits, say what became slower, and return the exit status."""
    commits = resolve([base, head], configuration)
    if commits[0] == commits[1]:
        raise CannotMeasure(f"{base} and {head} are the same commit")
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch)
        measure(commits, benchmarks, results, describe_machine(), rounds=rounds, configuration=configuration)
        before, now = (read(results, commit) for commit in commits)
    lines, status = verdict(compare(before, now, factor), factor)
    print(*lines, sep="\n", file=sys.stderr if status == 2 else sys.stdout)
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("head", metavar="HEAD", help="the commit that must not be slower")
    parser.add_argument("--factor", type=float, default=1.5, help="how many times the time is too much (1.5)")
    parser.add_argument("--bench", action="append", metavar="REGEX", help="measure these; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="times that each commit has its turn (3)")
    parser.add_argument("--config", type=Path, default=CONFIGURATION, metavar="FILE", help="asv's configuration")
    options = parser.parse_args(arguments)
    if not options.factor >= 1:
        parser.error(f"--factor must be at least 1, not {options.factor:g}")
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    benchmarks = options.bench or SELECTION
    try:
        return run(options.base, options.head, options.factor, benchmarks, options.rounds, options.config.absolute())
    except CannotMeasure as error:
        print(f"gate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
