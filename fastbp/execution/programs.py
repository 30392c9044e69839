"""The programs that the fast plan runs for a network, and all kernels of them, which can be compiled ahead.

What the phases of a program are is decided in kernels/program/phases.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..kernels.program.phases import Kernel, Program, backward_phases, forward_phases, in_blocks, update_phases
from ..network import Network


def training(network: Network, rule: str, descends: bool, prefetches: bool = False) -> Program:
    """Return the program of a step by a rule.

    `descends` says that the backward pass updates the parameters itself, `prefetches` that the first layer's asks for
    the rows of the next minibatch.
    """
    stack = network.stack._replace(dropped=[share > 0 for share in network.dropouts])
    update = () if descends else update_phases(rule, network.clip_norm < math.inf)
    return Program(
        forward_phases(stack, "", Kernel("loss", network.loss.key)), backward_phases(stack, prefetches), update
    )


def gradients(network: Network) -> Program:
    """Return the program of a step that ends with the gradients: nothing is dropped or updated."""
    stack = network.stack
    forward = forward_phases(stack, "", Kernel("loss", network.loss.key))
    return Program(forward, backward_phases(stack), update_phases(None, False))


def outputs(network: Network, last: str, product: str = "linear_forward") -> Program:
    """Return the program of a forward pass that ends in the kernel "predict" or "loss"; `product` as in phases.py."""
    of = network.loss.link if last == "predict" else network.loss.key
    return Program(forward_phases(network.stack, "", Kernel(last, of), product))


def gathering(program: Program, X_dtype: np.dtype) -> Program:
    """Return the program for rows of this dtype."""
    first = program.forward[0]._replace(kernels=(Kernel("gather", X_dtype.name),))
    return program._replace(forward=(first, *program.forward[1:]))


def all_kernels(network: Network, rule: str) -> set[Kernel]:
    """Return the kernels that training by a rule, gradients, predictions and scores need, but for those that gather."""
    steps = [training(network, rule, False, True), gradients(network)]
    predicts = outputs(network, "predict"), outputs(network, "predict", "linear_in_place")
    programs = [*steps, *predicts, *(part for step in steps for part in in_blocks(step))]
    return {kernel for program in programs for kernel in _kernels(program) if kernel.name != "gather"}


def _kernels(program: Program) -> Iterator[Kernel]:
    for phases in program:
        for phase in phases:
            yield from phase.kernels
            if phase.closing:
                yield phase.closing
