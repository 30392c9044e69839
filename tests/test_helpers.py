"""Helpers of compiled calls: threads that come at once, late or never, end with the program, and survive a fork."""

import os
import threading
import time

import numpy as np
import pytest
from processes import run

from fastbp.execution import helpers
from fastbp.kernels.engine.helpers import ASLEEP, DISMISSED, RESTING
from fastbp.kernels.entries.records import Record
from fastbp.kernels.program.entry_records import IDENTITY

F32 = np.dtype(np.float32)


@pytest.fixture
def alone(monkeypatch):
    """No teams from before, and none left."""
    monkeypatch.setattr(helpers, "_idle", teams := [])
    yield teams
    for team in teams:
        for helper in team.helpers:
            helper.end()


def asked(workers):
    """Whether work that each worker does in full, and that takes no time, is right when the launch has returned."""
    record = Record(IDENTITY).fill({"leaf": 0, "a": -1, "b": -1, "c": -1, "d": -1})
    helpers.launch("identify", F32, record, workers)
    return min(record[name] for name in "abcd") >= 0


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def test_one_worker_needs_no_helper(alone):
    assert asked(1) and alone == []


def test_a_team_is_kept_and_grows(alone):
    for workers, size in (2, 1), (3, 2), (2, 2), (5, 4):
        assert asked(workers)
        (team,) = alone
        assert len(team.helpers) == size


def test_helpers_sleep_after_a_while_and_come_again(alone):
    for _ in range(3):
        assert asked(3)
        assert until(lambda: all(helper.record["stage"] == ASLEEP for helper in alone[0].helpers))


def test_calls_at_once_have_teams_of_their_own(alone):
    threads = [threading.Thread(target=lambda: [asked(3) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert 1 <= len(alone) <= 4 and len({id(helper) for team in alone for helper in team.helpers}) == 2 * len(alone)


def test_a_call_does_with_those_threads_that_can_start(alone, monkeypatch):
    start, count = threading.Thread.start, []

    def start_two(thread):
        count.append(thread)
        if len(count) > 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    assert asked(6)
    assert len(alone[0].helpers) == 2


@pytest.mark.skipif(not hasattr(os, "pread"), reason="this system has no daemons")
def test_helpers_leave_descriptors_alone_that_a_program_closes_and_opens_anew(tmp_path):
    """As a daemon does: what it opens next has the numbers that were free."""
    told = run(f"""
import os
from fastbp.execution import helpers
work(3)
time.sleep(0.5)  # until they sleep
os.closerange(3, 64)
opened = [os.open({str(tmp_path / "file")!r}, os.O_RDWR | os.O_CREAT, 0o600) for _ in range(20)]
os.write(opened[0], b"twelve bytes")
for descriptor in opened:
    os.lseek(descriptor, 0, os.SEEK_SET)
for _ in range(3):
    work(3)
    time.sleep(0.2)
(team,) = helpers._idle
print([os.lseek(descriptor, 0, os.SEEK_CUR) for descriptor in opened] == [0] * 20)
print(os.pread(opened[0], 99, 0), [helper.thread.is_alive() for helper in team.helpers])
""")
    assert told == "True\nb'twelve bytes' [True, True]\n"


def test_helpers_end_when_dismissed(alone):
    asked(4)
    for helper in alone[0].helpers:
        helper.end()
        assert not helper.thread.is_alive() and helper.record["stage"] == DISMISSED
    assert asked(4)  # nobody comes, and nobody is waited for


def test_work_that_nobody_has_begun_is_taken_back(alone):
    asked(2)
    (helper,) = alone[0].helpers
    helper.end()
    helper.record["stage"] = RESTING  # as if its thread had no core
    assert asked(2)
    assert helper.record["stage"] == RESTING


def test_programs_end_at_once_whatever_helpers_do():
    began = time.monotonic()
    told = run("""
work(3)
for stage in range(3):
    time.sleep(0.002 * stage)
    work(3)
print(sum(thread.name == "fastbp helper" for thread in threading.enumerate()))
""")
    assert told == "2\n" and time.monotonic() - began < 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_helpers_of_its_own():
    told = run("""
mine = work(3)
assert mine == forked(lambda: work(3)) == forked(lambda: forked(lambda: work(2))) == work(3)
print("done")
""")
    assert told == "done\n"
