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
