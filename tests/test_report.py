"""The page on a training tells its numbers, needs nothing else, and opens in a browser without a complaint."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from browser import chromium, errors

import fastbp
from fastbp.callbacks import Diagnose
from fastbp.files.datasets import Dataset
from fastbp.inspection import report
from fastbp.inspection.profiler import costs, shares, steps
from fastbp.inspection.profiler.peaks import Machine
from fastbp.inspection.profiler.result import Compiling, KernelTimes, Profile, StepTimes
from fastbp.inspection.report import page

rng = np.random.default_rng(11)
STRANGE = ["<script>alert(1)</script>", "a & b", "$x_1", "'\"é"]

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def training():
    y = np.arange(300) % 4
    X = 2 * rng.standard_normal((4, 3))[y] + rng.standard_normal((300, 3))
    data = Dataset(X[:200], y[:200], STRANGE, ["one", "two", "<three>"], X[200:], y[200:], "strange <data>")
    model = fastbp.Model([3, 8, 4], seed=0, feature_names=data.feature_names, class_names=STRANGE)
    watching = Diagnose(data.X, data.y)
    history = model.fit(
        data.X, data.y, epochs=40, batch_size=16, validation_data=(X[200:], y[200:]), verbose=0, callbacks=[watching]
    )
    return report.Outcome(model, data, history, watching.reports, 16, 1.25, {"seed": 0})


@pytest.fixture(scope="module")
def path(training, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "page.html"
    report.write(path, training)
    return path


class Reader(HTMLParser):
    """Elements with their attributes, and text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "path", "use", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in ("meta", "link", "path", "use", "rect"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


@pytest.fixture(scope="module")
def read(path):
    return Reader(path.read_text(encoding="utf-8"))


@pytest.fixture
def profiled(monkeypatch):
    """What is to be profiled, where nothing is."""
    cost = costs.Cost("fast_linear", 1, (40, 6, 7, 8), True, 4_000_000, 100_000)
    machine, asked = Machine("a CPU", 2, 512, 100.0, 20.0), []
    row = KernelTimes.of(cost, shares.Share(30, 5e-4, 9e-4), 1.0, 10, machine, None)

    def profile(model, X, y, *, batch_size, seconds):
        asked.append((model, len(X), len(y), batch_size))
        times = StepTimes(10, 8e-5, 5e-5, 3e-5, 7.5e-5)
        return Profile(machine, [row], times, Compiling(0.0, 0), np.empty((0, 4)))

    monkeypatch.setattr(steps, "profile", profile)
    return asked


def written(folder, training):
    report.write(folder / "page.html", training)
    return (folder / "page.html").read_text(encoding="utf-8")


def titles(reader):
    return [attributes["id"] for tag, attributes in reader.elements if tag == "section"]


def test_every_part_is_there_and_every_tag_closed(read):
    parts = ["result", "learning-curve", "confusion-matrix", "diagnosis", "network", "settings", "data", "kernels"]
    assert titles(read) == parts and read.open == []
    assert sum(tag == "svg" for tag, _ in read.elements) == 9


def test_it_needs_nothing_else(path, read):
    for tag, attributes in read.elements:
        assert tag not in ("script", "img", "iframe", "object", "image")
        for name in ("src", "href", "xlink:href", "style"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:,")) if "href" in name and value else "url(" not in value
    text = path.read_text(encoding="utf-8")
    named = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # as XML names them, not loaded
    assert set(re.findall(r"https?://[^\"' <]+", text)) == named
    assert "url(http" not in text and "@import" not in text


def test_ids_are_one_of_a_kind_and_what_is_referred_to_is_there(path, read):
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    asked = re.findall(r'(?:href="#|url\(#)([^")]+)', path.read_text(encoding="utf-8"))
    assert asked and set(asked) <= set(ids)


def test_the_numbers_are_the_trainings(training, read):
    scores = training.model.evaluate(training.data.X_test, training.data.y_test)
    text = " ".join(read.text.split())
    assert f"test accuracy {scores['accuracy']:.2%} test loss {scores['loss']:.4g} training time 1.25 s" in text
    assert "rows to train on 200" in text and "rows to test on 100" in text and "layers 3-8-4" in text
    for c, name in enumerate(STRANGE):
        true, guessed = training.data.y_test == c, training.model.predict(training.data.X_test) == name
        right = (true & guessed).sum()
        row = [name, true.sum(), right, f"{right / true.sum():.1%}", f"{right / guessed.sum():.1%}"]
        assert " ".join(" ".join(map(str, row)).split()) in text
        assert f"{name} {(training.data.y == c).sum()} {true.sum()}" in text
    for row in training.reports[-1].table():
        assert " ".join(" ".join(row).split()) in text


def test_colours_follow_the_readers_light(path):
    text = path.read_text(encoding="utf-8")
    assert page.INK not in text and "currentColor" in text and "prefers-color-scheme: dark" in text


def test_a_training_of_no_epochs(training, tmp_path, profiled):
    history = fastbp.History(interrupted=True)
    text = Reader(written(tmp_path, report.Outcome(training.model, training.data, history, [], 16, 0.0))).text
    assert "No epoch came to its end." in text and "Training was interrupted." in text


@pytest.mark.slow
def test_kernels_are_told_of(training, tmp_path, profiled):
    read = Reader(written(tmp_path, training))
    text = " ".join(read.text.split())
    assert titles(read)[-1] == "kernels" and "a step 75 us outside kernels 37.5%" in text
    assert "fast_linear 1 3 50 us 62.5% 4 100 80 80% compute 90% 6-8, 40" in text
    assert profiled == [(training.model, 200, 200, 16)]


def test_why_kernels_can_not_be_profiled_is_told(training, tmp_path, monkeypatch):
    def profile(*_, **settings):
        raise ValueError("this CPU's clock is not known")

    monkeypatch.setattr(steps, "profile", profile)
    assert "Not profiled: this CPU's clock is not known." in Reader(written(tmp_path, training)).text


# ---- in a browser


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    missing = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
    assert not missing, f"{', '.join(missing)} must be installed for the tests marked browser"
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


LOADED = "return performance.getEntriesByType('resource').map(entry => entry.name)"


@pytest.mark.browser
@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_opens_offline_and_fits_the_screen(driver, path, width, light):
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": light}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(path.as_uri())
    assert driver.execute_script(LOADED) == [] and errors(driver) == []
    scrolled, seen = driver.execute_script("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
    assert scrolled == seen <= width
    ink, paper = driver.execute_script(
        "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor].map(c => +c.match(/\\d+/)[0])"
    )
    assert (ink < paper) == (light == "light")
    widths = "[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().width)"
    sizes = driver.execute_script(f"return {widths}")
    assert len(sizes) == 9 and min(sizes) > 200
    label = "document.querySelector('#learning-curve svg [id*=text_] g')"
    assert driver.execute_script(f"return getComputedStyle({label}).fill") == driver.execute_script(
        "return getComputedStyle(document.body).color"
    )


@pytest.mark.browser
def test_what_a_page_loads_would_be_seen(driver, tmp_path):
    (tmp_path / "page.html").write_text("<link rel=icon href='data:,'><img src='picture.png'>")
    driver.get((tmp_path / "page.html").as_uri())
    assert any("picture.png" in message for message in errors(driver))
