#!/usr/bin/env python
"""Race fastbp against other libraries on the same work and print their times as a table.

    python asv_benchmarks/race
    python asv_benchmarks/race --case train:784-100-10:50:adam --peers jax,torch --rounds 9 --json race.json

A case is train:SIZES:BATCH:OPTIMIZER or predict:SIZES:ROWS, and may end in :float64. Peers that are not installed are
left out. All cases and peers together are saved in results.json beside this file, which picture.py draws. README.md in
the folder above tells how a race is run. It needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import datetime
import signal
import sys
from pathlib import Path

import libraries
import machine
import results
import running
import table


def main() -> None:
    """Run the races asked for; the table goes to stdout, what happens meanwhile to stderr."""
    parser = make_parser()
    options = parser.parse_args()
    if options.compete:
        name, text, answers = options.compete
        return running.compete(name, text, int(answers))
    try:
        cases = [libraries.Case.parse(case) for case in options.case or running.CASES]
        peers = parse_peers(options.peers)
    except ValueError as error:
        parser.error(str(error))
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that no stopped process is left behind
    race: results.Race = {
        "machine": machine.describe(),
        "versions": machine.versions(["fastbp", *peers]),
        "date": str(datetime.date.today()),
        "rounds": options.rounds,
        "cases": [run_case(case, peers, options.rounds) for case in cases],
    }
    whole = not options.case and set(peers) == set(running.PEERS)
    if path := options.json or (results.RESULTS if whole else None):
        results.save(race, path)
    print(table.markdown(race))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        "race", description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", action="append", metavar="CASE", help="race this case only; may be repeated")
    peers = ",".join(running.PEERS)
    parser.add_argument("--peers", default=peers, help=f"of {peers}, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each competitor and case (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results in this file")
    parser.add_argument("--compete", nargs=3, help=argparse.SUPPRESS)
    return parser


def parse_peers(text: str) -> list[str]:
    """Return the peers named, with commas between; ValueError where one is unknown."""
    peers = [name for name in text.split(",") if name]
    if unknown := set(peers) - set(running.PEERS):
        raise ValueError(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(running.PEERS)}")
    return peers


def run_case(case: libraries.Case, peers: list[str], rounds: int) -> results.CaseResult:
    """Run the race of one case and report it on stderr; exit where fastbp could not take part."""
    yardstick = ["peak"] if case.mode == "train" else []
    run = running.race(case, ["fastbp", *yardstick, *peers], rounds)
    print(table.report(run), file=sys.stderr, flush=True)
    if "fastbp" in run.left_out:
        sys.exit(f"fastbp {run.left_out['fastbp']}")
    return results.summarize(run)


if __name__ == "__main__":
    main()
