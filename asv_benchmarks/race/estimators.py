#!/usr/bin/env python
"""Race fastbp.sklearn's estimators against scikit-learn's own: `fit`, the same settings, the same seed.

    python asv_benchmarks/race/estimators.py
    python asv_benchmarks/race/estimators.py --case digits:adam --case mnist:sgd:float32:search --rounds 9

A case is DATA:SOLVER, then perhaps float32, early (stopping) or search (a grid in two processes). DATA is digits,
breast_cancer, diabetes, text (sparse: 20,000 documents), or mnist where FASTBP_MNIST names the folder of its files.
On text there is a second table, beside PyTorch. README.md in the folder above tells more. It needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import statistics
import sys
import warnings
from typing import Any

import machine
from competitor import Competitor, LeftOut, sample, serve
from table import duration, multiple

OURS = "fastbp.sklearn"
TITLES = {OURS: "fastbp", "sklearn.neural_network": "scikit-learn", "torch_text": "PyTorch"}  # the last on text alone
SMALL, SOLVERS = ("digits", "breast_cancer", "diabetes"), ("adam", "sgd", "lbfgs")
OPTIONS = {"float32", "early", "search"}
CASES = [
    *(f"{data}:{solver}" for data in SMALL for solver in SOLVERS),
    *(f"{data}:adam:{option}" for data in SMALL for option in ("early", "search")),
    *(f"mnist:{solver}{dtype}" for solver in SOLVERS for dtype in (":float32", "")),
    *("mnist:adam:float32:search", "mnist:adam:search"),
    *("text:adam:float32", "text:adam", "text:sgd"),
]
ITERATIONS = {"mnist": {"adam": 5, "sgd": 5, "lbfgs": 10}, "text": {"adam": 2, "sgd": 2, "lbfgs": 10}}  # else 200
DOCUMENTS, WORDS, CLASSES = 20_000, 100_000, 4  # of the texts that are made
SEARCHED_ROWS = 12_000  # of MNIST's 60,000, in a search
GRID = {"alpha": [1e-4, 1e-2]}


def parse(text: str) -> tuple[str, str, set[str]]:
    """Return a case's data, solver and options; ValueError where it is none."""
    data, _, rest = text.partition(":")
    solver, *options = rest.split(":")
    if data not in (*SMALL, "mnist", "text") or solver not in SOLVERS or not set(options) <= OPTIONS:
        raise ValueError(f"{text!r} is no case as digits:adam or mnist:sgd:float32:search is")
    if solver == "lbfgs" and "early" in options:
        raise ValueError(f"{text!r} asks for early stopping, which solver lbfgs has not")
    return data, solver, set(options)


def load(data: str, options: set[str]) -> list[Any]:
    """Return rows to fit, rows to test, and what belongs to each: standardized, MNIST's grey levels from 0 to 1."""
    from sklearn import datasets, model_selection
    from sklearn.preprocessing import scale

    dtype = "float32" if "float32" in options else "float64"
    if data == "mnist":
        from fastbp.files import datasets as files

        if "FASTBP_MNIST" not in os.environ:
            raise ImportError("FASTBP_MNIST names no folder of MNIST's files")
        read, rows = files.read(os.environ["FASTBP_MNIST"]), SEARCHED_ROWS if "search" in options else None
        assert read.X_test is not None
        return [(read.X[:rows] / 255).astype(dtype), (read.X_test / 255).astype(dtype), read.y[:rows], read.y_test]
    if data == "text":
        return model_selection.train_test_split(*texts(dtype), test_size=0.2, random_state=0)
    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    y = scale(y) if data == "diabetes" else y
    return model_selection.train_test_split(scale(X).astype(dtype), y, test_size=0.2, random_state=0)


def texts(dtype: str) -> tuple[Any, Any]:
    """Return documents as counts of words, weighted by TF-IDF, and their classes, each with words of its own.

    Words are drawn by Zipf's law, lengths are log-normal.
    """
    import numpy as np
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfTransformer

    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, DOCUMENTS)
    lengths = rng.lognormal(4.5, 0.7, DOCUMENTS).astype(int) + 1
    words = np.minimum(rng.zipf(1.2, lengths.sum()), WORDS) - 1
    own = rng.random(len(words)) < 0.1  # words that tell the class
    words[own] = (words[own] * CLASSES + np.repeat(y, lengths)[own]) % WORDS
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    counts = sparse.csr_matrix((np.ones(len(words)), words, pointers), (DOCUMENTS, WORDS))
    counts.sum_duplicates()
    return TfidfTransformer().fit_transform(counts).astype(dtype), y


