"""Saves that are killed at random moments: the old or the new file stands there whole, and the next save tidies up."""

import os
import random
import signal
import time
import warnings
from xml.etree import ElementTree

import pytest
from test_writing import GROUP, USER, mode

import fastbp
from fastbp import cli
from fastbp.files.writing import TEMPORARY

KILLS = int(os.environ.get("FASTBP_KILLS", 8))
LARGE = 400, 1500, 1000, 10  # 8 MB, so that a save takes a while

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9, forks, owners and permissions of POSIX")


def killed(function, seconds):
    """Call a function again and again in a forked child, which is killed so long after it began."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            for descriptor in 1, 2:
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            os.write(writer, b"x")
            while True:
                function()
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read(1) == b"x"
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, "the save failed"


def give(path):
    """Give a file an odd mode and, as root may, an owner; return both."""
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, USER, GROUP)
    return mode(path), path.stat().st_uid, path.stat().st_gid


def check(path, kept, whole):
    """Raise AssertionError if a file is not whole or not as it was given."""
    assert whole(path.read_bytes())
    assert (mode(path), path.stat().st_uid, path.stat().st_gid) == kept


def names(folder, path):
    """Return how many temporary files are beside a file, which must be all there is."""
    others = {each.name for each in folder.iterdir()} - {path.name}
    assert all(map(TEMPORARY.fullmatch, others))
    return len(others)


def test_a_model_that_is_saved_over_another_at_random_moments(tmp_path):
    chance, path, left = random.Random(0), tmp_path / "model.safetensors", 0
    models = [fastbp.Model(LARGE, seed=seed) for seed in range(2)]
    known = []
    for model in models:
        start = time.perf_counter()
        model.save(path)
        seconds = time.perf_counter() - start
        known.append(path.read_bytes())
    kept = give(path)

    def saves():
        for model in models:
            model.save(path)

    for _ in range(KILLS):
        killed(saves, chance.uniform(0, 3 * seconds))
        check(path, kept, known.__contains__)
        assert fastbp.load(path).parameters[0][0][0, 0] in [model.parameters[0][0][0, 0] for model in models]
        found = names(tmp_path, path)
        assert found <= 1
        left += found
        models[1].save(path)
        check(path, kept, known[1].__eq__)
        assert names(tmp_path, path) == 0
    print(f"{KILLS} kills, {left} of which left a temporary file")


PAGE, CURVE, MODEL = "report.html", "curve.svg", "model.safetensors"


def test_a_training_of_the_command_with_its_picture_and_page_at_random_moments(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chance = random.Random(1)
    arguments = ["train", "--epochs", "1", "--quiet", "--save", MODEL, "--plot", CURVE, "--report", PAGE]
    start = time.perf_counter()
    assert cli.main(arguments) == 0
    seconds = time.perf_counter() - start
    whole = {
        tmp_path / MODEL: (tmp_path / MODEL).read_bytes().__eq__,  # the seed fixes it
        tmp_path / CURVE: lambda content: ElementTree.fromstring(content).tag.endswith("svg"),
        tmp_path / PAGE: lambda content: content.endswith(b"</html>\n"),
    }
    kept = [give(path) for path in whole]
    for _ in range(-(-KILLS // 8)):
        killed(lambda: cli.main(arguments), chance.uniform(0.1, 1.2) * seconds)
        for path, given in zip(whole, kept, strict=True):
            check(path, given, whole[path])
        assert len([name for name in os.listdir(tmp_path) if TEMPORARY.fullmatch(name)]) <= 1
        fastbp.Model([2, 3], seed=0).save(tmp_path / "other")
        assert sorted(os.listdir(tmp_path)) == sorted([MODEL, CURVE, PAGE, "other"])
        os.unlink(tmp_path / "other")
