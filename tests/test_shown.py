"""Results as they show themselves: briefly at the prompt, as tables in a notebook."""

import re
import sys
from html import escape

import numpy as np
import pytest

import fastbp
from fastbp.data import shown
from fastbp.inspection.range_test import LearningRates

X, Y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3


def rows(html):
    """The cells of a table, line by line."""
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in re.findall(r"<tr>(.*?)</tr>", html)]


@pytest.fixture(scope="module")
def history():
    return fastbp.Model([4, 5, 3], seed=0).fit(X, Y, epochs=3, validation_split=0.2, verbose=0)


def test_a_history_is_a_table_and_a_short_line(history):
    found = rows(history._repr_html_())
    assert found[0] == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"] and len(found) == 4
    assert found[2][:2] == ["1", f"{history.loss[1]:.4g}"]
    assert (
        repr(history).startswith(f"<fastbp.History: 3 epochs, loss {history.loss[2]:.4g}, ")
        and len(repr(history)) < 200
    )
    broken_off = fastbp.History(interrupted=True)
    assert repr(broken_off) == "<fastbp.History: 0 epochs, interrupted>"
    assert "interrupted" in broken_off._repr_html_()


def test_a_history_becomes_a_frame(history, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = history.to_frame()
    expected = {name: values for name, values in history.history.items() if values}
    pandas.testing.assert_frame_equal(frame, pandas.DataFrame(expected, index=pandas.Index(range(3), name="epoch")))
    numbers = fastbp.Model([4, 1], loss="squared_error", seed=0).fit(X, Y, epochs=2, verbose=0)
    assert list(numbers.to_frame()) == ["loss", "seconds"] and fastbp.History().to_frame().shape == (0, 0)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"History\.to_frame needs pandas: pip install pandas"):
        history.to_frame()


def test_a_long_history_shows_its_ends():
    found = rows(fastbp.History(loss=[float(i) for i in range(1000)])._repr_html_())
    assert len(found) == 22 and found[10][0] == "9" and found[11] == ["... 980 more ..."] and found[-1][0] == "999"


def test_a_summary_shows_itself_as_it_prints():
    summary = fastbp.Model([4, 5, 3]).summary()
    assert isinstance(summary, str) and repr(summary) == str(summary) and summary.count("\n") == 3
    assert summary._repr_html_() == f"<pre>{summary}</pre>"


def test_a_diagnosis_shows_its_table_and_findings():
    model = fastbp.Model([4, 5, 3], seed=0, learning_rate=1e-9)
    report = model.diagnose(X, Y)
    html = report._repr_html_()
    assert rows(html) == [list(row) for row in report.table()] and f"<li>{escape(report.findings[0].text)}</li>" in html
    assert repr(report) == f"<Diagnosis of 2 layers: loss {report.loss:.4g}, learning rate too low>"
    well = fastbp.Model([4, 5, 3], seed=0).diagnose(X, Y)
    assert "No problem found." in well._repr_html_() and repr(well).endswith("no problem found>")


def test_learning_rates_show_curve_and_suggestion():
    curve = np.array([1.0, 0.5, 2.0])
    found = LearningRates(0.1, np.array([0.01, 0.1, 1.0]), curve, curve, None)
    assert rows(found._repr_html_()) == [["learning rate", "loss"], ["0.01", "1"], ["0.1", "0.5"], ["1", "2"]]
    assert repr(found) == f"<LearningRates: {found}>" and str(found) in found._repr_html_()


def test_a_profile_shows_its_table():
    profile = fastbp.profile(fastbp.Model([4, 5, 3], seed=0), X, Y, batch_size=30, steps=3)
    found = rows(profile._repr_html_())
    assert len(found) == 1 + min(len(profile.kernels), 21) and found[1][0] == profile.kernels[0].name
    assert repr(profile).startswith(f"<fastbp.Profile: {len(profile.kernels)} kernels, 3 steps of ")


def test_what_is_shown_is_text_not_markup():
    assert rows(shown.table(["<b>"], [["a&b"]])) == [["&lt;b&gt;"], ["a&amp;b"]]
    assert shown.Text("<b>")._repr_html_() == "<pre>&lt;b&gt;</pre>" and shown.listed([]) == ""


@pytest.mark.parametrize("mode", ["html", "plain"])
def test_a_notebook_takes_them(history, mode):
    formatters = pytest.importorskip("IPython.core.formatters")
    formatter = formatters.HTMLFormatter() if mode == "html" else formatters.PlainTextFormatter()
    shown = formatter(history)
    assert shown.startswith("<table>" if mode == "html" else "<fastbp.History")
