"""Draws weak scaling as step_cost.py has it, and prints the table of README.md."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import step_cost
from step_cost import Machine, Network, Work

PICTURE = Path(__file__).parents[2] / ".github" / "pictures" / "scaling.png"
CORES = 2  # of the machine of measured.json
NETWORKS = {
    "10 Gbit/s Ethernet": Network(30e-6, 8 / 10e9),
    "100 Gbit/s InfiniBand": Network(2e-6, 8 / 100e9),
}  # latencies and bandwidths as vendors have them, not measured here
LAYERS = {
    "784-100-10": (784, 100, 10),
    "784-1024x3-10": (784, 1024, 1024, 1024, 10),
    "784-4096x3-10": (784, 4096, 4096, 4096, 10),
}
RANKS = 8, 64, 512
WANTED = 0.9


def machine() -> tuple[Machine, Network]:
    """Return the machine and network fitted to what was measured."""
    return step_cost.fitted(step_cost.read(), CORES)


def elsewhere(fitted: Machine) -> Machine:
    """Return nodes with a core like those measured for each rank."""
    from dataclasses import replace

    return replace(fitted, cores=10**9)


def table() -> str:
    """Return from how many rows of each rank on the efficiency is at least as wanted."""
    one = elsewhere(machine()[0])
    lines = ["| network | layers | 8 ranks | 64 ranks | 512 ranks |", "| --- | --- | --- | --- | --- |"]
    for name, network in NETWORKS.items():
        for layers, sizes in LAYERS.items():
            least = [step_cost.least_rows(sizes, ranks, one, network, WANTED) for ranks in RANKS]
            lines.append(f"| {name} | {layers} | {' | '.join('never' if n is None else f'{n:,}' for n in least)} |")
    return "\n".join(lines)


def draw(path: Any) -> None:
    """Draw the efficiency of each network, and the measured points beside the model on this machine."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fitted, here = machine()
    one, counts = elsewhere(fitted), [2**k for k in range(10)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for work, found in step_cost.read():
        x, y = step_cost.seconds(work, fitted, here) * 1e3, sum(found.values()) * 1e3
        left.plot(x, y, "o", color=f"C{work.ranks + 2}", label=f"{work.ranks} rank{'s' * (work.ranks > 1)}")
    ends = left.get_xlim()
    left.plot(ends, ends, color="0.6", lw=1, zorder=0)
    left.set(xscale="log", yscale="log", xlabel="step of the model (ms)", ylabel="measured (ms)")
    left.set_title("ranks on two cores", fontsize=10)
    handles, names = left.get_legend_handles_labels()
    left.legend(dict(zip(names, handles, strict=True)).values(), dict.fromkeys(names), frameon=False)
    for colour, (layers, sizes) in enumerate(LAYERS.items()):
        for style, network in zip(("-", "--"), NETWORKS.values(), strict=True):
            curve = [step_cost.efficiency(Work(sizes, 4096, n), one, network) for n in counts]
            right.plot(counts, curve, style, color=f"C{colour}", label=layers if style == "-" else None)
    right.set(xscale="log", xlabel="ranks", ylabel="efficiency", ylim=(0, 1.05))
    right.set_xticks(counts, map(str, counts))
    right.minorticks_off()
    right.set_title("weak scaling, 4,096 rows a rank (dashed: InfiniBand)", fontsize=10)
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    draw(PICTURE)
    print(table())
