"""How pictures are asked for: Axes or none, files, bad input, and no matplotlib."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from test_plot import PROFILE, X, Y, model

import fastbp
from fastbp import plot
from fastbp.plot import canvas, gallery

BLOCKED = "import sys; sys.modules['matplotlib'] = None; import fastbp; "


@pytest.fixture
def ax():
    return Figure((4, 3), layout="constrained").add_subplot()


def bent(**changes):
    return {"machine": PROFILE["machine"] | changes, "kernels": PROFILE["kernels"]}


def lost():
    m = model(epochs=0)
    m.parameters[0][0][...] = np.nan
    return m


def reports(*networks):
    return [model(sizes, epochs=0).diagnose(X, Y) for sizes in networks]


REFUSED = {
    "history's type": (lambda ax: plot.history(3, ax), TypeError, "history must be"),
    "history's parts": (lambda ax: plot.history([1, 2], ax), TypeError, "history must be"),
    "no epoch": (lambda ax: plot.history(fastbp.History(), ax), ValueError, "history must hold"),
    "activation": (lambda ax: plot.activation("rely", ax), ValueError, "'rely' is not known"),
    "reach": (lambda ax: plot.activation("relu", ax, reach=0), ValueError, "reach must be above 0"),
    "no model": (lambda ax: plot.network("relu", ax), TypeError, "model must be"),
    "no model's surface": (lambda ax: plot.loss_surface(None, X, Y, ax), TypeError, "model must be"),
    "no model's curve": (lambda ax: plot.error_curve(None, X, Y, ax=ax), TypeError, "model must be"),
    "no model's confusion": (lambda ax: plot.confusion(None, X, Y, ax), TypeError, "model must be"),
    "columns": (lambda ax: plot.loss_surface(model(), X[:, :2], Y, ax), ValueError, "X must have 6 columns"),
    "labels": (lambda ax: plot.descent(model(), X, Y + 9, ax=ax), ValueError, "y must hold class numbers"),
    "points": (lambda ax: plot.loss_surface(model(), X, Y, ax, points=0), ValueError, "points must be"),
    "layer": (lambda ax: plot.error_curve(model(), X, Y, 3, ax=ax), ValueError, "layer must be at most 2"),
    "layer 0": (lambda ax: plot.error_curve(model(), X, Y, 0, ax=ax), ValueError, "layer must be at least 1"),
    "index": (lambda ax: plot.error_curve(model(), X, Y, 1, (0, 9), ax), ValueError, "index must lie in W"),
    "index's type": (lambda ax: plot.error_curve(model(), X, Y, 1, 4, ax), TypeError, "index must be a pair"),
    "steps": (lambda ax: plot.descent(model(), X, Y, ax=ax, steps=0), ValueError, "steps must be at least 1"),
    "rate": (lambda ax: plot.descent(model(), X, Y, ax=ax, learning_rate=-1), ValueError, "learning_rate must be"),
    "batch": (lambda ax: plot.descent(model(), X, Y, ax=ax, batch_size=0), ValueError, "batch_size must be"),
    "start": (lambda ax: plot.descent(model(), X, Y, 1, ax=ax, start=np.nan), ValueError, "start must be finite"),
    "a batch": (lambda ax: plot.descent(model(), X, Y, 1, ax=ax, batch_size=5), ValueError, "batch_size must"),
    "a plane": (lambda ax: plot.descent(model(), X, Y, 1, ax=ax, points=3), ValueError, "points must be left"),
    "seed of a weight": (lambda ax: plot.descent(model(), X, Y, 1, ax=ax, seed=3), ValueError, "seed must be left out"),
    "no seed": (lambda ax: plot.descent(model(), X, Y, 1, ax=ax, seed="x"), TypeError, "seed must be"),
    "index without layer": (lambda ax: plot.descent(model(), X, Y, None, (0, 1), ax), ValueError, "index must be left"),
    "start without layer": (lambda ax: plot.descent(model(), X, Y, ax=ax, start=1.0), ValueError, "start must be left"),
    "networks": (lambda ax: plot.diagnosis(reports((6, 4), (6, 3, 4)), ax), ValueError, "as many layers"),
    "no finite loss": (lambda ax: plot.loss_surface(lost(), X, Y, ax), ArithmeticError, "no finite number"),
    "reports": (lambda ax: plot.diagnosis([], ax), ValueError, "reports must hold"),
    "reports' type": (lambda ax: plot.diagnosis([3], ax), TypeError, "reports must be"),
    "quantity": (lambda ax: plot.diagnosis([], ax, quantity="x"), ValueError, "quantity 'x'"),
    "profile's type": (lambda ax: plot.roofline(3, ax), TypeError, "profile must be"),
    "profile's parts": (lambda ax: plot.roofline({"machine": {}}, ax), ValueError, "peak_gflops"),
    "no peak": (lambda ax: plot.roofline(bent(peak_gflops=0), ax), ValueError, "above 0"),
    "no kernels": (lambda ax: plot.roofline(bent() | {"kernels": []}, ax), ValueError, "a kernel with flop"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_named_and_nothing_drawn(name, ax):
    draw, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        draw(ax)
    assert not (ax.lines or ax.collections or ax.texts) and len(ax.figure.axes) == 1


def test_axes_must_be_axes():
    for draw in (
        lambda ax: plot.history({"loss": [1]}, ax),
        lambda ax: plot.activation("relu", ax),
        lambda ax: plot.loss_surface(model(), X, Y, ax),
        lambda ax: plot.error_curve(model(), X, Y, ax=ax),
        lambda ax: plot.descent(model(), X, Y, ax=ax),
        lambda ax: plot.network(model(), ax),
        lambda ax: plot.diagnosis([], ax),
        lambda ax: plot.confusion(model(), X, Y, ax),
        lambda ax: plot.roofline(PROFILE, ax),
    ):
        with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got Figure"):
            draw(Figure())


def test_no_module_bears_the_name_of_a_function():
    modules = {path.stem for path in Path(plot.__file__).parent.iterdir()}
    assert not modules & set(plot.__all__) and all(callable(getattr(plot, name)) for name in plot.__all__)


def test_a_part_of_a_figure_will_do():
    figure = Figure((8, 3), layout="constrained")
    for part in figure.subfigures(1, 2):
        ax = part.add_subplot()
        assert plot.network(model(), ax) is ax and ax.figure is part
        assert plot.confusion(model(), X, Y, part.add_subplot()).texts


def test_pyplot_is_asked_only_for_a_figure_of_its_own(run_python):
    code = """
