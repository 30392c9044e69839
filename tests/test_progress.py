"""What fit shows: a bar in a terminal and in a notebook, nothing that would spoil a file."""

import io
import os
import struct
import subprocess
import sys
from textwrap import indent

import numpy as np
import pytest

import fastbp
from fastbp.training import progress

TRAIN = """
import sys, numpy, fastbp, fastbp.training.progress
fastbp.training.progress.DELAY = 0
X, y = numpy.eye(4), [0, 1, 0, 1]
history = fastbp.Model([4, 2], seed=0).fit(X, y, epochs=3, validation_data=(X, y), verbose={verbose})
"""


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
@pytest.mark.parametrize("verbose", ["1", "True", "'auto'", "numpy.True_"])
def test_a_terminal_sees_a_bar_that_ends_full(verbose):
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-W", "error", "-c", TRAIN.format(verbose=verbose)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        out = process.stdout.read()
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other end has gone
        pass
    os.close(ours)
    assert process.returncode == 0 and out == b""
    last = shown.decode().strip().split("\r")[-1]
    assert last.startswith("100%|") and "epoch 3.0/3" in last and ", loss " in last and ", accuracy " in last


@pytest.mark.parametrize("verbose", [0, 1, 2, "False", "'auto'", "numpy.False_"])
def test_what_is_redirected_holds_no_control_characters(run_python, verbose):
    done = run_python("-W", "error", "-c", TRAIN.format(verbose=verbose))
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(line.isprintable() for line in lines) and len(lines) == (3 if verbose == 2 else 0)


def test_no_stream_for_errors_is_no_error(run_python):
    code = TRAIN.format(verbose=1).replace("import sys,", "import sys; sys.stderr = None; import")
    assert run_python("-W", "error", "-c", code).stdout == ""


@pytest.mark.parametrize("widgets", [True, False], ids=["widgets", "no widgets"])
def test_a_notebook_shows_a_bar_without_a_warning(widgets, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel"), pytest.importorskip("ipywidgets")
    hidden = "" if widgets else "import sys; sys.modules['ipywidgets'] = None\n"
    strict = "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n"
    code = hidden + strict + indent(TRAIN.format(verbose=1), "    ")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    (cell,) = notebook.cells
    kinds = {output.output_type for output in cell.outputs}
    if widgets:
        assert kinds == {"display_data"}
        (bar,) = [state for state in client.widget_state.values() if "bar_style" in state]
        assert (bar["value"], bar["max"], bar["bar_style"]) == (3, 3, "success")
    else:
        assert kinds == {"stream"} and "epoch 3.0/3" in "".join(output.text for output in cell.outputs)


class Terminal:
    """A stream that says that it is a terminal, and fails from a given write on."""

    def __init__(self, fails_from=None, error=OSError):
        self.text, self.fails_from, self.error = "", fails_from, error

    def isatty(self):
        return True

    def write(self, text):
        self.fails_from = None if self.fails_from is None else self.fails_from - 1
        if self.fails_from is not None and self.fails_from < 0:
            raise self.error
        self.text += text

    def flush(self):
        pass


class Bare:
    """A stream of a logger's: it can only be written to."""

    def write(self, text):
        pass


class Grumpy(Bare):
    """A stream that answers no question."""

    def isatty(self):
        raise OSError("no device")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


ODD = {
    "closed": closed,
    "bare": Bare,
    "no stream": object,
    "grumpy": Grumpy,
    "broken at once": lambda: Terminal(0),
    "broken later": lambda: Terminal(3, BrokenPipeError),
    "wrong type": lambda: Terminal(2, TypeError),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("verbose", [1, 2])
def test_odd_streams_end_no_training(odd, verbose, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    X, y = np.eye(4), [0, 1, 0, 1]
    quiet, shown = (fastbp.Model([4, 2], seed=0) for _ in range(2))
    expected = quiet.fit(X, y, epochs=5, verbose=0)
    monkeypatch.setattr(sys, "stderr" if verbose == 1 else "stdout", ODD[odd]())
    history = shown.fit(X, y, epochs=5, verbose=verbose)
    monkeypatch.undo()
    assert history.loss == expected.loss and not history.interrupted
    assert np.array_equal(shown.parameters[0][0], quiet.parameters[0][0])


def test_no_attribute_stderr_is_no_error(monkeypatch):
    monkeypatch.delattr(sys, "stderr")
    assert len(fastbp.Model([4, 2], seed=0).fit(np.eye(4), [0, 1, 0, 1], epochs=2).loss) == 2


def test_a_stream_that_breaks_is_not_written_again_and_the_next_bar_is_whole(monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    broken, whole = Terminal(1), Terminal()
    for stream in broken, whole:
        monkeypatch.setattr(sys, "stderr", stream)
        fastbp.Model([4, 2], seed=0).fit(np.eye(4), [0, 1, 0, 1], epochs=3)
    monkeypatch.undo()
    last = whole.text.strip().split("\r")[-1]
    assert last.startswith("100%|") and "epoch 3.0/3" in last and "\n" not in last
