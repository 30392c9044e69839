"""The gate: asv's result files are read rightly, what is slower is told, and a planted slowdown is found."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "asv_benchmarks"
HASHES = {"base": "1" * 40, "head": "2" * 40}
COLUMNS = ["result", "params", "version", "stats_repeat", "samples"]


@pytest.fixture(scope="module")
def gate():
    """gate.py, imported as Python imports a script's neighbours."""
    sys.path.insert(0, str(FOLDER))
    try:
        import gate

        yield gate
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("gate", "comparison", "measure"):
            sys.modules.pop(name, None)


# ---- reading


def write(folder, commit, results):
    file = folder / "a machine" / f"{commit[:8]}-environment.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"commit_hash": commit, "result_columns": COLUMNS, "results": results}))


def test_a_result_file_is_read_as_asv_writes_it(gate, tmp_path):
    write(
        tmp_path,
        HASHES["base"],
        {
            "a.time_plain": [[2.0], [], "1", [3], [[1.5, 2.0, 9.0]]],
            "a.time_two": [
                [1.0, None, math.nan, 4.0],
                [["'x-1'", "'y'"], ["1", "2"]],
                "1",
                [2] * 4,
                [[1.0], None, None, [4.0]],
            ],
            "a.track_bytes": [[512], [], "1"],
            "a.time_failed": [None, [["1", "2"]], "1"],
        },
    )
    (tmp_path / "a machine" / "machine.json").write_text('{"machine": "a machine"}')
    readings = gate.read(tmp_path, HASHES["base"])
    skipped = readings.pop("a.time_two(y, 1)")
    assert math.isnan(skipped.value) and not skipped.measured
    assert {name: (reading.value, reading.samples) for name, reading in readings.items()} == {
        "a.time_plain": (2.0, (1.5, 2.0, 9.0)),
        "a.time_two(x-1, 1)": (1.0, (1.0,)),
        "a.time_two(x-1, 2)": (None, ()),
        "a.time_two(y, 2)": (4.0, (4.0,)),
        "a.track_bytes": (512, ()),
        "a.time_failed(1)": (None, ()),
        "a.time_failed(2)": (None, ()),
    }
    assert gate.read(tmp_path, HASHES["head"]) == {}


# ---- comparing


