"""The command ``fastbp``: train, predict, profile, warmup, info, one module each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import info, predict, profile, train, warmup
from .arguments import Parser
from .output import BROKEN_PIPE, INTERRUPTED, complain, drop_output, escaped, plain_warnings

COMMANDS = {"train": train, "predict": predict, "profile": profile, "warmup": warmup, "info": info}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, by default those of the process.

    Returns
    -------
    int
        Exit status: 0; 2 for wrong input, with one line on stderr; 130 after Ctrl-C; 141 where the reader
        of the output has gone; 143 after SIGTERM in a training with checkpoints.
    """
    try:
        with escaped(), plain_warnings():
            status = _run(argv)
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)
    except SystemExit as ended:
        return complain("terminated; with --resume training goes on", int(ended.code or 0))
    except BrokenPipeError:
        drop_output()
        return BROKEN_PIPE
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError as error:
        return complain(f"not enough memory: {error}")
    except (RecursionError, NotImplementedError):
        raise
    except (ValueError, TypeError, ImportError, RuntimeError) as error:  # an extra to install, a setting of Numba's
        return complain(str(error))


def _run(argv: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(argv)
    except SystemExit as done:  # --help and --version have printed what they had to
        return int(done.code or 0)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    from .. import __version__

    parser = Parser(prog="fastbp", description="Train fully connected networks on a CPU.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"fastbp {__version__}")
    commands = parser.add_subparsers(required=True, metavar=" | ".join(COMMANDS))
    for command in COMMANDS.values():
        command.add(commands)
    return parser
