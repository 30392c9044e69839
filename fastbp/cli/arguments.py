"""The parser of arguments, and the types of arguments that commands share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ..callbacks import Checkpoint


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ValueErrors of one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the ValueError."""
        raise ValueError(f"{message} (see {self.prog} --help)")


class Once(argparse.Action):
    """An argument that may be given as a positional one or as an option, and once."""

    def __call__(self, parser: Any, options: argparse.Namespace, value: Any, option: str | None = None) -> None:
        """Keep the value; complain of a second one."""
        if getattr(options, self.dest, None) is not None:
            raise argparse.ArgumentError(None, f"--{self.dest} and {self.metavar} are the same: give one of them")
        setattr(options, self.dest, value)


def _sizes(text: str) -> list[int]:
    """Return whole numbers from 1 that commas or dashes separate; an empty list for any other text."""
    try:
        sizes = [int(size) for size in text.replace("-", ",").split(",")]
    except ValueError:
        return []
    return sizes if min(sizes) > 0 else []


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says where the data are, which may also be given by --data."""
    data = "CSV or TSV (or .csv.gz, .tsv.gz), Parquet, .npz with X and y, or folder of MNIST's IDX files; "
    data += "a pattern of files, such as 'part-*.csv', or a folder of parts is read in pieces; "
    data += "default: the digits of this package"
    parser.add_argument("data", nargs="?", action=Once, metavar="PATH", default=argparse.SUPPRESS, help=data)
    parser.add_argument("--data", action=Once, metavar="PATH", help="the same")


def add_header(parser: argparse.ArgumentParser) -> None:
    """Add --header and --no-header, which set `header` to True or False instead of None."""
    group = parser.add_mutually_exclusive_group()
    names, data = "the first line of the CSV names its columns", "the first line of the CSV is a row of data"
    group.add_argument("--header", action="store_true", default=None, help=f"{names}; default: its content decides")
    group.add_argument("--no-header", dest="header", action="store_false", default=None, help=data)


def hidden_sizes(text: str) -> list[int]:
    """Return the units of hidden layers from 128,64 or 128-64 or "none"."""
    sizes = [] if text == "none" else _sizes(text)
    if not sizes and text != "none":
        raise argparse.ArgumentTypeError(f'expected whole numbers from 1, such as 128,64, or "none", got {text!r}')
    return sizes


def add_max_bytes(parser: argparse.ArgumentParser) -> None:
    """Add the argument that limits what compressed data unpack to."""
    default = "default: 1 GiB, or 20 times the file's size where that is more"
    parser.add_argument(
        "--max-bytes", metavar="N", type=whole(1), help=f"what compressed data may unpack to; {default}"
    )


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Add the argument that asks for data in pieces."""
    memory = "read the data in pieces, of which so much is held at once, such as 2GB: Parquet, CSV or .npy of numbers"
    parser.add_argument("--memory", metavar="SIZE", type=_byte_count, help=memory)


def _byte_count(text: str) -> int:
    """Return a number of bytes from text such as 2GB."""
    from ..data.sources import source

    try:
        return source.byte_count("--memory", int(text) if text.isdigit() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of checkpoints."""
    add = parser.add_argument
    add("--checkpoint", metavar="FOLDER", help="folder to which all of the training is written from time to time")
    every = "how often: a time, steps or epochs, such as '30 s', '500 steps' or '1 epoch'; default: 10 min"
    add("--checkpoint-every", metavar="INTERVAL", help=every)
    resume = "go on with the newest checkpoint in that folder, or begin where there is none; --epochs counts all"
    add("--resume", action="store_true", help=resume)


def wanted_checkpoint(options: argparse.Namespace) -> Checkpoint | None:
    """Return the checkpoint that the options ask for, if any."""
    if options.checkpoint is None:
        for name in "resume", "checkpoint_every":
            if getattr(options, name):
                raise ValueError(f"--{name.replace('_', '-')} needs --checkpoint FOLDER")
        return None
    from ..callbacks import Checkpoint

    return Checkpoint(options.checkpoint, options.checkpoint_every or "10 min")


def resumed(options: argparse.Namespace) -> str | None:
    """Return the folder whose newest checkpoint is gone on with, if any."""
    return options.checkpoint if options.resume else None


def layer_sizes(text: str) -> list[int]:
    """Return inputs, units of hidden layers and outputs from 784-128-10 or 784,128,10."""
    sizes = _sizes(text)
    if len(sizes) < 2:
        raise argparse.ArgumentTypeError(f"expected two or more whole numbers from 1, such as 784-128-10, got {text!r}")
    return sizes


def positive(text: str) -> float:
    """Return a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def whole(least: int) -> Callable[[str], int]:
    """Return a function that parses whole numbers from `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return value

    return parse
