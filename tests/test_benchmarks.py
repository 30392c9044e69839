"""Every benchmark runs, every registered kernel has one, and the race counts rightly and runs from end to end."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from fastbp.kernels.registry import KERNELS

FOLDER = Path(__file__).parent.parent / "asv_benchmarks"
MODULES = ["kernels", "peers", "plain", "startup", "training"]
PEERS = {  # what each class of peers.py, and each entrant of the race, imports
    "fastbp": ["fastbp"],
    "jax": ["jax"],
    "torch": ["torch"],
    "torch_compile": ["torch"],
    "sklearn": ["sklearn"],
    "onnxruntime": ["onnx", "onnxruntime"],
}


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def modules():
    """asv's modules by name, imported from the checkout as asv does, and the race's table."""
    load("benchmarks", FOLDER / "benchmarks" / "__init__.py")
    found = {
        path.stem: importlib.import_module(f"benchmarks.{path.stem}")
        for path in (FOLDER / "benchmarks").glob("[a-z]*.py")
    }
    found["libraries"] = importlib.import_module("benchmarks.libraries")
    found["race_table"] = load("race_table", FOLDER / "race_table.py")
    yield found
    for name in [name for name in sys.modules if name.partition(".")[0] in ("benchmarks", "race_table")]:
        del sys.modules[name]


def classes(module):
    things = [thing for name, thing in vars(module).items() if not name.startswith("_")]
    return [thing for thing in things if isinstance(thing, type) and thing.__module__ == module.__name__]


def installed(name):
    return all(importlib.util.find_spec(package) for package in PEERS[name])


def run_once(cls, *params):
    """Set up and call all that asv would; return what was tracked."""
    benchmark = cls()
    if hasattr(benchmark, "setup"):
        benchmark.setup(*params)
    measured = [name for name in dir(benchmark) if name.startswith(("time_", "track_"))]
    assert measured
    tracked = [getattr(benchmark, name)(*params) for name in measured]
    if hasattr(benchmark, "teardown"):
        benchmark.teardown(*params)
    return tracked


def smallest(cls):
    return [values[0] for values in getattr(cls, "params", ())]


def test_every_kernel_has_a_benchmark_and_no_benchmark_is_left_over(modules):
    for module, fast in (("plain", False), ("kernels", True)):
        measured = [cls.kernel for cls in classes(modules[module])]
        assert sorted(measured) == sorted(name for name in KERNELS if name.startswith("fast_") == fast)


def test_all_modules_are_tested(modules):
    assert sorted(MODULES) == sorted(set(modules) - {"common", "libraries", "race_table"})


@pytest.mark.parametrize("module", ["plain", "kernels", "training", "startup"])
def test_benchmarks_run_at_their_smallest_parameters(modules, module):
    for cls in classes(modules[module]):
        run_once(cls, *smallest(cls))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process isn't told its peak memory")
def test_a_model_takes_the_memory_of_its_parameters_and_states_and_little_more(modules):
    (growth,) = run_once(modules["startup"].Memory, "784-1024-1024-1024-10", "adam", "float32")
    sizes, batch, states = [784, 1024, 1024, 1024, 10], 128, 2
    parameters = 4 * sum((I + 1) * O for I, O in zip(sizes, sizes[1:], strict=False))
    assert parameters * (1 + states) < growth
    assert growth < parameters * (2 + states) + 2 * 4 * batch * sum(sizes) + 20e6


# ---- peers


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_runs_where_it_is_installed_and_is_skipped_elsewhere(modules, name):
    (cls,) = (cls for cls in classes(modules["peers"]) if cls.name == name)
    for case in ("train:64-32-10:32:sgd", "predict:784-512-512-10:1000"):
        assert case in cls.params[0]
        if installed(name) and not (name == "onnxruntime" and case.startswith("train")):
            run_once(cls, case)
        else:
            with pytest.raises(NotImplementedError):
                cls().setup(case)


def test_peers_bear_the_names_of_the_race(modules):
    assert set(modules["libraries"].TITLES) == set(PEERS) == {cls.name for cls in classes(modules["peers"])}


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_libraries_start_and_end_training_at_the_same_loss(modules, dtype):
    libraries = modules["libraries"]
    case = libraries.Case.parse(f"train:20-30-4:25:adam:{dtype}", steps=40)
    X, y, weights = (vars(libraries.data(case))[name] for name in ("X", "y", "weights"))
    h = np.maximum(X @ weights[0], 0) @ weights[1]
    expected = np.exp(h) / np.exp(h).sum(axis=1, keepdims=True)
    ends = []
    for name in filter(installed, PEERS):
        if name == "onnxruntime":
            continue
        entrant = libraries.entrant(name, case)
        probabilities = np.asarray(entrant.predict())
        assert probabilities.dtype == dtype, name
        np.testing.assert_allclose(probabilities, expected, rtol=1e-4, err_msg=name)
        for _ in range(3):
            entrant.epoch()
        ends.append(libraries.cross_entropy(entrant.predict(), y))
    assert max(ends) < 0.8 * libraries.cross_entropy(expected, y)
    assert max(ends) < 1.1 * min(ends)


# ---- the race


def test_a_case_reads_as_it_is_written(modules):
    case = modules["libraries"].Case.parse("train:20-30-4:25:adam:float64", steps=3)
    assert (case.mode, case.sizes, case.batch, case.rows) == ("train", (20, 30, 4), 25, 75)
    assert (case.optimizer, case.dtype) == ("adam", "float64")
    assert case.flop == 75 * (2 * 2 * 20 * 30 + 3 * 2 * 30 * 4)
    case = modules["libraries"].Case.parse("predict:20-30-4:7")
    assert (case.mode, case.rows, case.dtype) == ("predict", 7, "float32")
    assert case.flop == 7 * 2 * (20 * 30 + 30 * 4)
    wrong = ["train", "train:20:5:sgd", "train:2-0:5:sgd", "train:2-4:5:lion", "train:2-4:5:sgd:int8"]
    for text in [*wrong, "predict:2-4:5:sgd", "fit:2-4:5"]:
        with pytest.raises(ValueError, match="is no case"):
            modules["libraries"].Case.parse(text)


def test_the_epoch_of_a_case_is_neither_endless_nor_too_short_to_time(modules):
    Case = modules["libraries"].Case
    assert Case.parse("train:2-2:1:sgd").rows == 500
    assert Case.parse("train:9000-9000-9000:1000:sgd").rows == 16_000


CANNED = {
    "case": "train:20-30-4:25:adam",
    "per": "step",
    "count": 100,
    "seconds": {
        "fastbp": [1.0, 2.0, 4.0],
        "peak": [1.0, 1.0, 1.0],
        "jax": [2.0, 3.0, 12.0],
        "sklearn": [9.0, 40.0, 50.0],
    },
    "flop": {"fastbp": 60.0, "peak": 100.0, "jax": 60.0, "sklearn": 60.0, "torch": None},
    "loss": {"fastbp": 0.5, "jax": 0.51, "sklearn": 0.7},
    "left out": {"torch": "No module named 'torch'"},
}


def test_ratios_are_medians_of_the_rounds(modules):
    table = modules["race_table"]
    assert table.ratios(CANNED) == {"jax": 2.0, "sklearn": 12.5}  # of 2, 1.5, 3 and of 9, 20, 12.5
    assert table.best(CANNED) == "jax"
    assert table.share_of_peak(CANNED) == 0.3  # of 0.6, 0.3, 0.15
    assert table.losses_apart(CANNED) == ["sklearn"]


def test_means_are_geometric_and_count_each_case_once(modules):
    other = {**CANNED, "seconds": {"fastbp": [1.0], "sklearn": [8.0]}}
    predict = {**CANNED, "case": "predict:20-30-4:7", "seconds": {"fastbp": [1.0], "jax": [1.5]}}
    assert modules["race_table"].summary([CANNED, other, predict]) == [
        "Training: 4.00x against the best peer of each case in the geometric mean, 2.00x at worst; "
        "2.00x against JAX; 10.0x against scikit-learn.",
        "Prediction: 1.50x against the best peer of each case in the geometric mean, 1.50x at worst; "
        "1.50x against JAX.",
    ]
    assert modules["race_table"].summary([{**CANNED, "seconds": {"fastbp": [1.0]}}]) == []


def test_the_table_shows_the_canned_race(modules):
    alone = {**CANNED, "case": "predict:20-30-4:1", "per": "row", "count": 1, "seconds": {"fastbp": [5e-6]}}
    alone = {**alone, "loss": {"fastbp": 0.5}}
    assert modules["race_table"].markdown([CANNED, alone], "a CPU", 3).splitlines()[:6] == [
        "| case | fastbp | of the peak | JAX | scikit-learn |",
        "| --- | --- | --- | --- | --- |",
        "| train 20-30-4, batch 25, adam | 20.0 ms a step | 30% | **2.00x** | 12.5x |",
        "| predict 20-30-4, 1 row | 5.00 µs a row |  |  |  |",
        "",
        "Each library's time as a multiple of fastbp's, the median of 3 rounds of one run: a CPU.",
    ]
    assert "Losses differ at train 20-30-4" in modules["race_table"].markdown([CANNED], "a CPU", 3)
    assert "torch         left out: No module named 'torch'" in modules["race_table"].report(CANNED)


def test_durations_are_read_easily(modules):
    written = [modules["race_table"].duration(seconds) for seconds in (2.0, 0.1234, 0.012345, 1.5e-6, 1.23e-7)]
    assert written == ["2.00 s", "123 ms", "12.3 ms", "1.50 µs", "123 ns"]


@pytest.mark.parametrize("case", ["train:7-5-3:8:adam", "predict:7-5-3:9:float64"])
def test_a_race_runs_from_end_to_end(run_python, tmp_path, case):
    file = tmp_path / "race.json"
    done = run_python(FOLDER / "race.py", "--case", case, "--peers", "sklearn", "--rounds", "1", "--json", file)
    races = json.loads(file.read_text())["races"]
    assert races[0]["case"] == case
    raced = {"fastbp", *["peak"] * case.startswith("train"), *["sklearn"] * installed("sklearn")}
    assert set(races[0]["seconds"]) == raced
    assert set(races[0]["left out"]) == {"sklearn"} - raced
    assert all(0 < loss < 2 for loss in races[0]["loss"].values())
    assert done.stdout.startswith("| case | fastbp | of the peak |") and "7-5-3" in done.stdout


def test_a_competitor_that_dies_is_left_out_with_its_last_word(run_python):
    wide = "predict:1-9999999-9999999-2:1"
    done = run_python(FOLDER / "race.py", "--case", wide, "--peers", "", "--rounds", "1", check=False)
    assert done.returncode == 1 and "Unable to allocate" in done.stderr.splitlines()[-1]


def test_the_race_refuses_what_it_does_not_know(run_python):
    for arguments in (["--peers", "caffe"], ["--case", "train:1"]):
        done = run_python(FOLDER / "race.py", *arguments, check=False)
        assert done.returncode == 2 and arguments[1] in done.stderr


# ---- scikit-learn's estimators


def test_estimators_are_raced_at_equal_scores(run_python):
    pytest.importorskip("sklearn", minversion="1.9")
    done = run_python(FOLDER / "estimators.py", "--case", "breast_cancer:adam:early", "--rounds", "1")
    head, _, row, *_ = (line.strip("| ").split(" | ") for line in done.stdout.splitlines())
    assert head[:4] == ["`fit`", "fastbp", "scikit-learn", "faster"] and len(row) == len(head)
    assert row[0] == "breast cancer, adam, early stopping" and row[-2] == row[-1] and 0.9 < float(row[-1]) < 1


@pytest.mark.parametrize("case", ["iris:adam", "digits", "digits:adamw", "digits:adam:late"])
def test_the_race_of_estimators_refuses_what_it_does_not_know(run_python, case):
    done = run_python(FOLDER / "estimators.py", "--case", case, check=False)
    assert done.returncode == 2 and case in done.stderr
