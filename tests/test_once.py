"""What compiles code gives all threads the same code, however many ask for it at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

from fastbp.kernels.library.once import once

THREADS = 8


def test_threads_that_ask_at_once_get_one_result():
    barrier, calls = threading.Barrier(THREADS), []

    @once
    def made(name):
        calls.append(name)
        threading.Event().wait(0.05)  # so long that all others have asked
        return object()

    def ask(name):
        barrier.wait()
        return made(name)

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(ask, ["same"] * THREADS))
    assert len({id(result) for result in results}) == len(calls) == 1
    assert made("other") is not results[0]
