"""The programs that the fast plan runs for a network, and all kernels of them, which can be compiled ahead.

What the phases of a program are is decided in kernels/program/phases.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.samples import Samples
from ..data.sparse import SparseRows
from ..kernels.program.phases import (
    Entries,
    Kernel,
    Program,
    backward_phases,
    forward_phases,
    in_bfloat16,
    in_blocks,
    on_entries,
    update_phases,
)
from ..kernels.program.state import CSR_DTYPES
from ..network import Network

UPDATE_FLOP = 8.0  # of a parameter in a step on sparse rows, which takes as long as its products or longer
MOST_DENSITY = 0.25  # share of entries above which rows are sooner made dense


def training(network: Network, rule: str, descends: bool, prefetches: bool = False) -> Program:
    """Return the program of a step by a rule.

    `descends` says that the backward pass updates the parameters itself, `prefetches` that the first layer's asks for
    the rows of the next minibatch.
    """
    stack = network.stack._replace(dropped=network.with_embedding([share > 0 for share in network.dropouts], False))
    update = () if descends else update_phases(rule, network.clip_norm < math.inf, network.grouped)
    return Program(
        forward_phases(stack, "", Kernel("loss", network.loss.key)), backward_phases(stack, prefetches), update
    )


def gradients(network: Network) -> Program:
    """Return the program of a step that ends with the gradients: nothing is dropped or updated."""
    stack = network.stack
    forward = forward_phases(stack, "", Kernel("loss", network.loss.key))
    return Program(forward, backward_phases(stack), update_phases(None, False, network.grouped))


def outputs(network: Network, last: str, product: str = "linear_forward") -> Program:
    """Return the program of a forward pass that ends in the kernel "predict" or "loss"; `product` as in phases.py."""
    of = network.loss.link if last == "predict" else network.loss.key
    mean = (Kernel("merge_members", network.loss.link),) if network.n_members > 1 else ()
    return Program(forward_phases(network.stack, "", *mean, Kernel(last, of), product=product))


class Intake:
    """How the rows of a call come into a network, and what one of them costs.

    Attributes
    ----------
    entries : Entries or None
        Of sparse rows; None for other rows, and for those that are converted before.
    sparse, shifted : bool
        Whether the first layer works on entries, and whether x is more than these in every row.
    converts : bool
        Whether rows are converted before a call, as compiled code cannot read them.
    each : float or None
        Entries of a row on average, where the first layer works on them.
    products : int
        Multiplications of a row on its way forward.
    least_flop : float
        Of a step, whatever its rows.
    """

    sparse: bool
    shifted: bool
    converts: bool
    each: float | None
    products: int
    least_flop: float

    def __init__(self, samples: Samples, network: Network) -> None:
        X: Any = samples.X
        self.entries: Entries | None = None
        self._X, self.products, self.least_flop = X, network.products, 0.0
        if isinstance(X, SparseRows):
            dense = X.density > MOST_DENSITY or network.grouped
            shifted = samples.shift is not None and bool(np.any(samples.shift))
            if not (dense and shifted):  # a shift changes every number, which no kernel does that makes rows dense
                self.entries = Entries(X.dtypes, dense, shifted)
        self.sparse = self.entries is not None and not self.entries.dense
        self.shifted = self.entries is not None and self.entries.shifted
        self.converts = self.entries is None and not samples.direct
        self.each = X.nonzeros / len(X) if self.sparse else None
        if self.each is not None:
            I, O = network.shapes[0]
            self.products += O * (math.ceil(self.each) - I)
            self.least_flop = UPDATE_FLOP * network.n_parameters

    def room(self, batch_size: int, in_order: bool) -> int:
        """Return the most entries of minibatches of so many rows, in their order or any, or -1 for dense rows."""
        return self._X.most(batch_size, in_order) if self.sparse else -1


def gathering(program: Program, rows: np.dtype | Entries, precision: str | None = None) -> Program:
    """Return the program for rows of this dtype, or sparse ones, and products of this precision."""
    if isinstance(rows, Entries):
        program = on_entries(program, rows)
    else:
        first, *rest = program.forward
        first = first._replace(kernels=(Kernel("gather", rows.name), *first.kernels[1:]))
        program = program._replace(forward=(first, *rest))
    return in_bfloat16(program) if precision else program


def all_kernels(network: Network, rule: str) -> set[Kernel]:
    """Return the kernels that training by a rule, gradients, predictions and scores need, but for those that gather."""
    steps = [training(network, rule, False, True), gradients(network)]
    predicts = outputs(network, "predict"), outputs(network, "predict", "linear_in_place")
    blocks = [] if network.precision else [part for step in steps for part in in_blocks(step)]
    programs = [*steps, *predicts, *blocks]
    descent = [training(network, rule, True)] if rule == "sgd" else []
    for dtypes in CSR_DTYPES:
        dense = (Entries(dtypes, True),)
        ways = dense if network.grouped else (*dense, Entries(dtypes, False), Entries(dtypes, False, True, True))
        sparse = [on_entries(program, way) for program in (*steps, *descent, predicts[0]) for way in ways]
        programs = [*programs, *sparse]
    if network.precision:
        programs = list(map(in_bfloat16, programs))
    return {kernel for program in programs for kernel in _kernels(program) if kernel.name != "gather"}


def _kernels(program: Program) -> Iterator[Kernel]:
    for phases in program:
        for phase in phases:
            yield from phase.kernels
            if phase.closing:
                yield phase.closing
