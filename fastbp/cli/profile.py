"""The command ``fastbp profile``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..kernels.optimizers import OPTIMIZERS
from .arguments import add_header, add_max_bytes, layer_sizes, positive, whole
from .files import different
from .output import complain

if TYPE_CHECKING:
    import numpy as np

    from ..inspection.profiler.result import Profile
    from ..losses import Loss

BATCHES = 64  # of random rows, where no data are given
DEFAULTS = {"batch": 64, "dtype": "float32", "optimizer": "sgd", "seconds": 1.0}
_STEPS = "layers", "batch", "dtype", "optimizer", "threads", "steps", "seconds", "data", "header", "max_bytes"
_FILES = "json", "trace", "roofline"
_UNUSED = {"asm": {*_STEPS, *_FILES} - {"dtype"}, "compare": {*_STEPS, *_FILES}, "perf": {*_FILES}}


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    profile = commands.add_parser(
        "profile",
        help="see how close each kernel comes to the machine's peak",
        description="Take training steps with a clock around each kernel, and print what each takes, how close it "
        "comes to what this machine can do, and what is left outside kernels.",
        allow_abbrev=False,
    )
    add = profile.add_argument
    sizes = "inputs, hidden units and outputs, such as 784-128-10 (default) or 784,128,10"
    data = "train on this, as train does, instead of random rows"
    asm = "print a kernel's hot loop instead; KERNEL is a name in the table, such as fast_linear_relu"
    add("--layers", metavar="SIZES", type=layer_sizes, help=sizes)
    add("--batch", metavar="N", type=whole(1), help=f"rows a step; default: {DEFAULTS['batch']}")
    add("--dtype", metavar="NAME", help=f"float32 or float64; default: {DEFAULTS['dtype']}")
    add("--optimizer", metavar="NAME", help=f"{', '.join(OPTIMIZERS)}; default: {DEFAULTS['optimizer']}")
    add("--threads", metavar="N", type=whole(1), help="threads at most; default: all there are")
    add("--steps", metavar="N", type=whole(1), help="steps with clocks; default: as many as --seconds allows")
    add("--seconds", metavar="S", type=positive, help=f"how long with clocks; default: {DEFAULTS['seconds']}")
    add("--data", metavar="PATH", help=data)
    add_header(profile)
    add_max_bytes(profile)
    add("--json", metavar="FILE", help="write the profile to a JSON file")
    add("--trace", metavar="FILE", help="write the last steps as a trace that Perfetto and chrome://tracing open")
    add("--roofline", metavar="FILE", help="draw every kernel under the machine's roof, SVG or PNG (extra: plot)")
    instead = profile.add_mutually_exclusive_group().add_argument
    instead("--asm", metavar="KERNEL", help=asm)
    instead("--compare", metavar=("A", "B"), nargs=2, help="compare two JSON files instead")
    instead("--perf", action="store_true", help="say instead how to take the same run under Linux perf")
    profile.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    _check(options)
    for name, default in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    if options.asm is not None:
        return _print_hot_loop(options.asm, options.dtype)
    if options.compare:
        from ..inspection.profiler import saved, tables

        print(tables.compared(*(saved.read(path) for path in options.compare)))
        return 0
    if options.perf:
        from ..inspection.profiler import perf

        print(perf.how_to(_settings(options)))
        return 0
    return _profile(options)


def _check(options: argparse.Namespace) -> None:
    """Raise ValueError for options that would count for nothing beside others."""
    given = [name for name in (*_STEPS, *_FILES) if getattr(options, name) is not None]
    for instead, unused in _UNUSED.items():
        wrong = [_option(options, name) for name in given if name in unused]
        if getattr(options, instead) not in (None, False) and wrong:
            raise ValueError(
                f"{', '.join(wrong)} can't be given with --{instead}, which takes no steps and writes no file"
            )
    wrong = [_option(options, name) for name in given if name in ("header", "max_bytes")]
    if wrong and options.data is None:
        raise ValueError(f"{', '.join(wrong)} needs --data")


def _option(options: argparse.Namespace, name: str) -> str:
    """Return how an option that was given is written."""
    return "--no-header" if name == "header" and not options.header else f"--{name.replace('_', '-')}"


def _print_hot_loop(kernel: str, dtype: str) -> int:
    from ..inspection.profiler import assembly, vectorized

    lines = vectorized.instructions(kernel, dtype)
    print(*(line.expandtabs(8) for line in lines), sep="\n")
    print(f"{kernel}, {dtype}: {assembly.count(lines)}")
    return 0


def _settings(options: argparse.Namespace) -> list[str]:
    """Return the arguments that ask for the same steps."""
    given = {name: getattr(options, name) for name in _STEPS if getattr(options, name) is not None}
    if options.layers:
        given["layers"] = "-".join(map(str, options.layers))
    words = ([_option(options, name), *([] if name == "header" else [str(given[name])])] for name in given)
    return [word for each in words for word in each]


def _profile(options: argparse.Namespace) -> int:
    from .. import Model
    from ..inspection.profiler.steps import profile

    _check_files(options)
    X, y, sizes, loss = _rows(options)
    known = {"optimizer": options.optimizer, "dtype": options.dtype, "n_threads": options.threads}
    model = Model(sizes, seed=0, loss=loss, **known)
    found = profile(model, X, y, batch_size=options.batch, steps=options.steps, seconds=options.seconds)
    print("-".join(map(str, sizes)) + f", batch {min(options.batch, len(y))}, {model.dtype}, {options.optimizer}")
    print(found)
    if options.json is not None:
        found.save(options.json)
    if options.trace is not None:
        found.trace(options.trace)
    if options.roofline is not None:
        _draw(found, options.roofline)
    return 0


def _rows(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, list[int], str | Loss]:
    """Return rows to train on, the sizes of the layers and the loss."""
    import numpy as np

    from ..losses import CrossEntropy

    sizes = options.layers or [784, 128, 10]
    if options.data is None:
        random, n = np.random.default_rng(0), BATCHES * options.batch
        X = random.standard_normal((n, sizes[0]), "float64" if options.dtype == "float64" else "float32")
        return X, random.integers(0, sizes[-1], n), sizes, CrossEntropy()
    from ..files import datasets, scales

    data = datasets.read(options.data, header=options.header, max_bytes=options.max_bytes)
    for doubt in data.doubts:
        complain(doubt)
    fixed = data.X.shape[1], len(data.class_names) or 1
    if options.layers is None:
        sizes = [fixed[0], 128, fixed[1]]
    if (sizes[0], sizes[-1]) != fixed:
        raise ValueError(f"--layers must begin with {fixed[0]} and end with {fixed[1]} for {data.name}, got {sizes}")
    if data.task == "regression":
        return data.X, scales.target_scale(data.y).standardized(data.y), sizes, "squared_error"
    return data.X, data.y, sizes, CrossEntropy()


def _check_files(options: argparse.Namespace) -> None:
    """Find out before anything is measured whether all files can be written."""
    from ..files.writing import check_writable

    files = different(options, *_FILES)
    for path in files.values():
        check_writable(path)
    if "roofline" in files:
        from ..plot import canvas

        canvas.matplotlib()
        canvas.check_path(options.roofline)


def _draw(profile: Profile, path: str) -> None:
    from .. import plot
    from ..plot import canvas

    canvas.save(plot.roofline(profile, canvas.blank(6.4, 4.8)), path)