def compared(gate, before, now, factor=1.5):
    """The comparison of one benchmark, given as lists of samples, or as a value without samples."""
    from comparison import Reading

    def reading(given):
        return Reading(sorted(given)[len(given) // 2], tuple(given)) if isinstance(given, list) else Reading(given)

    return gate.compare({"a": reading(before)}, {"a": reading(now)}, factor)


@pytest.mark.parametrize(
    "before, now, slower",
    [
        ([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], {"a": 2.0}),
        ([1.0, 1.0, 1.0], [1.5, 1.5, 1.5], {}),  # the factor itself is allowed
        ([1.0, 1.0, 1.0], [1.0, 8.0, 8.0], {}),  # busy for a while: one sample tells that it can be as fast
        ([1.0, 5.0, 5.0], [4.0, 4.0, 4.0], {}),  # the base was held up
        ([1.0, 1.0, 1.0], [0.5, 0.5, 0.5], {}),
        (100, 200, {"a": 2.0}),  # tracked, such as bytes
        (0, 1, {"a": math.inf}),
    ],
)
def test_slower_is_what_median_and_least_sample_both_say(gate, before, now, slower):
    found = compared(gate, before, now)
    assert (found.compared, found.slower, found.failing) == (1, slower, [])


def test_what_the_base_lacks_is_not_compared_and_what_is_not_measured_any_more_fails(gate):
    from comparison import Reading

    for before, now in [(math.nan, 1.0), (None, 1.0), (None, None), (math.nan, math.nan), (None, math.nan)]:
        found = compared(gate, before, now)
        assert (found.compared, found.slower, found.failing) == (0, {}, [])
    for now, told in ((None, "a"), (math.nan, "a, skipped now")):
        found = compared(gate, 1.0, now)
        assert (found.compared, found.slower, found.failing) == (0, {}, [told])
        assert gate.verdict(found, 1.5) == ([f"failing: {told}"], 1)
    found = gate.compare(
        {"a": Reading(1.0), "c": Reading(1.0), "d": Reading(None)}, {"b": Reading(1), "c": Reading(1.0)}, 1.5
    )
    assert (found.compared, found.slower, found.failing) == (1, {}, ["a, no result now"])
    assert gate.verdict(found, 1.5) == (["failing: a, no result now"], 1)


def test_the_verdict_is_a_line_each_and_a_status(gate):
    from comparison import Comparison

    assert gate.verdict(Comparison(0, {}, []), 1.5) == (["nothing was measured of both commits"], 2)
    lines, status = gate.verdict(Comparison(3, {}, []), 1.5)
    assert status == 0 and lines == ["3 benchmarks compared, none takes more than 1.5 times as long"]
    lines, status = gate.verdict(Comparison(3, {"a": 1.6, "b": 2.5}, ["c"]), 1.5)
    assert status == 1
    assert lines == ["slower: b takes 2.50 times as long", "slower: a takes 1.60 times as long", "failing: c"]


# ---- asv and all


TOY = {
    "asv.conf.json": json.dumps(
        {
            "version": 1,
            "project": "toy",
            "repo": ".",
            "branches": ["HEAD"],
            "environment_type": "virtualenv",
            "benchmark_dir": "benchmarks",
            "build_command": [],
            "install_command": [
                "python -c \"import shutil, sysconfig as s; shutil.copy('{build_dir}/toy.py', s.get_path('purelib'))\""
            ],
            "uninstall_command": [],
        }
    ),
    "benchmarks/__init__.py": "",
    "benchmarks/toy_work.py": """
import toy

class Work:
    timer = staticmethod(lambda: toy.seconds)  # a clock that work alone moves on, whatever else this machine does
    params = ["one", "other"]
    repeat = 5
    warmup_time = 0

    def time_work(self, kind):
        toy.work(kind)
""",
}
WORK = """
seconds = 0.0

def work(kind):
    global seconds
    seconds += {times} / 128 if kind == "one" else 1 / 128
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A project of commits "base", "slow", of twice the work of one kind, and "broken"."""
    pytest.importorskip("asv")
    pytest.importorskip("virtualenv")
    folder = tmp_path_factory.mktemp("toy")

    def git(*arguments):
        who = ["-c", "user.name=toy", "-c", "user.email=toy@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    for name, text in TOY.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    works = {  # of different lengths: Python takes two files of one length and second for the same
        "base": WORK.format(times=1),
        "slow": WORK.format(times=2) + "\n\nCOMMENT = 'half as fast'\n",
        "broken": "def work(kind):\n    raise RuntimeError\n",
    }
    for name, text in works.items():
        (folder / "toy.py").write_text(text)
        git("add", "toy.py", "asv.conf.json", "benchmarks")
        git("commit", "-m", name)
        git("tag", name)
    return folder


def run(toy, *arguments):
    command = [sys.executable, FOLDER / "gate.py", *arguments, "--config", toy / "asv.conf.json", "--rounds", "2"]
    return subprocess.run(command, cwd=toy, text=True, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_planted_slowdown_is_found_and_no_other(toy):
    found = run(toy, "base", "slow", "--bench", "Work")
    assert found.returncode == 1, found.stdout + found.stderr
    told = [line for line in found.stdout.splitlines() if line.startswith(("slower", "failing"))]
    assert told == ["slower: toy_work.Work.time_work(one) takes 2.00 times as long"]

    passed = run(toy, "base", "slow", "--bench", "Work", "--factor", "3")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.endswith("\n2 benchmarks compared, none takes more than 3 times as long\n")

    broken = run(toy, "base", "broken", "--bench", "other")
    assert broken.returncode == 1 and broken.stdout.endswith("\nfailing: toy_work.Work.time_work(other)\n")
    assert not (toy / "results").exists()


@pytest.mark.slow
def test_what_measures_nothing_does_not_pass(toy):
    for arguments, said in {
        ("base", "slow", "--bench", "NoSuchBenchmark"): "nothing was measured",
        ("broken", "base", "--bench", "other"): "nothing was measured",
        ("base", "base"): "are the same commit",
        ("base", "nowhere"): "no such commit among base, nowhere",
    }.items():
        done = run(toy, *arguments)
        assert done.returncode == 2 and said in done.stderr.splitlines()[-1], (arguments, done.stdout, done.stderr)


def test_bad_input_is_one_line_and_status_2(gate, capsys, tmp_path):
    for arguments in (
        ["--factor", "0.5"],
        ["--factor", "nan"],
        ["--rounds", "0"],
        ["--config", str(tmp_path / "none")],
    ):
        try:
            status = gate.main(["a", "b", *arguments])
        except SystemExit as stop:
            status = stop.code
        said = capsys.readouterr().err.splitlines()[-1]
        assert status == 2 and (arguments[0] in said or "there is no" in said or "extra dev" in said)
