"""Every registered kernel has a benchmark class, and every class runs at its smallest parameters."""

import importlib.util
import sys
from pathlib import Path

import pytest

from fastbp.kernels.registry import KERNELS

FOLDER = Path(__file__).parent.parent / "asv_benchmarks" / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """asv's modules by name, imported from the checkout as asv does."""
    spec = importlib.util.spec_from_file_location("benchmarks", FOLDER / "__init__.py")
    sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    yield {path.stem: importlib.import_module(f"benchmarks.{path.stem}") for path in FOLDER.glob("[a-z]*.py")}
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def classes(module):
    return [thing for thing in vars(module).values() if isinstance(thing, type) and thing.__module__ == module.__name__]


def test_every_kernel_has_a_benchmark_and_no_benchmark_is_left_over(modules):
    measured = [cls.kernel for cls in classes(modules["kernels"])]
    assert sorted(measured) == sorted(KERNELS)


@pytest.mark.parametrize("module", ["kernels", "training"])
def test_benchmarks_run_at_their_smallest_parameters(modules, module):
    for cls in classes(modules[module]):
        smallest = [values[0] for values in cls.params]
        benchmark = cls()
        benchmark.setup(*smallest)
        timed = [name for name in dir(benchmark) if name.startswith("time_")]
        assert timed
        for name in timed:
            getattr(benchmark, name)(*smallest)
