"""What the arguments of all commands are read with."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is an error like any other, one line long."""

    def error(self, message: str) -> NoReturn:
        """Raise it."""
        raise ValueError(f"{message} (see {self.prog} --help)")


def hidden_sizes(text: str) -> list[int]:
    """Read units of hidden layers: 128,64 or 128-64 or "none"."""
    try:
        sizes = [] if text == "none" else [int(size) for size in text.replace("-", ",").split(",")]
    except ValueError:
        sizes = [0]
    if any(size < 1 for size in sizes):
        raise argparse.ArgumentTypeError(f'expected whole numbers from 1, such as 128,64, or "none", got {text!r}')
    return sizes


def whole(least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return value

    return parse
