"""What ``fastbp train`` draws: the learning curve, and a page on all of the training."""

from __future__ import annotations

import argparse
import platform
import sys
from typing import TYPE_CHECKING, Any

from ..machine import cpu_name
from .arguments import different
from .output import plain

if TYPE_CHECKING:
    from ..files.datasets import Dataset
    from ..history import History
    from ..model import Model


def check(options: argparse.Namespace) -> None:
    """Find out before training whether --plot and --report can be written: raise ValueError, OSError, ImportError."""
    if len(different(options, "save", "plot", "report")) > 1:
        from ..files import models
        from ..plot import canvas

        canvas.matplotlib()
        if options.plot is not None:
            canvas.check_path(options.plot)
        if options.report is not None:
            models.check_writable(options.report)


class Watching:
    """What is asked of `Model.fit` for the pictures' sake, and the pictures; nothing where none is asked for."""

    def __init__(self, options: argparse.Namespace, data: Dataset) -> None:
        self.options, self.data, self.diagnose = options, data, None
        self.asked: dict[str, Any] = {}
        if options.plot is not None or options.report is not None:
            self.asked["validation_data"] = (data.X_test, data.y_test)
        if options.report is not None:
            from ..callbacks import Diagnose
            from ..report.sections import DIAGNOSED

            self.diagnose = Diagnose(data.X[:DIAGNOSED], data.y[:DIAGNOSED])
            self.asked["callbacks"] = (self.diagnose,)

    def write(self, model: Model, history: History, batch_size: int, seconds: float, seed: int) -> None:
        """Draw what is asked for, and say so."""
        if self.options.plot is not None:
            self._plot(history)
        if self.diagnose is not None:
            from .. import __version__
            from ..report import Outcome, write

            python = platform.python_version()
            known = {"seed": seed, "fastbp": __version__, "Python": python, "CPU": cpu_name()}
            training = Outcome(model, self.data, history, self.diagnose.reports, batch_size, seconds, known)
            write(self.options.report, training)
            print(f"report written: {plain(self.options.report)}")

    def _plot(self, history: History) -> None:
        from .. import plot
        from ..plot import canvas

        if not history.loss:
            print("fastbp: no epoch came to its end, there is no learning curve to draw", file=sys.stderr)
            return
        canvas.save(plot.history(history, canvas.blank(6.4, 4.0)), self.options.plot)
        print(f"learning curve drawn: {plain(self.options.plot)}")
