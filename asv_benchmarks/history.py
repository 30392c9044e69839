#!/usr/bin/env python
"""Measure the history of the project: a telling few benchmarks, at commits that changed them, on this machine.

    python asv_benchmarks/history.py                 # all below; one that was stopped goes on where it was
    python asv_benchmarks/history.py HEAD v1.0       # these commits, beside what is measured already
    python asv_benchmarks/history.py --again         # what has results, too

The files that asv writes to `results/` are committed; `asv publish` makes the dashboard of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from measure import CONFIGURATION, SELECTION, CannotMeasure, describe_machine, measure, resolve

COMMITS = {  # on main, oldest first
    "33aaf7f": "plain loops",
    "70e7c3c": "register tiles over panels",
    "8b76d6e": "a few rows predicted without packing",
    "7ec1053": "workers keep to their columns",
    "3673886": "fast kernels in the registry",
    "b917565": "small networks share a minibatch by rows",
    "f8f41fc": "phases get a pointer",
    "79d85f2": "tasks of 35 us",
    "c4f5321": "dropout, schedules, limits",
    "ccb4e11": "less to compile",
    "8675592": "estimators, exchange, diagnosis",
    "78b5c24": "OpenMP's threads spin for less time",
}
SETTINGS = {"repeat": (2, 7, 0.6), "warmup_time": 0}  # samples at least, at most, and seconds after which it's enough


def list_measured(results: Path) -> None:
    """Strike from asv's list of benchmarks those that no result file names: the dashboard shows all that are listed."""
    listed = results / "benchmarks.json"
    if not listed.exists():
        return
    files = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*/*.json")]
    measured = {"version"}.union(*(file.get("results", ()) for file in files))
    kept = {name: entry for name, entry in json.loads(listed.read_text(encoding="utf-8")).items() if name in measured}
    listed.write_text(json.dumps(kept, indent=4, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commits", nargs="*", default=list(COMMITS), metavar="COMMIT", help="what to measure")
    parser.add_argument("--rounds", type=int, default=3, help="times that each commit has its turn (3)")
    parser.add_argument("--bench", action="append", metavar="REGEX", help="measure these; may be repeated")
    parser.add_argument("--machine", metavar="NAME", help="name of this machine on the dashboard (its CPU's)")
    parser.add_argument("--again", action="store_true", help="measure what has results, too")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    try:
        run(resolve(options.commits), options.bench or SELECTION, options)
    except CannotMeasure as error:
        print(f"history: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def run(commits: list[str], benchmarks: list[str], options: argparse.Namespace) -> None:
    """Measure commits as the options say, and tidy up what asv lists of benchmarks, also where it was stopped."""
    results = CONFIGURATION.parent / "results"
    machine = describe_machine(options.machine)
    try:
        measure(
            commits,
            benchmarks,
            results,
            machine,
            rounds=options.rounds,
            settings=SETTINGS,
            resume=not options.again,
        )
    finally:
        list_measured(results)


if __name__ == "__main__":
    sys.exit(main())
