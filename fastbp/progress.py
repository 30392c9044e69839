"""What training shows while it runs."""

from __future__ import annotations

from typing import Any

from .history import History

QUICK = 0.5  # seconds: what is over by then shows no bar


class Progress:
    """A tqdm bar (`verbose` 1), a line an epoch (2) or nothing (0)."""

    def __init__(self, verbose: int, epochs: int) -> None:
        if verbose > 2:
            raise ValueError(f"verbose must be 0, 1 or 2, got {verbose}")
        self.verbose, self.epochs = verbose, epochs
        self._bar: Any = None
        self._epochs_over = 0

    def __enter__(self) -> Progress:
        if self.verbose == 1:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self.epochs, unit="epoch", delay=QUICK, bar_format=_FORMAT)
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
        if self.verbose == 2:
            numbers = ", ".join(f"{name} {value:.4f}" for name, value in history.latest().items())
            print(f"epoch {len(history.loss)}/{self.epochs}: {numbers}")


_FORMAT = "{desc}{percentage:3.0f}%|{bar}| epoch {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"
