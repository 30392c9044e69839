"""The model of a step's cost on several ranks: worked by hand, fitted to known constants, and to what was measured."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "asv_benchmarks" / "scaling"


@pytest.fixture(scope="module")
def cost():
    """The model, imported as Python imports a script's neighbours."""
    sys.path.insert(0, str(FOLDER))
    try:
        import step_cost

        yield step_cost
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def figure(cost):
    import figure

    yield figure


def test_the_parts_of_a_step_worked_by_hand(cost):
    machine = cost.Machine(flop=1e-9, gradient=1e-8, addition=1e-9, update=1e-7, row_byte=1e-9, cores=4)
    network = cost.Network(latency=1e-3, byte=1e-9)
    work = cost.Work((9, 9, 1), 64, 4)  # 100 parameters; 256 rows make 4 blocks, one a rank
    assert (work.parameters, work.most, work.computed, work.sums) == (100, 1, 64, 1)
    found = cost.parts(work, machine, network)
    assert found == pytest.approx({
        "compute": 6 * 100 * 64 * 1e-9 + 100 * 1e-8,
        "sum": 0.0,
        "update": 25 * 1e-7,
        "gradients": 3e-3 + 300 * 1e-9 + 100 * 1e-9,
        "parameters": 3e-3 + 300 * 1e-9,
        "rows": 6e-3 + 4 * 9 * 48 * 2e-9,
    })  # fmt: skip
    one = cost.parts(cost.Work((9, 9, 1), 64, 1), machine, network)
    assert [one[part] for part in ("gradients", "parameters", "rows")] == [0, 0, 0]
    assert one["sum"] == pytest.approx(3 * 100 * 1e-9)  # four blocks are added up


def test_ranks_that_share_cores_take_turns(cost):
    network, work = cost.Network(1e-3, 1e-9), cost.Work((9, 9, 1), 64, 4)
    alone, shared = (cost.parts(work, cost.Machine(0, 0, 0, 0, 0, cores), network) for cores in (4, 2))
    assert shared["parameters"] == pytest.approx(2 * alone["parameters"])


def test_without_a_network_weak_scaling_is_perfect_but_for_the_update(cost):
    machine, network = cost.Machine(1e-11, 0, 0, 0, 0, 10**6), cost.Network(0, 0)
    for ranks in (2, 8, 64, 512):
        assert cost.efficiency(cost.Work((784, 100, 10), 1024, ranks), machine, network) == pytest.approx(1)


def test_efficiency_worked_by_hand_and_what_it_takes(cost):
    machine, network = cost.Machine(1e-9, 1e-8, 0, 1e-7, 0, 10**6), cost.Network(0, 0)
    one = cost.efficiency(cost.Work((9, 9, 1), 64, 1), machine, network)  # 4 blocks, where a process without has 1
    assert one == pytest.approx((6 * 64 * 1e-9 + 1e-8 + 1e-7) / (6 * 64 * 1e-9 + 4e-8 + 1e-7))
    machine, network = cost.Machine(1e-11, 1e-10, 1e-10, 1e-9, 0, 10**6), cost.Network(1e-5, 1e-10)
    least = [cost.least_rows((784, 512, 10), n, machine, network, 0.9) for n in (2, 8, 64, 512)]
    assert least == sorted(least)
    assert cost.efficiency(cost.Work((784, 512, 10), least[2], 64), machine, network) >= 0.9
    assert cost.least_rows((784, 512, 10), 64, machine, cost.Network(1, 1), 0.9) is None


def test_the_fit_finds_known_constants(cost):
    machine = cost.Machine(9e-12, 4e-9, 8e-10, 1.6e-9, 1.4e-9, cores=2)
    network = cost.Network(4e-4, 8e-10)
    works = [work for work, _ in cost.read()]
    found = cost.fitted([(work, cost.parts(work, machine, network)) for work in works], cores=2)
    for one, other in zip(found, (machine, network), strict=True):
        assert list(vars(one).values()) == pytest.approx(list(vars(other).values()), rel=1e-6)


def test_measured_steps_lie_on_the_model_and_64_ranks_reach_the_efficiency_the_page_names(cost, figure):
    fitted, here = figure.machine()
    ratios = [cost.seconds(work, fitted, here) / sum(found.values()) for work, found in cost.read()]
    close = sum(abs(ratio - 1) < 0.15 for ratio in ratios)
    assert close >= 14 and max(abs(ratio - 1) for ratio in ratios) < 0.2
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert figure.table() in page
    assert f"{close} of the {len(ratios)} steps" in page
    work = cost.Work(figure.LAYERS["784-1024x3-10"], 1024, 64)
    assert cost.efficiency(work, figure.elsewhere(fitted), figure.NETWORKS["100 Gbit/s InfiniBand"]) >= 0.9


def test_the_figure_is_drawn(figure, tmp_path):
    pytest.importorskip("matplotlib")
    figure.draw(tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes()[:4] == b"\x89PNG"
