"""The command ``fastbp``: train, predict, warmup, info."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .files.datasets import Dataset

SMALL = 10_000  # rows, below which training takes more passes in smaller batches
HELD_OUT = 0.2
WRONG_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit statuses; the last two are the shell's own


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
        of the output has gone.
    """
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError as error:
        return _complain(f"not enough memory: {error}")
    except (ValueError, TypeError) as error:
        return _complain(str(error))


def _run(argv: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(argv)
    except SystemExit as done:  # --help and --version have printed what they had to
        return int(done.code or 0)
    return options.run(options)


def _train(options: argparse.Namespace) -> int:

    from . import Model
    from .files import datasets, models

    models.check_writable(options.save)
    data = _training_data(options)
    small = len(data.X) < SMALL
    epochs = options.epochs or (20 if small else 10)
    batch_size = options.batch_size or (16 if small else 32)
    shift, scale = datasets.scaling(data.X)
    model = Model(
        [data.X.shape[1], *options.hidden, len(data.class_names)],
        learning_rate=options.learning_rate,
        seed=options.seed,
        input_shift=shift,
        input_scale=scale,
        feature_names=data.feature_names,
        class_names=data.class_names,
    )
    if not options.quiet:
        rows = f"{len(data.X):,} rows to train on, {len(data.X_test):,} to test"  # type: ignore[arg-type]
        print(f"data: {_plain(data.name)}, {rows}, {len(data.class_names)} classes")
        sizes = "-".join(map(str, model.layer_sizes))
        print(f"network: {sizes}, {epochs} epochs in batches of {batch_size}", flush=True)
    start = time.perf_counter()
    try:
        history = model.fit(data.X, data.y, epochs, batch_size, verbose=0 if options.quiet else 1)
    except ArithmeticError as error:
        raise ValueError(f"training diverged, nothing was saved: {error}; --learning-rate sets it") from None
    seconds = time.perf_counter() - start
    model.save(options.save)
    if history.interrupted:
        print(f"fastbp: interrupted in epoch {len(history.loss) + 1} of {epochs}", file=sys.stderr)
    print(f"test accuracy: {100 * model.evaluate(data.X_test, data.y_test)['accuracy']:.2f} %")
    print(f"training time: {seconds:.2f} seconds")
    print(f"model saved: {_plain(options.save)}")
    return INTERRUPTED if history.interrupted else 0


def _training_data(options: argparse.Namespace) -> Dataset:
    from .files import datasets

    data = datasets.digits() if options.data is None else datasets.read(options.data, options.target)
    if len(data.class_names) < 2:
        raise ValueError(f"{data.name}: all rows have the label {data.class_names[0]!r}, two classes are needed")
    return data if data.X_test is not None else datasets.split(data, HELD_OUT, options.seed)


def _predict(options: argparse.Namespace) -> int:
    from .files import datasets, models

    model = models.load(options.model)
    X = datasets.read_inputs(options.data, model.layer_sizes[0], model.feature_names, options.target)
    names = model.class_names or [str(c) for c in range(model.layer_sizes[-1])]
    names = [_plain(name) for name in names]
    probabilities = model.predict_proba(X)
    for row, c in zip(probabilities, probabilities.argmax(axis=1), strict=True):
        sys.stdout.write(f"{names[c]}\t{row[c]:.6f}\n")
    return 0


def _warmup(options: argparse.Namespace) -> int:
    from .ahead import warmup

    warmup(options.dtypes, options.optimizers)
    return 0


def _info(options: argparse.Namespace) -> int:
    import llvmlite
    import numba
    import numpy

    from . import __version__, threads
    from .kernels import _jit

    running = threads.describe()
    rows = {
        "fastbp": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "CPU": _cpu_name(),
        "SIMD width": f"{threads.simd_bits()} bits",
        "threads": running["threads"],
        "threading layer": running["layer"] or "none, all runs on one thread",
        "advice": running["advice"] or "none, all is well",
        "JIT cache": _jit.cache_folder() or "none, no folder for it can be written",
    }
    for name, value in rows.items():
        print(f"{name + ':':<17}{value}")
    return 0


def _cpu_name() -> str:
    """Return the CPU's name as the system has it, and as LLVM does."""
    from llvmlite import binding

    name = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or an architecture whose CPUs bear no name there
    return f"{name or platform.machine()} ({binding.get_host_cpu_name()})"


# ---- arguments


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is an error like any other, one line long."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    from . import __version__

    parser = _Parser(prog="fastbp", description="Train fully connected networks on a CPU.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"fastbp {__version__}")
    commands = parser.add_subparsers(required=True, metavar="train | predict | warmup | info")
    _add_train(commands)
    _add_predict(commands)
    _add_warmup(commands)
    info = commands.add_parser("info", help="tell versions, CPU, threads and cache", allow_abbrev=False)
    info.set_defaults(run=_info)
    return parser


def _add_train(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser(
        "train",
        help="train a network and save it",
        description="Train a network, test it and save it. MNIST folders bring their test set; "
        "of other data a fifth of the rows is held out.",
        allow_abbrev=False,
    )
    add, by_rows = train.add_argument, f"default: {{}} below {SMALL:,} rows, else {{}}"
    data = "folder of MNIST's IDX files, CSV (or .csv.gz), or .npz with X and y; default: digits that come along"
    target = "the label's column in a CSV: its name, or its number from 0; default: the last"
    hidden = 'units of the hidden layers, such as 128,64 or 128-64, or "none"; default: 128'
    add("--data", metavar="PATH", help=data)
    add("--target", metavar="COLUMN", help=target)
    add("--hidden", metavar="UNITS", type=_hidden, default=[128], help=hidden)
    add("--epochs", metavar="N", type=_whole(1), help=f"passes over the data; {by_rows.format(20, 10)}")
    add("--batch-size", metavar="N", type=_whole(1), help=f"rows a step; {by_rows.format(16, 32)}")
    add("--learning-rate", metavar="RATE", type=float, help="default: 0.1")
    add("--seed", metavar="N", type=_whole(0), default=0, help="fixes weights, order and rows held out; default: 0")
    add("--save", metavar="PATH", default="fastbp-model.safetensors", help="the model's file; default: %(default)s")
    add("--quiet", action="store_true", help="print the result alone")
    train.set_defaults(run=_train)


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="classify rows with a saved model",
        description="Print class and probability of each row, separated by a tab. Columns of a CSV with a "
        "header are found by name, others by position.",
        allow_abbrev=False,
    )
    predict.add_argument("model", metavar="MODEL", help="file that train saved")
    predict.add_argument("data", metavar="DATA", help="CSV (or .csv.gz), .npz with X, or IDX file of images")
    predict.add_argument("--target", metavar="COLUMN", help="a column of the CSV to leave out: the label's")
    predict.set_defaults(run=_predict)


def _add_warmup(commands: argparse._SubParsersAction) -> None:
    warmup = commands.add_parser(
        "warmup",
        help="compile the kernels ahead",
        description="Compile what training and predicting need into the cache folder (NUMBA_CACHE_DIR), for images "
        "and for users who may not write there.",
        allow_abbrev=False,
    )
    for option, default, known in (
        ("--dtypes", "float32", "float32, float64"),
        ("--optimizers", "sgd,adam", "sgd, adam"),
    ):
        text = f"of the models to come, separated by commas: {known}; default: %(default)s"
        warmup.add_argument(option, metavar="NAMES", type=lambda names: names.split(","), default=default, help=text)
    warmup.set_defaults(run=_warmup)


def _hidden(text: str) -> list[int]:
    try:
        sizes = [] if text == "none" else [int(size) for size in text.replace("-", ",").split(",")]
    except ValueError:
        sizes = [0]
    if any(size < 1 for size in sizes):
        raise argparse.ArgumentTypeError(f'expected whole numbers from 1, such as 128,64, or "none", got {text!r}')
    return sizes


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return value

    return parse


# ---- output


def _plain(text: str) -> str:
    """Escape backslashes and whatever would break a line, a column or the terminal, as Python's literals do."""
    return _printable(text.replace("\\", "\\\\"))


def _printable(text: str) -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _complain(message: str, status: int = WRONG_INPUT) -> int:
    print(f"fastbp: {_printable(' '.join(message.split()))}", file=sys.stderr)
    return status


def _drop_output() -> None:
    """Give what is still to be flushed at exit a place to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
