"""Random numbers from a counter, and the order of an epoch's rows drawn with them."""

import numpy as np

from ..compiler.jit import inline


@inline
def random_word(key, k):
    """Return the k-th 64-bit random number of a key, computed by itself: SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = np.uint64(key) + np.uint64(k + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inline
def below(word, n):
    """Return one of 0..n-1, almost equally likely: word * n / 2^64, for n below 2^32 (Lemire, 2019)."""
    n, half = np.uint64(n), np.uint64(32)
    return np.intp(((word >> half) * n + ((word & np.uint64(0xFFFFFFFF)) * n >> half)) >> half)


@inline
def shuffle(order, key):
    """order <- 0..B-1 in a random order, all equally likely (Fisher and Yates; Durstenfeld, 1964)

    order  out (B,)  row numbers, B below 2^32
    key    a whole number, 64 bits
    """
    for k in range(order.size):
        j = below(random_word(key, k), k + 1)
        order[k] = order[j]
        order[j] = k