import sys, fastbp
from matplotlib.figure import Figure
ax = Figure().add_subplot()
fastbp.plot.network(fastbp.Model([2, 3]), ax), fastbp.plot.history({"loss": [1, 2]}, ax)
assert "matplotlib.pyplot" not in sys.modules
from matplotlib import pyplot
pyplot.switch_backend("svg")
ax = fastbp.plot.activation("relu")
assert pyplot.get_backend() == "svg" and pyplot.gcf() is ax.figure and ax.figure.get_constrained_layout()
assert fastbp.plot.history({"loss": [1]}).figure is not ax.figure
"""
    run_python("-W", "error", "-c", code)


def test_without_matplotlib_the_extra_is_named(run_python, tmp_path):
    ask = BLOCKED + "fastbp.plot.history({'loss': [1]})"
    said = run_python("-c", ask, check=False)
    assert said.returncode == 1 and "ImportError: pictures need matplotlib: pip install 'fastbp[plot]'" in said.stderr
    for option in ("--plot", "--report"):
        command = BLOCKED + f"from fastbp.cli import main; sys.exit(main(['train', '{option}', 'curve.svg']))"
        done = run_python("-c", command, check=False, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "") and not any(tmp_path.iterdir())
        assert done.stderr == "fastbp: pictures need matplotlib: pip install 'fastbp[plot]'\n"


@pytest.mark.parametrize("ending", ["png", "SVG", "pdf"])
def test_files_are_written_the_same_to_the_byte(tmp_path, ending, ax):
    plot.activation("tanh", ax)
    one, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"
    canvas.save(ax, one)
    canvas.save(ax, other)
    assert one.read_bytes() == other.read_bytes() and sorted(tmp_path.iterdir()) == [one, other]
    assert one.read_bytes()[:8].lstrip(b"\x89").startswith((b"PNG", b"%PDF", b"<?xml"))


@pytest.mark.parametrize("name", ["curve.xyz", "curve", ".png", "curve.png/"])
def test_names_that_tell_no_format_are_refused(tmp_path, name):
    with pytest.raises((ValueError, OSError), match=re.escape(name.rstrip("/"))):
        canvas.check_path(f"{tmp_path}/{name}")


def test_the_pages_pictures_are_those_of_the_gallery(tmp_path, capsys):
    assert gallery.main([]) == gallery.main([str(tmp_path / "nowhere")]) == 2
    assert "FOLDER" in capsys.readouterr().err
    assert gallery.main([str(tmp_path)]) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    root = Path(__file__).parents[1]
    others = {"race.png", "scaling.png"}  # drawn by asv_benchmarks/race and asv_benchmarks/scaling
    folder = root / ".github" / "pictures"
    kept = {path.name: path.stat().st_size for path in folder.iterdir() if path.name not in others}
    assert set(kept) == drawn and len(kept) == 4 and max(kept.values()) < 60_000
    page = (root / "fastbp" / "plot" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\.github/pictures/(\w+\.png)", page)) == drawn
