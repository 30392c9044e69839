"""Short calls are done by one thread while another process keeps the cores busy, and are shared again afterwards."""

import math

import numpy as np
import pytest

import fastbp
from fastbp.execution import threads
from fastbp.execution.sharing import FIRST_PAUSE, LATE, LONGEST_PAUSE, SHORT_FLOP, Sharing


class Clock:
    """Seconds as a test sets them."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sharing(clock):
    return Sharing(clock)


def call(sharing, clock, seconds):
    """Whether a call is shared, one that takes so long if it is."""
    began = sharing.begin()
    if began is not None:
        clock.now += seconds
        sharing.end(began, 1e6)
    return began is not None


def test_calls_are_shared_while_none_is_late(sharing, clock):
    assert all(call(sharing, clock, LATE) for _ in range(100))


def test_pauses_after_late_calls_double_up_to_a_limit_and_begin_anew_after_one_in_time(sharing, clock):
    pause = FIRST_PAUSE
    for _ in range(12):
        assert call(sharing, clock, 0.004)
        clock.now += 0.99 * pause
        assert not call(sharing, clock, 0)
        clock.now += 0.02 * pause
        pause = min(2 * pause, LONGEST_PAUSE)
    assert call(sharing, clock, 0.0001)
    assert call(sharing, clock, 0.004)
    clock.now += 1.01 * FIRST_PAUSE
    assert call(sharing, clock, 0)


def test_time_lost_to_late_calls_is_a_small_share(sharing, clock):
    lost = 0
    while clock.now < 160:
        shared = call(sharing, clock, 0.004)
        lost += 0.004 * shared
        clock.now += 0 if shared else 5e-5
    assert lost < 0.005 * 60


@pytest.mark.skipif(threads.most() == 1, reason="one thread has nobody to share with")
def test_a_team_is_one_thread_while_calls_are_late_but_for_long_and_explicit_ones(sharing, clock, monkeypatch):
    monkeypatch.setattr(threads, "_sharing", sharing)
    with threads.team(2, flop=1e6):
        clock.now += 0.004
    with threads.team(2, flop=1e6) as short, threads.team(2, flop=SHORT_FLOP) as long, threads.team(2) as explicit:
        assert (short, long, explicit) == (1, 2, 2)
    clock.now += 1
    with threads.team(2, flop=1e6) as short:
        assert short == 2


def test_predictions_have_the_same_bits_shared_or_not(sharing, clock, monkeypatch, rng):
    monkeypatch.setattr(threads, "_sharing", sharing)
    model, X = fastbp.Model([784, 512, 10], seed=0), rng.standard_normal((300, 784), np.float32)
    shared = model.predict_proba(X[:1]), model.predict_proba(X)
    sharing.end(-math.inf, 1)
    alone = model.predict_proba(X[:1]), model.predict_proba(X)
    assert sharing.begin() is None
    for one, other in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(one, other)
