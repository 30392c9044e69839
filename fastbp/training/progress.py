"""The progress of a training: a bar, or a line an epoch."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from .history import History

DELAY = 0.5  # seconds before a bar is shown: shorter trainings show none
UNWRITABLE = OSError, ValueError, AttributeError, TypeError  # of streams: broken, closed, or without some method
NOTEBOOKS = ("ipykernel", "pyodide_kernel")  # packages whose streams show a bar though they are no terminal


class Progress:
    """Shows the progress of a training; a context manager.

    The bar is drawn by tqdm on stderr, as a widget in a notebook that has widgets. None is drawn where stderr is
    redirected to a file or a pipe, which it would fill with control characters. Training goes on in silence where
    stderr or stdout is closed, missing or cannot be written.

    Parameters
    ----------
    verbose : {0, 1, 2}
        0 shows nothing, 1 a bar, 2 prints a line an epoch.
    epochs : int
        Number of epochs to come.
    """

    def __init__(self, verbose: int, epochs: int) -> None:
        self.verbose: int = verbose
        self.epochs: int = epochs
        self._bar: Any = None
        self._epochs_done = 0

    def __enter__(self) -> Progress:
        if self.verbose == 1 and _can_redraw(getattr(sys, "stderr", None)):
            make = _tqdm()
            with self._silent_if_unwritable():
                self._bar = make(total=self.epochs, unit="epoch", delay=DELAY, bar_format=_FORMAT, disable=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with self._silent_if_unwritable():
                self._bar.close()

    def begin(self, epochs: int) -> None:
        """Show that so many epochs are done at the beginning, of a training that goes on."""
        self._epochs_done = epochs
        if self._bar is not None:
            with self._silent_if_unwritable():
                self._bar.update(epochs - self._bar.n)

    def rows(self, done: int, n: int | None, loss: float, accuracy: float | None) -> None:
        """Show that `done` of the epoch's `n` rows are done, with the running means so far; None is not known."""
        if self._bar is not None:
            more = "" if accuracy is None else f", accuracy {accuracy:.4f}"
            with self._silent_if_unwritable():
                rows = f"row {done:,}, " if n is None else ""
                self._bar.set_postfix_str(f"{rows}loss {loss:.4f}{more}", refresh=False)
                self._bar.update(self._epochs_done + (done / n if n else 0) - self._bar.n)

    def epoch(self, history: History) -> None:
        """Show that an epoch is done, the last one of `history`."""
        self._epochs_done += 1
        if self._bar is not None:
            self._bar.n = self._epochs_done  # exactly: a notebook shows a bar that ends below its total as failed
        if self.verbose == 2:
            numbers = ", ".join(f"{name} {value:.4f}" for name, value in history.latest().items())
            with self._silent_if_unwritable():
                print(f"epoch {len(history.loss)}/{self.epochs}: {numbers}")

    @contextlib.contextmanager
    def _silent_if_unwritable(self) -> Iterator[None]:
        """Write within this block. If the stream refuses, nothing more is shown."""
        try:
            yield
        except UNWRITABLE:
            if self._bar is not None:
                self._bar.disable = True  # tqdm then closes it without writing
            self._bar, self.verbose = None, 0


_FORMAT = "{desc}{percentage:3.0f}%|{bar}| epoch {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"


def _can_redraw(stream: Any) -> bool:
    """Return whether a line written to the stream can be drawn again: in a terminal or a notebook."""
    if str(type(stream).__module__).partition(".")[0] in NOTEBOOKS:
        return True
    try:
        return bool(stream.isatty())
    except UNWRITABLE:
        return False


def _tqdm() -> Any:
    """Return the tqdm that suits the environment, without its warning in a notebook that has no widgets."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    return tqdm