def fitter(module: str, text: str) -> Any:
    """Return what fits once, and then what tells how well."""
    from sklearn.model_selection import GridSearchCV

    data, solver, options = parse(text)
    X, X_test, y, y_test = load(data, options)
    kind = getattr(importlib.import_module(module), "MLPRegressor" if data == "diabetes" else "MLPClassifier")
    iterations = ITERATIONS.get(data, {}).get(solver, 200)
    estimator = kind(solver=solver, max_iter=iterations, early_stopping="early" in options, random_state=0)
    if "search" in options:
        estimator = GridSearchCV(estimator, GRID, cv=3, n_jobs=2)
    os.environ["PYTHONWARNINGS"] = "ignore"  # in the processes of a search
    warnings.simplefilter("ignore")  # not converged, it says
    return lambda: estimator.fit(X, y), lambda: estimator.score(X_test, y_test)


def compete(module: str, text: str, answers: int) -> None:
    """Be a competitor: fit once, then answer "score", and "time"."""

    def prepare():
        fit, score = fitter(module, text)
        fit()  # compiles or loads, and starts the processes of a search
        return 0.0, lambda what: score() if what == "score" else sample(fit)

    serve(answers, prepare)


def compare(text: str, rounds: int, peer: str) -> list[str]:
    """Return the case's row of the table: both times, their ratio and both scores."""
    running: dict[str, Competitor] = {}
    seconds: dict[str, list[float]] = {module: [] for module in (OURS, peer)}
    try:
        for module in seconds:
            running[module] = Competitor(module, text, __file__)
        for turn in range(rounds):
            for module in list(seconds)[:: 1 if turn % 2 else -1]:  # each first in turn
                seconds[module].append(running[module].ask("time"))
        scores = [running[module].ask("score") for module in seconds]
    finally:
        for competitor in running.values():
            competitor.end()
    times = [duration(statistics.median(each)) for each in seconds.values()]
    ratio = statistics.median(theirs / ours for ours, theirs in zip(*seconds.values(), strict=True))
    return [described(text), *times, f"**{multiple(ratio)}**", *(f"{score:.4f}" for score in scores)]


def described(text: str) -> str:
    """Return a case in words."""
    data, solver, options = parse(text)
    words = {"float32": "float32", "early": "early stopping", "search": "`GridSearchCV(n_jobs=2)`"}
    name = "MNIST" if data == "mnist" else data.replace("_", " ")
    return ", ".join([name, solver, *(word for option, word in words.items() if option in options)])


def main() -> None:
    """Race the cases asked for; the table goes to stdout, who is left out to stderr."""
    parser = make_parser()
    options = parser.parse_args()
    if options.compete:
        module, text, answers = options.compete
        return compete(module, text, int(answers))
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    cases = options.case or CASES
    try:
        for case in cases:
            parse(case)
    except ValueError as error:
        parser.error(str(error))
    print_table(cases, options.rounds, "sklearn.neural_network")
    texts_asked = [case for case in cases if parse(case)[0] == "text"]
    if texts_asked:
        print()
        print_table(texts_asked, options.rounds, "torch_text")
    versions = machine.versions(["fastbp", "sklearn", *(["torch"] if texts_asked else [])])
    about = machine.in_words(machine.describe(), versions, str(datetime.date.today()))
    print(f"\nMedians of {options.rounds} fits each, in turns: {about}.")


def print_table(cases: list[str], rounds: int, peer: str) -> None:
    """Race these cases beside a peer, and print a row of each as it is done."""
    titles = TITLES[OURS], TITLES[peer]
    head = ["`fit`", *titles, "faster", *(f"score of {title}" for title in titles)]
    for row in (head, ["---"] * len(head)):
        print("| " + " | ".join(row) + " |", flush=True)
    for case in cases:
        try:
            print("| " + " | ".join(compare(case, rounds, peer)) + " |", flush=True)
        except LeftOut as why:
            print(f"{case} left out: {why}", file=sys.stderr, flush=True)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", action="append", metavar="CASE", help="race this case only; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="fits of each side and case (5)")
    parser.add_argument("--compete", nargs=3, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
