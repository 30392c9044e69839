"""Records of the entry points besides a network's state: parameters, the order of rows, one row, helpers, the CPU."""

from __future__ import annotations

from ..entries.records import Array, Layout, Table
from .state import LAYER

PACKING = Layout("packing", {
    "status": "i8",
    "panels": Array("T"),  # parameters in panels, or what is as long: a gradient, a vector of the optimizer's state
    "flat": Array("T"),  # W and the vectors of each layer, one behind the other
    "halves": Array("i4"),  # the panels rounded to bfloat16, in pairs (bfloat16/rounding.py)
    "layers": Table(LAYER), "n_layers": "i8",
})  # fmt: skip

SHUFFLE = Layout("shuffle", {"status": "i8", "order": Array("i8"), "key": "i8"})

ROW = Layout("row", {
    "status": "i8",
    "tasks": "i8", "done": "i8", "arrived": "i8",  # see engine/team.py
    "rows": "i8", "row": "i8", "layer": "i8",  # how many rows there are, and the present row and layer
    "n_layers": "i8",
    "sizes": Array("i8"),  # inputs, hidden units, outputs
    "weights": Array("i8"), "biases": Array("i8"),  # of each layer the addresses of W and b, with a vector behind b
    "slopes": Array("i8"),  # likewise of an activation's parameter
    "tails": Array("i8"), "tail_rows": Array("i8"),  # copies of the last rows of W: where they stand, and how many
    "activations": Array("i8"),  # of each layer the address of what applies F, or 0
    "rectifies": Array("i8"),  # of each layer whether ReLU is done with the product
    "output": "i8",  # address of what makes z of the last layer's t
    "splits": Array("i8"),  # into how many tasks each layer is split
    "z": Array("T"), "x": Array("T"),  # of all rows, one behind the other
    "h": Array("T"),  # room for two layers' outputs and what activations keep, each with a vector more
    "backwards": "i8",  # whether columns are taken from the last on: in every second row: what was read last is cached
    "finite": "i8",  # whether all of x and z is; where x is not, z is not written
}, alone=("tasks", "done", "arrived"))  # fmt: skip
ROOM = 16  # elements behind parameters that the last vector may reach into

HELPER = Layout("helper", {
    "status": "i8",
    "stage": "i8",  # what the helper does now: see engine/helpers.py
    "work": "i8", "record": "i8",  # the entry point to run, and its record
    "patience": "i8",  # pauses without work before it sleeps
    "acquire": "i8", "release": "i8",  # addresses of Python's functions of a lock
    "lock": "i8",  # the address of that which it sleeps on; taken, except between its release and its waking
}, alone=("stage",))  # fmt: skip

LAUNCH = Layout("launch", {
    "status": "i8",
    "work": "i8", "record": "i8",  # the entry point, and its record
    "helpers": Array("i8"),  # addresses of their records
    "n_helpers": "i8",  # how many of them take part
})  # fmt: skip

IDENTITY = Layout("identity", {"status": "i8", "leaf": "i8", "a": "i8", "b": "i8", "c": "i8", "d": "i8"})
