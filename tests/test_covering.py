"""Combinations in which all pairs meet."""

from itertools import combinations, product

import pytest
from covering import covering


def test_two_lists_are_their_product():
    assert sorted(covering("ab", (1, 2, 3))) == list(product("ab", (1, 2, 3)))


@pytest.mark.parametrize(
    "sizes, most", [((2, 2, 2), 4), ((2, 2, 3), 6), ((4, 2, 6), 24), ((3, 3, 3, 3), 11), ((1, 1, 5), 5)]
)
def test_every_two_values_of_two_lists_meet(sizes, most):
    lists = [[f"{place} {k}" for k in range(size)] for place, size in enumerate(sizes)]
    chosen = covering(*lists)
    assert len(chosen) == len(set(chosen)) <= most and chosen == covering(*lists)
    for one, other in combinations(range(len(lists)), 2):
        assert {(each[one], each[other]) for each in chosen} == set(product(lists[one], lists[other]))
