"""A model of what a training step costs on N ranks: flop, memory, network latency and bandwidth.

A rank computes 6 flop a weight and row, writes and adds a gradient a block, and updates its share of the parameters.
It sends its share of the sums to their owners, of the parameters to all, and rows to the ranks that compute them: each
a message to each other rank, so a latency each. Ranks that share cores take turns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastbp.distributed import blocks

MEASURED = Path(__file__).with_name("measured.json")
NUMBER = 4  # bytes


@dataclass(frozen=True)
class Machine:
    """Seconds of a rank's parts.

    Parameters
    ----------
    flop : float
        For each multiplication or addition of the forward and backward pass.
    gradient : float
        For each parameter and block: its gradient is written.
    addition : float
        For each parameter of two gradients that are added.
    update : float
        For each parameter of the rank's share.
    row_byte : float
        For each byte of rows that are picked to be sent.
    cores : int
        Of a node; more ranks take turns.
    """

    flop: float
    gradient: float
    addition: float
    update: float
    row_byte: float
    cores: int


@dataclass(frozen=True)
class Network:
    """What messages cost: seconds each, and for each byte that a rank sends."""

    latency: float
    byte: float


@dataclass(frozen=True)
class Work:
    """A step: layers, rows of each rank, and ranks."""

    layers: tuple[int, ...]
    rows: int
    ranks: int

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum((inputs + 1) * outputs for inputs, outputs in zip(self.layers, self.layers[1:], strict=False))

    @property
    def blocks(self) -> list[range]:
        """The blocks of each rank."""
        count = blocks.count(self.rows * self.ranks)
        return [blocks.share(count, rank, self.ranks) for rank in range(self.ranks)]

    @property
    def most(self) -> int:
        """Most blocks of a rank."""
        return max(map(len, self.blocks))

    @property
    def computed(self) -> float:
        """Rows that the rank with the most blocks computes."""
        return self.most * self.rows * self.ranks / sum(map(len, self.blocks))

    @property
    def sent(self) -> float:
        """Bytes of the parameters that a rank sends, or receives, where each gets the others' shares."""
        return NUMBER * self.parameters * (self.ranks - 1) / self.ranks

    @property
    def sums(self) -> int:
        """Most sums of gradients that a rank sends shares of."""
        return max(len(blocks.nodes(each)) for each in self.blocks)

    @property
    def row_bytes(self) -> float:
        """Bytes of the rows that a rank sends."""
        return NUMBER * self.layers[0] * self.rows * (self.ranks - 1) / self.ranks


def parts(work: Work, machine: Machine, network: Network) -> dict[str, float]:
    """Return the seconds of each part of a step."""
    P, N = work.parameters, work.ranks
    turns = max(1.0, N / machine.cores)
    return {
        "compute": 6 * P * work.computed * machine.flop + P * work.most * machine.gradient,
        "sum": P * (work.most - work.sums) * machine.addition,
        "update": P / N * machine.update,
        "gradients": turns * (work.sums * ((N - 1) * network.latency + work.sent * network.byte) + P * machine.addition)
        if N > 1
        else 0.0,
        "parameters": turns * ((N - 1) * network.latency + work.sent * network.byte),
        "rows": turns * (2 * (N - 1) * network.latency + work.row_bytes * (network.byte + machine.row_byte)),
    }


def seconds(work: Work, machine: Machine, network: Network) -> float:
    """Return how long a step takes."""
    return sum(parts(work, machine, network).values())


def alone(layers: Sequence[int], rows: int, machine: Machine) -> float:
    """Return how long a step of so many rows takes in one process without ranks: in one block."""
    work = Work(tuple(layers), rows, 1)
    return work.parameters * (6 * rows * machine.flop + machine.gradient + machine.update)


def efficiency(work: Work, machine: Machine, network: Network) -> float:
    """Return the time of a process without ranks as a share of that of N, each with as many rows: weak scaling."""
    return alone(work.layers, work.rows, machine) / seconds(work, machine, network)


def least_rows(
    layers: Sequence[int], ranks: int, machine: Machine, network: Network, wanted: float
) -> int | None:  # fmt: skip
    """Return from how many rows a rank, a power of two, the efficiency is at least as wanted; None above 2^20."""
    for exponent in range(3, 21):
        if efficiency(Work(tuple(layers), 2**exponent, ranks), machine, network) >= wanted:
            return int(2**exponent)
    return None


def read() -> list[tuple[Work, dict[str, float]]]:
    """Return what step_times.py has measured."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    return [(Work(tuple(one["layers"]), one["rows"], one["ranks"]), one["parts"]) for one in found]


def fitted(measured: list[tuple[Work, dict[str, float]]], cores: int) -> tuple[Machine, Network]:
    """Return the machine and network whose steps differ least from those measured, in least squares of the ratios."""
    zero = Machine(0, 0, 0, 0, 0, cores), Network(0, 0)
    names = [(0, name) for name in ("flop", "gradient", "addition", "update", "row_byte")]
    names += [(1, name) for name in ("latency", "byte")]
    rows, targets = [], []
    for work, found in measured:
        columns = [parts(work, *_with(zero, place, name, 1.0)) for place, name in names]
        for part, time in found.items():
            if time > 0:
                whole = sum(found.values())  # a part counts by its share of the step
                rows.append([column[part] / whole for column in columns])
                targets.append(time / whole)
    solution = _not_negative(np.array(rows), np.array(targets))
    for (place, name), value in zip(names, solution.tolist(), strict=True):
        zero = _with(zero, place, name, value)
    return zero


def _with(both: tuple[Machine, Network], place: int, name: str, value: float) -> Any:
    """Return machine and network with another value of one field."""
    from dataclasses import replace

    change: Callable[[Any], Any] = lambda one: replace(one, **{name: value})  # noqa: E731
    return (change(both[0]), both[1]) if place == 0 else (both[0], change(both[1]))


def _not_negative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return x of least squares where none is negative: columns that would be are left out, the worst first."""
    kept, scale = list(range(A.shape[1])), np.abs(A).max(axis=0).clip(1e-300)
    while kept:
        x = np.linalg.lstsq(A[:, kept] / scale[kept], b, rcond=None)[0]
        if (x >= 0).all():
            break
        del kept[int(np.argmin(x))]
    solution = np.zeros(A.shape[1])
    solution[kept] = x / scale[kept]
    return solution
