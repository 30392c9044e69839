"""Entries of activations, losses and optimizers, made from their lists: a new one is entered by being listed."""

import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

from ..activations import ACTIVATIONS
from ..entries.typed import Function
from ..fast.losses import make_output
from ..losses import POINT_LOSSES
from ..optimizers import OPTIMIZERS, RULES
from ..specification.pointwise import (
    ACTIVATION_LOOPS,
    DERIVATIVE_LOOPS,
    GROUP_UPDATE_LOOPS,
    LOSS_LOOPS,
    PARAMETER_LOOPS,
    UPDATE_LOOPS,
)
from ..tasks.group_update import make_update_groups
from ..tasks.single_row import make_row_activation, make_row_output
from . import adapters, row_adapters
from .entry import Entry

TARGETS = {(0.0, 1.0): "z:BO", (0.0, math.inf): "v:BO"}  # y of a loss, by its domain
OUTPUTS = {"logistic": "logistic", "identity": "identity", "exp": "exponential"}  # plain loop of a loss's link
STEP = 3  # number of the step that an update is tried as
MOMENTUM = 0.9  # in place of a setting that is 0 by default


def plain_entries(written: Collection[str]) -> dict[str, Entry]:
    """Return entries of the plain loops, by their names, but for those that are written out."""
    found = [*map(_activation, ACTIVATIONS.values()), *map(_derivative, ACTIVATIONS.values())]
    found += [_parameter(ACTIVATIONS[name]) for name in PARAMETER_LOOPS]
    found += [*(_loss(loss()) for loss in POINT_LOSSES.values()), *map(_update, RULES.values())]
    found += map(_group_update, RULES.values())
    return {entry.name: entry for entry in found if entry.name not in written}


def fast_entries(plain: dict[str, Entry]) -> Iterator[Entry]:
    """Yield entries of the fast kernels, given those of their references."""
    for name, F in ACTIVATIONS.items():
        slope = adapters.derivative_with_parameter if F.parameter else adapters.derivative
        yield fast_entry(plain, name, F.tile, partial(adapters.activation, F))
        yield fast_entry(plain, name, make_row_activation, partial(row_adapters.activation_row, F), "_row")
        yield fast_entry(plain, f"{name}_derivative", F.tile_derivative or F.tile, partial(slope, F))
        if F.parameter:
            adapter = partial(adapters.parameter_gradient, F)
            yield fast_entry(plain, f"{name}_parameter_backward", F.tile_df_parameter, adapter)
    first = {}
    for name, loss in POINT_LOSSES.items():
        first.setdefault(loss.link, loss())
        yield fast_entry(plain, name, loss.tile_error, partial(adapters.loss, loss()))
    for link, loss in first.items():
        yield fast_entry(plain, OUTPUTS[link], make_output, partial(adapters.output, loss), "_output")
        yield fast_entry(plain, OUTPUTS[link], make_row_output, partial(row_adapters.output_row, link), "_output_row")
    for name, rule in RULES.items():
        yield fast_entry(plain, f"{name}_update", rule.tile, partial(adapters.update, rule))
        yield fast_entry(plain, f"{name}_group_update", make_update_groups, partial(adapters.group_update, rule))


def fast_entry(plain: dict[str, Entry], name: str, kernel: Function, adapter: Function, ending: str = "") -> Entry:
    """Return the entry of a fast kernel: arguments and cost are those of its reference, the plain loop of this name."""
    return replace(plain[name], name=f"fast_{name}{ending}", kernel=kernel, reference=plain[name], adapter=adapter)


def _activation(F):
    arguments = "BO BO O" if F.parameter else "BO BO"
    return Entry(F.name, ACTIVATION_LOOPS[F.name], arguments, lambda B, I, O: F.flop * B * O)


def _derivative(F):
    loop, given = DERIVATIVE_LOOPS[F.name], f"{F.name}:BO" if F.of_h else "BO"
    arguments = f"BO {given} O" if F.parameter else f"BO {given}"
    return Entry(loop.__name__, loop, arguments, lambda B, I, O: F.derivative_flop * B * O)


def _parameter(F):
    loop = PARAMETER_LOOPS[F.name]
    return Entry(loop.__name__, loop, "O BO BO O", lambda B, I, O: (F.derivative_flop + 2) * B * O)


def _loss(loss):
    numbers = map(str, loss.numbers)
    arguments = " ".join(["BO", "B", "BO", TARGETS.get(loss.domain, "BO"), *numbers])
    return Entry(loss.name, LOSS_LOOPS[loss.name], arguments, lambda B, I, O: loss.flop * B * O)


def _update(rule):
    """The settings are the optimizer's own, running numbers as they are after some steps."""
    optimizer = next(made() for made in OPTIMIZERS.values() if rule in made.rules)
    given = {name: getattr(optimizer, name) for name in rule.fields}
    settings = {name: float(value) if isinstance(value, bool) else value or MOMENTUM for name, value in given.items()}
    numbers = SimpleNamespace(**settings, **dict(rule.running))
    for step in range(1, STEP + 1) if rule.advance else ():
        rule.advance(numbers, step)
    values = "".join(f"{getattr(numbers, name)}," for name in (*settings, *dict(rule.running)))
    slots = ("v:IO*" if slot == "v" else "IO*" for slot in rule.slots)  # v is a mean of squares
    arguments = " ".join(["IO*", *slots, "IO*", f"f8:{values or ','}", f"f8:{optimizer.learning_rate}", f"i8:{STEP}"])
    loop = UPDATE_LOOPS[rule.name]
    return Entry(loop.__name__, loop, arguments, lambda B, I, O: rule.flop * I * O)


def _group_update(rule):
    """As `_update`, with a factor of the rate and a sigma."""
    loop, plain = GROUP_UPDATE_LOOPS[rule.name], _update(rule)
    return Entry(loop.__name__, loop, f"{plain.arguments} f8:0.5 0.3", lambda B, I, O: (rule.flop + 3) * I * O)
