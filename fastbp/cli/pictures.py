"""The learning curve and the report that ``fastbp train`` draws."""

from __future__ import annotations

import argparse
import platform
import sys
from typing import TYPE_CHECKING, Any

from ..files.writing import check_writable
from ..inspection.machine import cpu_name
from .files import different
from .output import plain

if TYPE_CHECKING:
    from ..callbacks import Diagnose
    from ..files.datasets import Dataset
    from ..model.model import Model
    from ..training.history import History


def check(options: argparse.Namespace) -> None:
    """Raise ValueError, OSError or ImportError before training if a file of the options cannot be written."""
    check_writable(options.save)
    different(options, "save", "plot", "report", "checkpoint")
    if options.plot is not None or options.report is not None:
        from ..plot import canvas

        canvas.matplotlib()
        if options.plot is not None:
            canvas.check_path(options.plot)
        if options.report is not None:
            check_writable(options.report)


class Pictures:
    """The pictures that the options ask for, if any, and the arguments of `Model.fit` that they need."""

    options: argparse.Namespace
    data: Dataset
    diagnose: Diagnose | None
    columns: list[tuple[Any, float]] | None = None  # of a table: what became of each, and how much it matters

    def __init__(self, options: argparse.Namespace, data: Dataset, diagnoses: bool = True) -> None:
        self.options, self.data, self.diagnose = options, data, None
        self.arguments: dict[str, Any] = {}
        if options.plot is not None or options.report is not None:
            self.arguments["validation_data"] = (data.X_test, data.y_test)
        if options.report is not None and diagnoses:
            from ..callbacks import Diagnose
            from ..inspection.report.sections import DIAGNOSED

            self.diagnose = Diagnose(data.X[:DIAGNOSED], data.y[:DIAGNOSED])
            self.arguments["callbacks"] = (self.diagnose,)

    def write(self, model: Model, history: History, batch_size: int, seconds: float, seed: int) -> None:
        """Draw the pictures, and print where they are."""
        if self.options.plot is not None:
            draw(history, self.options.plot)
        if self.options.report is not None:
            from .. import __version__
            from ..inspection.report import Outcome, write

            python = platform.python_version()
            known = {"seed": seed, "fastbp": __version__, "Python": python, "CPU": cpu_name()}
            reports = [] if self.diagnose is None else self.diagnose.reports
            training = Outcome(model, self.data, history, reports, batch_size, seconds, known, self.columns)
            write(self.options.report, training)
            print(f"report written: {plain(self.options.report)}")


def draw(history: History, path: str) -> None:
    """Draw the learning curve, and print where it is."""
    from .. import plot
    from ..plot import canvas

    if not history.loss:
        print("fastbp: no epoch was finished, so there is no learning curve to draw", file=sys.stderr)
        return
    canvas.save(plot.history(history, canvas.blank(6.4, 4.0)), path)
    print(f"learning curve drawn: {plain(path)}")
