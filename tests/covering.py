"""Some of the combinations of settings, in which each two values of two settings meet: for what is slow."""

from itertools import combinations, product


def covering(*settings):
    """Return tuples of a value of each list, so that every two values of two lists stand in one of them.

    The next one is that which brings most such pairs together for the first time, of equals the first of the product:
    the same lists give the same tuples.
    """
    every = list(product(*map(range, map(len, settings))))
    missing, chosen = set().union(*map(_pairs, every)), []
    while missing:
        chosen.append(max(every, key=lambda places: len(_pairs(places) & missing)))
        missing -= _pairs(chosen[-1])
    return [tuple(values[k] for values, k in zip(settings, places, strict=True)) for places in chosen]


def _pairs(places):
    return set(combinations(enumerate(places), 2))
