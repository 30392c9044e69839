"""The race counts rightly, runs from end to end, and its results are saved, shown in a table and drawn."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from racing import PEERS, installed

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "asv_benchmarks" / "race"
MODULES = ["libraries", "machine", "competitor", "results", "running", "table", "picture"]


@pytest.fixture(scope="module")
def race():
    """The race's modules, imported as Python imports a script's neighbours."""
    pytest.importorskip("matplotlib")
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in [name for name in sys.modules if name.partition(".")[0] in MODULES]:
            del sys.modules[name]


# ---- cases and libraries


def test_a_case_reads_as_it_is_written(race):
    case = race.libraries.Case.parse("train:20-30-4:25:adam:float64", steps=3)
    assert (case.mode, case.sizes, case.batch, case.rows) == ("train", (20, 30, 4), 25, 75)
    assert (case.optimizer, case.dtype, case.per, case.count) == ("adam", "float64", "step", 3)
    assert case.flop == 75 * (2 * 2 * 20 * 30 + 3 * 2 * 30 * 4)
    case = race.libraries.Case.parse("predict:20-30-4:7")
    assert (case.mode, case.rows, case.dtype, case.per, case.count) == ("predict", 7, "float32", "row", 7)
    assert case.flop == 7 * 2 * (20 * 30 + 30 * 4)
    wrong = ["train", "train:20:5:sgd", "train:2-0:5:sgd", "train:2-4:5:lion", "train:2-4:5:sgd:int8"]
    for text in [*wrong, "predict:2-4:5:sgd", "fit:2-4:5"]:
        with pytest.raises(ValueError, match="is no case"):
            race.libraries.Case.parse(text)


def test_the_epoch_of_a_case_is_neither_endless_nor_too_short_to_time(race):
    Case = race.libraries.Case
    assert Case.parse("train:2-2:1:sgd").rows == 500
    assert Case.parse("train:9000-9000-9000:1000:sgd").rows == 16_000


def test_each_library_has_a_title_a_module_a_version_and_a_colour(race):
    assert set(race.libraries.TITLES) == set(race.machine.DISTRIBUTIONS) == set(PEERS)
    assert set(race.running.PEERS) == set(race.picture.COLOURS) == set(PEERS) - {"fastbp"}
    modules = {path.stem for path in (FOLDER / "libraries").glob("[a-z]*.py")}
    assert modules == set(PEERS) | {"peak"}


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_libraries_start_and_end_training_at_the_same_loss(race, dtype):
    libraries = race.libraries
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


# ---- what samples come to


@pytest.fixture
def run(race):
    """What one case might have measured, an epoch being 100 steps."""
    return race.results.Run(
        race.libraries.Case.parse("train:20-30-4:25:adam", steps=100),
        seconds={
            "fastbp": [1.0, 2.0, 4.0],
            "peak": [1.0, 1.0, 1.0],
            "jax": [2.0, 3.0, 12.0],
            "sklearn": [9.0, 40.0, 50.0],
        },
        flop={"fastbp": 60.0, "peak": 100.0, "jax": 60.0, "sklearn": 60.0},
        losses={"fastbp": 0.5, "jax": 0.51, "sklearn": 0.7},
        left_out={"torch": "No module named 'torch'"},
    )


@pytest.fixture
def alone(race):
    """A case that fastbp ran alone."""
    case = race.libraries.Case.parse("predict:20-30-4:1")
    return race.results.Run(case, seconds={"fastbp": [5e-6]}, losses={"fastbp": 0.5})


def saved(race, *runs):
    cases = [race.results.summarize(run) for run in runs]
    machine = {"cpu": "Abacus", "target": "znver4", "threads": 2, "system": "Linux"}
    return {"machine": machine, "versions": {"Python": "3.11"}, "date": "2026-01-02", "rounds": 3, "cases": cases}


def test_ratios_are_medians_of_the_rounds(race, run):
    result = race.results.summarize(run)
    assert result["ratios"] == {"jax": 2.0, "sklearn": 12.5}  # of 2, 1.5, 3 and of 9, 20, 12.5
    assert result["seconds"] == {"fastbp": 0.02, "jax": 0.03, "sklearn": 0.4}  # a step
    assert result["samples"]["jax"] == [0.02, 0.03, 0.12]
    assert result["share_of_peak"] == 0.3  # of 0.6, 0.3, 0.15
    assert race.results.best(result) == "jax"
    assert race.results.losses_apart(result) == ["sklearn"]


def test_a_case_that_fastbp_ran_alone_has_no_ratios(race, alone):
    result = race.results.summarize(alone)
    assert result["ratios"] == {} and result["share_of_peak"] is None
    assert race.results.best(result) is None and race.results.losses_apart(result) == []


def test_means_are_geometric_and_count_each_case_once(race, run, alone):
    other = replace(run, seconds={"fastbp": [1.0], "sklearn": [8.0]})
    predict = replace(alone, seconds={"fastbp": [1.0], "jax": [1.5]})
    cases = [race.results.summarize(each) for each in (run, other, predict)]
    assert race.table.summary(cases) == [
        "Training: 4.00x against the best peer of each case in the geometric mean, 2.00x at worst; "
        "2.00x against JAX; 10.0x against scikit-learn.",
        "Prediction: 1.50x against the best peer of each case in the geometric mean, 1.50x at worst; "
        "1.50x against JAX.",
    ]
    assert race.table.summary([race.results.summarize(alone)]) == []


def test_the_table_shows_a_race(race, run, alone):
    lines = race.table.markdown(saved(race, run, alone)).splitlines()
    assert lines[:7] == [
        "| case | fastbp | of the peak | JAX | scikit-learn |",
        "| --- | --- | --- | --- | --- |",
        "| train 20-30-4, batch 25, adam | 20.0 ms a step | 30% | **2.00x** | 12.5x |",
        "| predict 20-30-4, 1 row | 5.00 µs a row |  |  |  |",
        "",
        "Each library's time as a multiple of fastbp's, the median of 3 rounds of one run: "
        "Abacus (znver4), 2 threads, Linux, Python 3.11, 2026-01-02.",
        "Losses differ at train 20-30-4, batch 25, adam: fastbp 0.5, scikit-learn 0.7.",
    ]
    assert "torch         left out: No module named 'torch'" in race.table.report(run)


def test_durations_are_read_easily(race):
    written = [race.table.duration(seconds) for seconds in (2.0, 0.1234, 0.012345, 1.5e-6, 1.23e-7)]
    assert written == ["2.00 s", "123 ms", "12.3 ms", "1.50 µs", "123 ns"]


# ---- the results that are committed, and their picture


def test_what_is_saved_is_read_again(race, run, alone, tmp_path):
    race.results.save(saved(race, run, alone), tmp_path / "race.json")
    assert race.results.load(tmp_path / "race.json") == saved(race, run, alone)


def test_the_committed_results_are_of_all_cases_and_peers(race, run):
    committed = race.results.load()
    assert set(committed) == set(saved(race, run))
    assert [result["case"] for result in committed["cases"]] == race.running.CASES
    for result in committed["cases"]:
        assert set(result) == set(race.results.summarize(run))
        assert set(result["ratios"]) | set(result["left_out"]) == set(race.running.PEERS)
        assert result["seconds"]["fastbp"] > 0 and min(result["ratios"].values()) > 0


def drawn(figure):
    return [text.get_text() for text in [*figure.axes[0].texts, *figure.texts]]


def test_the_picture_tells_every_case_ratio_and_peer(race, run, alone):
    slower = replace(alone, seconds={"fastbp": [1.0], "onnxruntime": [0.5]})
    figure = race.picture.draw(saved(race, run, alone, slower))
    texts = drawn(figure)
    assert {"train 20–30–4", "batch 25, adam", "fastbp: 20.0 ms a step", "fastbp", "predict 20–30–4"} <= set(texts)
    assert [text for text in texts if text.endswith("×")] == ["2.00×", "12.5×", "0.50×"]
    assert "Abacus" in texts[-1] and "2026-01-02" in texts[-1]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["JAX", "scikit-learn", "ONNX Runtime"]
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in figure.axes[0].patches]
    assert bars == [(1, 2.0), (1, 12.5), (1, 0.5)]


def test_no_text_of_the_picture_leaves_it(race):
    figure = race.picture.draw(race.results.load())
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for text in [*figure.axes[0].texts, *figure.axes[0].get_xticklabels(), *figure.texts]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


@pytest.mark.slow
def test_the_command_draws_the_committed_picture_and_prints_the_table(race, run_python, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    done = run_python(FOLDER / "picture.py", FOLDER / "results.json", tmp_path / "race.png")
    assert done.stdout == race.table.markdown(race.results.load()) + "\n"
    kept = race.picture.PICTURE
    assert kept == ROOT / ".github" / "pictures" / "race.png" and kept.stat().st_size < 100_000
    with Image.open(kept) as committed, Image.open(tmp_path / "race.png") as new:
        assert committed.size == new.size
        colours = {colour for _, colour in committed.convert("RGB").getcolors(10**6)}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in race.picture.COLOURS.values()} <= colours
    run_python(FOLDER / "picture.py", FOLDER / "results.json", tmp_path / "race.svg")
    assert "<svg" in (tmp_path / "race.svg").read_text()


# ---- end to end


@pytest.mark.slow
@pytest.mark.parametrize("case", ["train:7-5-3:8:adam", "predict:7-5-3:9:float64"])
def test_a_race_runs_from_end_to_end(run_python, tmp_path, case):
    file, before = tmp_path / "race.json", (FOLDER / "results.json").read_bytes()
    done = run_python(FOLDER, "--case", case, "--peers", "sklearn", "--rounds", "1", "--json", file)
    (result,) = json.loads(file.read_text())["cases"]
    assert result["case"] == case
    raced = {"fastbp", *["sklearn"] * installed("sklearn")}
    assert set(result["seconds"]) == set(result["samples"]) == raced
    assert (result["share_of_peak"] is not None) == case.startswith("train")
    assert set(result["left_out"]) == {"sklearn"} - raced
    assert all(0 < loss < 2 for loss in result["losses"].values())
    assert done.stdout.startswith("| case | fastbp | of the peak |") and "7-5-3" in done.stdout
    assert (FOLDER / "results.json").read_bytes() == before


def test_a_competitor_that_dies_is_left_out_with_its_last_word(run_python):
    wide = "predict:1-9999999-9999999-2:1"
    done = run_python(FOLDER, "--case", wide, "--peers", "", "--rounds", "1", check=False)
    assert done.returncode == 1 and "Unable to allocate" in done.stderr.splitlines()[-1]


def test_the_race_refuses_what_it_does_not_know(run_python):
    for arguments in (["--peers", "caffe"], ["--case", "train:1"], ["--rounds", "0"]):
        done = run_python(FOLDER, *arguments, check=False)
        assert done.returncode == 2 and arguments[1] in done.stderr


# ---- scikit-learn's estimators


@pytest.mark.slow
def test_estimators_are_raced_at_equal_scores(run_python):
    pytest.importorskip("sklearn")
    done = run_python(FOLDER / "estimators.py", "--case", "breast_cancer:adam:early", "--rounds", "1")
    head, _, row, *_ = (line.strip("| ").split(" | ") for line in done.stdout.splitlines())
    assert head[:4] == ["`fit`", "fastbp", "scikit-learn", "faster"] and len(row) == len(head)
    assert row[0] == "breast cancer, adam, early stopping" and row[-2] == row[-1] and 0.9 < float(row[-1]) < 1


@pytest.mark.parametrize("case", ["iris:adam", "digits", "digits:adamw", "digits:adam:late"])
def test_the_race_of_estimators_refuses_what_it_does_not_know(run_python, case):
    done = run_python(FOLDER / "estimators.py", "--case", case, check=False)
    assert done.returncode == 2 and case in done.stderr
