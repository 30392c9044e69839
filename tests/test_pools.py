"""Forked children, pools of processes and pools of threads: training there crashes nothing and gives the same bits.

Plain loops run on Numba's threads. Under workqueue, the layer that every machine has, two launches at once would end
the process; under OpenMP a launch in a child of a parent that had launched before.
"""

import os

import pytest
from processes import run

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
layers = pytest.mark.parametrize(
    ("kernels", "layer"),
    [
        ("fast", "default"),
        pytest.param("elementwise", "default", marks=pytest.mark.slow),
        ("elementwise", "workqueue"),
    ],
)


@fork
@layers
def test_a_child_trains_after_its_parent_trained_in_parallel(kernels, layer):
    told = run(
        """
first = forked(lambda: work(3))  # before there is any thread
mine = work(3)
assert {1, 3} <= used
assert first == mine == forked(lambda: work(3)) == forked(lambda: work(None)) == work(3)
assert mine == forked(lambda: forked(lambda: work(2)))
print("done")
""",
        layer,
        kernels=kernels,
    )
    assert told == "done\n"


POOLS = """
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
serial = [work(1, seed) for seed in range(4)]
assert work(2) == serial[0] and 2 in used
context = multiprocessing.get_context(METHOD)
with context.Pool(2) as pool:
    assert pool.map(work_on_all, range(4)) == serial == pool.map(work_on_two, range(4))
with ProcessPoolExecutor(2, mp_context=context) as pool:
    assert list(pool.map(work_on_two, range(4))) == serial == list(pool.map(work_on_all, range(4)))
assert work(2) == serial[0]
print("done")
"""


@fork
@layers
def test_pools_of_forked_processes(kernels, layer):
    assert run(f"METHOD = 'fork'\n{POOLS}", layer, kernels=kernels) == "done\n"


@layers
def test_pools_of_spawned_processes(kernels, layer):
    assert run(f"METHOD = 'spawn'\n{POOLS}", layer, kernels=kernels) == "done\n"


@layers
def test_fits_and_predictions_at_once_in_a_pool_of_threads(kernels, layer):
    told = run(
        """
shared = fastbp.Model([131, 1021, 10], seed=1, n_threads=3)
alone = outputs(shared, X, y)
serial = [work(1, seed) for seed in range(4)]
for n_threads in 2, None:
    used.clear()
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(work, n_threads, seed) for seed in (0, 1, 2, 3) * 2]
        answers = [pool.submit(outputs, shared, X, y) for _ in range(8)]
        mine = work(3)  # the main thread beside them
        assert [fit.result() for fit in fits] == serial * 2 and mine == serial[0]
        assert {answer.result() for answer in answers} == {alone}
    assert n_threads != 2 or 2 in used, used

used.clear()
with ThreadPoolExecutor(2) as pool:  # each thread on its own, unless asked for more
    assert list(pool.map(work_on_all, range(4))) == serial
assert used == {1}
print("done")
""",
        layer,
        kernels=kernels,
    )
    assert told == "done\n"


SCRIPT = """
import multiprocessing

import fastbp
from fastbp.execution import threads

def tell(_):
    return threads.limit(None), threads.limit(3)

if __name__ == "__main__":
    print(tell(None))
    for way in {"spawn", "forkserver"} & set(multiprocessing.get_all_start_methods()):
        with multiprocessing.get_context(way).Pool(1) as pool:
            print(*pool.map(tell, [None]))
    print(tell(None))
"""


def test_workers_whose_main_script_imports_the_package_take_one_thread(run_python, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    given = {"NUMBA_NUM_THREADS": "3", "NUMBA_BOUNDSCHECK": ""}
    mine, *workers, after = run_python("-W", "error", "script.py", cwd=tmp_path, **given).stdout.splitlines()
    assert mine == after == "(3, 3)" and workers and set(workers) == {"(1, 3)"}
