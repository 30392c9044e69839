"""The order of an epoch's rows: all orders, each as often as the others, and the same from the same key."""

from itertools import permutations

import numba
import numpy as np
import pytest

import fastbp
from fastbp.kernels.fast import shuffle
from fastbp.kernels.registry import KERNELS

WORD = 2**64


@numba.njit
def _words(words, key):
    for k in range(words.size):
        words[k] = shuffle.random_word(key, k)


@numba.njit
def _below(found, words, n):
    for k in range(words.size):
        found[k] = shuffle.below(words[k], n)


def splitmix64(state):
    """The generator as published, one number after the other, in Python's big integers."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % WORD
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
        yield z ^ z >> 31


def order_of(n, key):
    order = np.full(n, -1)
    KERNELS["fast_shuffle"].call("fast", order, key)
    return order


def test_random_words_are_those_of_splitmix64():
    words = np.zeros(3, np.uint64)
    _words(words, 1234567)
    assert words.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    words = np.zeros(100, np.uint64)
    for key in (0, 1, 2**31, 2**63 - 1):
        _words(words, key)
        assert [word for word, _ in zip(splitmix64(key), words, strict=False)] == words.tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 10, 2**31, 2**32 - 1])
def test_below_is_the_word_times_n_over_2_to_the_64(n, rng):
    edges = [WORD * k // n + step for k in {1, n // 2, n - 1} for step in (-1, 0, 1)]  # where the number changes
    words = [0, WORD - 1, *rng.integers(0, WORD, 1000, np.uint64).tolist(), *(word % WORD for word in edges)]
    found = np.full(len(words), -1)
    _below(found, np.array(words, np.uint64), n)
    assert found.tolist() == [word * n // WORD for word in words]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 17, 1000])
def test_each_row_comes_once_and_as_fisher_and_yates_have_it(n):
    for key in range(20):
        wanted = []
        for k, word in zip(range(n), splitmix64(key), strict=False):
            j = word * (k + 1) // WORD
            wanted.append(k)
            wanted[j], wanted[k] = wanted[k], wanted[j]
        order = order_of(n, key)
        assert order.tolist() == wanted and sorted(wanted) == list(range(n))


@pytest.mark.parametrize("keys", ["in a row", "far apart"])
def test_all_orders_are_as_frequent(keys, rng):
    draws = 24_000
    chosen = range(draws) if keys == "in a row" else rng.integers(2**63, size=draws)
    counts = dict.fromkeys(permutations(range(4)), 0)
    for key in chosen:
        counts[tuple(order_of(4, key).tolist())] += 1
    expected = draws / 24
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert 7.5 < chi_square < 49.7  # of 23 degrees of freedom, all but one in a thousand draws


def test_a_key_gives_one_order_and_another_key_another():
    orders = {order_of(100, key).tobytes() for key in range(200)}
    assert len(orders) == 200
    assert orders == {order_of(100, np.int64(key)).tobytes() for key in range(200)}


def test_epochs_take_rows_in_orders_drawn_from_the_seed(monkeypatch):
    def orders(seed, **settings):
        model, taken = fastbp.Model([2, 2], seed=seed), []
        train_epoch = model._plan.train_epoch

        def watched(data, order, batch_size, rates, sums):
            taken.append(order.tolist())
            return train_epoch(data, order, batch_size, rates, sums)

        monkeypatch.setattr(model._plan, "train_epoch", watched)
        model.fit(np.zeros((50, 2)), np.zeros(50, int), epochs=3, verbose=0, **settings)
        return taken

    first = orders(1)
    assert first == orders(1) and first != orders(2)
    assert all(sorted(order) == list(range(50)) for order in first)
    assert len(set(map(tuple, first))) == 3
    assert orders(1, shuffle=False) == [list(range(50))] * 3
