"""The line that tells of compiling, and the time that it takes, which is in no figure of training."""

import io
import sys

import pytest

import fastbp
from fastbp.kernels.library.compiling import SILENT_SECONDS, TEXT, Compiling
from fastbp.training import loop


class Clock:
    """Seconds as a test sets them."""

    now = 100.0

    def __call__(self):
        return self.now


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def compiling(clock):
    return Compiling(clock)


def take(compiling, clock, seconds):
    with compiling.one("kernel"):
        with compiling.one("part"):  # what one function asks for is part of it
            clock.now += seconds


def test_a_short_wait_shows_nothing(compiling, clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Stream(True))
    compiling.expect(3)
    for _ in range(3):
        take(compiling, clock, SILENT_SECONDS / 4)
    assert stream.getvalue() == "" and compiling.done == 3


def test_a_terminal_has_one_line_that_counts(compiling, clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Stream(True))
    compiling.expect(3)
    for _ in range(3):
        take(compiling, clock, SILENT_SECONDS)
    assert stream.getvalue() == "".join(f"\r{TEXT}: {k}/3" for k in (1, 2, 3)) + "\n"
    take(compiling, clock, SILENT_SECONDS)  # one that nobody expected
    assert stream.getvalue().count("\n") == 1


def test_a_log_has_one_line(compiling, clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Stream(False))
    compiling.expect(18)
    for _ in range(18):
        take(compiling, clock, SILENT_SECONDS / 2)
    assert stream.getvalue() == f"{TEXT}: 2/18\n"


def test_streams_that_cannot_be_written_do_no_harm(compiling, clock, monkeypatch):
    closed = Stream(True)
    closed.close()
    for stream in closed, None, object():
        monkeypatch.setattr(sys, "stderr", stream)
        compiling.expect(2)
        take(compiling, clock, 2 * SILENT_SECONDS)


def test_time_spent_compiling_is_not_counted(compiling, clock):
    began = compiling.now()
    clock.now += 2
    take(compiling, clock, 30)
    assert compiling.now() - began == 2 and compiling.seconds == 30 and compiling.times == [(30, "kernel")]


def test_history_has_no_time_spent_compiling(compiling, clock, monkeypatch, rng):
    model = fastbp.Model([3, 4, 2], seed=0)
    monkeypatch.setattr(loop, "compiling", compiling)
    train_epoch = type(model._plan).train_epoch

    def slow(*arguments):
        take(compiling, clock, 14)
        clock.now += 0.25
        yield from train_epoch(*arguments)

    monkeypatch.setattr(type(model._plan), "train_epoch", slow)
    history = model.fit(rng.standard_normal((8, 3)), [0, 1] * 4, epochs=2, verbose=0)
    assert history.seconds == [0.25, 0.25]
