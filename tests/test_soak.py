"""A process that trains, predicts, saves, forks and fails for long: the same bits all through, and nothing piles up."""

import json
import os
import sys

import pytest
from processes import finish, start

SECONDS = float(os.environ.get("FASTBP_SOAK", 3))
LONG = 600  # seconds, from which on memory is judged: before, kernels are still loaded
THREADS = 5  # at most, that call at once: each may need two helpers, which are kept
GROWTH = 0.03  # of the memory, that the first use of rare kernels may add


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_soak(tmp_path):
    told = finish(start(f"import soaking; soaking.main({SECONDS})", cwd=tmp_path), SECONDS + 240).splitlines()
    print(told[-1])
    found = json.loads(told[-1])
    warm, end = found["warm"], found["end"]
    assert end["rounds"] >= warm["rounds"]
    assert end["files"] == warm["files"] and end["python_threads"] == warm["python_threads"] == 1
    assert end["threads"] <= warm["threads"] + 1 and end["helpers"] <= 2 * THREADS
    if SECONDS >= LONG:
        assert end["MB"] <= (1 + GROWTH) * warm["MB"]
