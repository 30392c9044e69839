"""The results that are committed: of commits of the branch, several on each machine, of what there is to measure."""

import itertools
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "asv_benchmarks"
RESULTS = FOLDER / "results"


@pytest.fixture(scope="module")
def history():
    """history.py, imported as Python imports a script's neighbours."""
    sys.path.insert(0, str(FOLDER))
    try:
        import history

        yield history
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("history", "measure"):
            sys.modules.pop(name, None)


def git(*arguments):
    if not (ROOT / ".git").exists():  # a source distribution
        return []
    done = subprocess.run(["git", *arguments], cwd=ROOT, text=True, capture_output=True)
    return done.stdout.split() if done.returncode == 0 else []


@pytest.fixture(scope="module")
def branch():
    """Hashes of all commits on the way from the first to this one."""
    if git("rev-parse", "--is-shallow-repository") != ["false"]:
        pytest.skip("needs a clone with its whole history")
    return git("rev-list", "--first-parent", "HEAD")


def committed():
    """Contents of the result files in the repository, by path."""
    files = [ROOT / name for name in git("ls-files", "asv_benchmarks/results/*/*.json")]
    return {file: json.loads(file.read_text()) for file in files if file.name != "machine.json"}


def test_the_commits_to_measure_are_on_the_branch_from_old_to_new(history, branch):
    found = [[hash for hash in branch if hash.startswith(name)] for name in history.COMMITS]
    assert all(len(hashes) == 1 for hashes in found), found  # asv publish leaves out others without a word
    places = [branch.index(hashes[0]) for hashes in found]
    assert places == sorted(places, reverse=True) and len(places) >= 10


def test_results_are_of_ten_commits_of_the_branch_on_one_machine_and_of_several_on_each(branch):
    results = committed()
    hashes = defaultdict(set)
    for file, content in results.items():
        assert content["params"]["machine"] == file.parent.name
        hashes[file.parent.name].add(content["commit_hash"])
    assert set().union(*hashes.values()) <= set(branch)
    assert max(map(len, hashes.values())) >= 10
    assert min(map(len, hashes.values())) >= 2  # results of one machine are compared with each other
    assert sum(file.stat().st_size for file in results) < 1_000_000


def test_each_machine_has_results_of_all_that_the_page_lists():
    """Else the page asks for graphs that are not there."""
    measured = defaultdict(set)
    for file, content in committed().items():
        measured[file.parent.name].update(content["results"])
    assert all(names == set().union(*measured.values()) for names in measured.values())


def test_all_that_is_listed_was_measured_and_each_expression_selects_something(history, branch):
    listed = json.loads((RESULTS / "benchmarks.json").read_text())
    measured = set().union(*(content["results"] for content in committed().values()))
    assert measured <= set(listed)  # in a fresh clone equal: asv lists all at every run
    names = [
        f"{name}({', '.join(values)})" for name in measured for values in itertools.product(*listed[name]["params"])
    ]
    for expression in history.SELECTION:
        assert any(re.search(expression, name) for name in names), expression


def test_benchmarks_without_results_are_struck_from_the_list(history, tmp_path):
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "machine.json").write_text('{"machine": "machine"}')
    (tmp_path / "machine" / "1.json").write_text('{"results": {"a": [], "b": []}}')
    (tmp_path / "machine" / "2.json").write_text('{"results": {"b": [], "gone": []}}')
    (tmp_path / "benchmarks.json").write_text('{"a": {"name": "a"}, "b": {}, "c": {}, "version": 2}')
    history.list_measured(tmp_path)
    kept = json.loads((tmp_path / "benchmarks.json").read_text())
    assert kept == {"a": {"name": "a"}, "b": {}, "version": 2}


def test_bad_input_is_status_2(history, capsys, monkeypatch):
    with pytest.raises(SystemExit, match="2"):
        history.main(["--rounds", "0"])
    assert capsys.readouterr().err.splitlines()[-1].endswith("--rounds must be at least 1, not 0")

    def unknown(names):
        raise history.CannotMeasure(f"no such commit among {', '.join(names)}")

    monkeypatch.setattr(history, "resolve", unknown)
    assert history.main(["nowhere"]) == 2
    assert capsys.readouterr().err == "history: no such commit among nowhere\n"
