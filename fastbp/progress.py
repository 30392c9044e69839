"""What training shows while it runs."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from .history import History

QUICK = 0.5  # seconds: what is over by then shows no bar
NOTEBOOKS = ("ipykernel", "pyodide_kernel")  # whose streams end in a notebook, where bars move though it is no terminal


class Progress:
    """A bar in a terminal or notebook (`verbose` 1), a line an epoch (2) or nothing (0).

    The bar is tqdm's, of widgets in a notebook that has them. Where errors are redirected to a file or a pipe, none
    is drawn: it would fill them with control characters.
    """

    def __init__(self, verbose: int, epochs: int) -> None:
        if verbose > 2:
            raise ValueError(f"verbose must be 0, 1 or 2, got {verbose}")
        self.verbose, self.epochs = verbose, epochs
        self._bar: Any = None
        self._epochs_over = 0

    def __enter__(self) -> Progress:
        if self.verbose == 1 and _moves(sys.stderr):
            self._bar = _tqdm()(total=self.epochs, unit="epoch", delay=QUICK, bar_format=_FORMAT, disable=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def rows(self, done: int, n: int, loss: float, accuracy: float | None) -> None:
        """Show how far the epoch is, with its running means."""
        if self._bar is not None:
            more = "" if accuracy is None else f", accuracy {accuracy:.4f}"
            self._bar.set_postfix_str(f"loss {loss:.4f}{more}", refresh=False)
            self._bar.update(self._epochs_over + done / n - self._bar.n)

    def epoch(self, history: History) -> None:
        """Tell that an epoch is over."""
        self._epochs_over += 1
        if self._bar is not None:
            self._bar.n = self._epochs_over  # to the bit, else a notebook shows the last epoch as broken off
        if self.verbose == 2:
            numbers = ", ".join(f"{name} {value:.4f}" for name, value in history.latest().items())
            print(f"epoch {len(history.loss)}/{self.epochs}: {numbers}")


_FORMAT = "{desc}{percentage:3.0f}%|{bar}| epoch {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"


def _moves(stream: Any) -> bool:
    """Whether what is written there can be written over: in a terminal or a notebook."""
    if type(stream).__module__.partition(".")[0] in NOTEBOOKS:
        return True
    return stream is not None and stream.isatty()


def _tqdm() -> Any:
    """Return tqdm for where this runs, without a word where a notebook has no widgets: its bar is text then."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    return tqdm
