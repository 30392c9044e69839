"""``fastbp train --plot`` and ``--report``: files are written, the model is as without, bad input is told at once."""

import os
from pathlib import Path

import numpy as np
import pytest
from test_cli import DEFAULT, complaint

import fastbp

QUICKLY = ("train", "--epochs", 2, "--hidden", 16, "--quiet")

pytest.importorskip("matplotlib")


@pytest.fixture
def untrained(monkeypatch):
    monkeypatch.setattr(fastbp.Model, "fit", lambda *_, **__: pytest.fail("trained"))


def test_curve_and_page_are_written_and_the_model_is_as_without_them(run):  # noqa: F811
    assert run(*QUICKLY)[0] == 0
    alone = Path(DEFAULT).read_bytes()
    status, out, err = run(*QUICKLY, "--plot", "curve.png", "--report", "page.html")
    assert (status, err) == (0, "")
    assert out.splitlines()[-2:] == ["learning curve drawn: curve.png", "report written: page.html"]
    assert sorted(os.listdir()) == ["curve.png", DEFAULT, "page.html"]
    assert Path(DEFAULT).read_bytes() == alone
    assert Path("curve.png").read_bytes().startswith(b"\x89PNG")
    page = Path("page.html").read_text(encoding="utf-8")
    shown = out.splitlines()[0].removeprefix("test accuracy: ").removesuffix(" %")
    assert f"<dt>test accuracy</dt><dd>{shown}%</dd>" in page and "<h1>digits: 64-16-10</h1>" in page
    assert "<dt>epochs</dt><dd>2</dd>" in page and "<dt>batch size</dt><dd>16</dd>" in page
    assert os.getcwd() not in page


@pytest.mark.parametrize("format", ["svg", "pdf", "jpg"])
def test_other_formats(run, format):  # noqa: F811
    assert run(*QUICKLY, "--plot", f"curve.{format}")[0] == 0
    assert Path(f"curve.{format}").stat().st_size > 5000


BAD = {
    "format": (("--plot", "curve.xyz"), "curve.xyz: the name must end in a picture's format: .png, .svg, .pdf, .jpg"),
    "no format": (("--plot", "curve"), "picture's format"),
    "folder of a plot": (("--plot", "nowhere/curve.png"), "nowhere/curve.png: No such file or directory"),
    "folder of a report": (("--report", "nowhere/page.html"), "nowhere/page.html: No such file or directory"),
    "a folder": (("--report", "."), "is a folder"),
    "the model's file": (("--report", DEFAULT), f"--save and --report must be different files, got {DEFAULT}"),
    "one for both": (("--plot", "a.svg", "--report", "./a.svg"), "--plot and --report must be different files"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_written_is_found_out_before_training(run, untrained, name):  # noqa: F811
    options, message = BAD[name]
    assert message in complaint(run("train", *options))
    assert os.listdir() == []


def test_interrupted_in_the_first_epoch(run, monkeypatch):  # noqa: F811
    monkeypatch.setattr(fastbp.Model, "fit", lambda *_, **__: fastbp.History(interrupted=True))
    status, out, err = run(*QUICKLY, "--plot", "curve.png", "--report", "page.html")
    assert status == 130 and out.splitlines()[-1] == "report written: page.html"
    assert err.splitlines()[1:] == ["fastbp: no epoch was finished, so there is no learning curve to draw"]
    assert sorted(os.listdir()) == [DEFAULT, "page.html"]


def test_strange_names_reach_the_page_escaped(run, tmp_path):  # noqa: F811
    rng = np.random.default_rng(0)
    rows = [f'{x},{y},"<b>{"yes" if x > y else "no"} & $x^"' for x, y in rng.normal(size=(60, 2))]
    (tmp_path / "a&b.csv").write_text("\n".join(["one,two,kind", *rows]))
    status, _, err = run("train", "--data", "a&b.csv", "--epochs", 3, "--quiet", "--report", "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (status, err) == (0, "") and "&lt;b&gt;yes &amp; $x^" in page and "<b>" not in page and "a&amp;b.csv" in page


# ---- what is read is not written


def lines(kinds="ab", rows=20):
    return "".join(f"{i % 2},{i / 10},{kinds[i % 2]}\n" for i in range(rows))


def refused_and_untouched(run, path, arguments, message):
    before = Path(path).read_bytes()
    assert message in complaint(run(*arguments))
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("option", ["save", "plot", "report"])
@pytest.mark.parametrize("name", ["e.csv", "./e.csv", "link.csv", "twin.csv"])
def test_the_data_are_not_written(run, untrained, option, name):
    Path("e.csv").write_text(lines())
    os.symlink("e.csv", "link.csv")
    os.link("e.csv", "twin.csv")
    message = f"--{option} must name another file than those that --data reads, got {name}"
    refused_and_untouched(run, "e.csv", ("train", "--data", "e.csv", f"--{option}", name), message)
    refused_and_untouched(run, "e.csv", ("train", "--data", os.path.abspath("link.csv"), f"--{option}", name), message)


@pytest.mark.parametrize("option", ["json", "trace", "roofline"])
def test_the_data_of_a_profile_are_not_written(run, option):
    Path("e.csv").write_text(lines())
    message = f"--{option} must name another file than those that --data reads"
    refused_and_untouched(run, "e.csv", ("profile", "--data", "e.csv", f"--{option}", "./e.csv"), message)


def test_tables_parts_and_test_images_are_not_written(run, untrained):
    Path("t.csv").write_text("a,b,c\n" + lines().replace("0.5", ""))
    refused_and_untouched(run, "t.csv", ("train", "--data", "t.csv", "--recipe", "td-s", "--save", "t.csv"), "--save")
    os.makedirs("parts")
    for i in range(2):
        Path(f"parts/{i}.csv").write_text("a,b,c\n" + lines())
    for data in ("parts", "parts/*.csv"):
        for option in ("--save", "--plot"):
            arguments = "train", "--data", data, option, "parts/../parts/1.csv"
            refused_and_untouched(run, "parts/1.csv", arguments, f"{option} must name another file")
    os.makedirs("mnist")
    images = Path("mnist/t10k-images-idx3-ubyte.gz")
    images.write_bytes(b"test images")
    refused_and_untouched(run, images, ("train", "--data", "mnist", "--report", images), "--report must name another")


def test_checkpoints_are_not_written_over(run, untrained):
    Path("e.csv").write_text(lines())
    common = "train", "--data", "e.csv", "--checkpoint"
    refused_and_untouched(run, "e.csv", (*common, "./e.csv"), "--checkpoint must name another file")
    assert "--save and --checkpoint must be different files" in complaint(run(*common, "run", "--save", "run"))
    os.makedirs("run")
    newest = Path("run/checkpoint-00000001-0123abcd.safetensors")
    newest.write_bytes(b"all of the training")
    message = "--save must name another file than those that --checkpoint reads"
    refused_and_untouched(run, newest, (*common, "run", "--resume", "--save", newest), message)


def test_a_model_may_stand_beside_its_data(run):
    os.makedirs("data")
    Path("data/e.csv").write_text(lines())
    for _ in range(2):
        assert run(*QUICKLY, "--data", "data/e.csv", "--save", "data/model")[0] == 0
    assert fastbp.load("data/model").class_names == ["a", "b"]
