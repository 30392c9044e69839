"""Training on several ranks: the same bits for any number of them, and what is measured without any."""

import json

import mpi
import numpy as np
import pytest
import ranked

import fastbp
from fastbp.distributed import blocks


@pytest.fixture(scope="module")
def found():
    """What each training came to, as each of four ranks has it. They find kernels that were compiled once, here."""
    for name in ranked.NETWORKS:
        ranked.trained(name)
    status, out, err = mpi.ranks(4, str(mpi.HERE / "ranked.py"), timeout=240)
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize("name", ranked.NETWORKS)
def test_any_number_of_ranks_gives_the_bits_of_one(found, name):
    each = [rank[name] for rank in found]
    one = each[0]["1"]
    sizes = [{size for size in rank if size != "apart"} for rank in each]
    assert sizes == [{"1", "2", "4"}, *[{"2", "3", "4"}] * 3]
    assert all(rank[size] == one for rank, known in zip(each, sizes, strict=True) for size in known)


@pytest.mark.parametrize("name", ranked.NETWORKS)
def test_ranks_train_as_one_process_does_but_for_rounding(found, name):
    assert found[0][name]["apart"] < {"adam in float64": 1e-12, "bfloat16": 5e-3}.get(name, 3e-6)


def test_the_example_of_the_page_runs_on_two_ranks(tmp_path):
    page = (mpi.HERE.parent / "fastbp" / "distributed" / "README.md").read_text(encoding="utf-8")
    script = tmp_path / "train.py"
    script.write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    status, _, err = mpi.ranks(2, str(script), cwd=tmp_path)
    assert status == 0, err
    assert fastbp.load(tmp_path / "model.safetensors").layer_sizes == (8, 64, 2)


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows, count", [(1, 1), (8, 1), (15, 1), (16, 2), (31, 2), (32, 4), (128, 4), (1023, 4), (1024, 8), (2**17, 512)]
)
def test_a_minibatch_is_cut_into_a_power_of_two_of_blocks(rows, count):
    bounds = np.array(blocks.bounds(rows))
    assert len(bounds) == count + 1
    assert bounds[0] == 0 and bounds[-1] == rows
    assert (np.diff(bounds) > 0).all()
    assert (bounds[:-1] % blocks.UNIT == 0).all()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 13, 64])
@pytest.mark.parametrize("rows", [1, 16, 130, 1024])
def test_each_row_is_computed_by_the_rank_of_its_block(rows, size):
    bounds, computing = blocks.bounds(rows), blocks.computing(rows, size)
    owners = [
        rank for rank in range(size) for block in blocks.share(len(bounds) - 1, rank, size)
        for _ in range(bounds[block], bounds[block + 1])
    ]  # fmt: skip
    assert computing.tolist() == owners


def test_subtrees_of_some_blocks_worked_by_hand():
    assert blocks.nodes(range(0, 8)) == ((3, 0),)
    assert blocks.nodes(range(2, 5)) == ((1, 1), (0, 4))
    assert blocks.nodes(range(5, 8)) == ((0, 5), (1, 3))
    assert blocks.nodes(range(1, 7)) == ((0, 1), (1, 1), (1, 2), (0, 6))
    assert blocks.nodes(range(3, 3)) == ()
