"""Strategies for model files: settings of any kind under a true checksum, and files that are damaged on purpose."""

import copy
import hashlib
import json
import re
import struct
from functools import cache

import numpy as np
from damaged import damaged, seeds
from hypothesis import strategies as st

import fastbp
from fastbp.files import models

KINDS = {
    "classes": (
        [3, 4, 2],
        {"class_names": ["no", "yes\n"], "feature_names": ["a", "b", "c"], "input_scale": [1, 2, 3]},
    ),
    "numbers": ([2, 1], {"loss": "squared_error", "dtype": "float64", "input_shift": 0.5}),
    "layers": ([3, 5, 4, 3], {"optimizer": "adam", "layer_norm": True, "activation": ["prelu", "tanh"], "l2": 0.1}),
    "yes": ([3, 2, 1], {"loss": "binary_cross_entropy", "kernels": "elementwise", "clip_norm": 1.0}),
}
VALUES = [
    *(
        None,
        True,
        -1,
        0,
        1,
        2,
        3,
        4,
        2**31,
        2**53,
        2**63,
        2**64,
        10**40,
        0.5,
        1e308,
        1e-320,
        float("nan"),
        float("inf"),
    ),
    *(
        "",
        "x",
        "relu",
        "tanh",
        "float64",
        "float32",
        "F16",
        "I64",
        "adam",
        "elementwise",
        "\0",
        "\ud800",
        "1" * 5000,
        "1",
    ),
    *([], {}, [1], [[]], [0.5, 0.5], ["a"], [2, 1], [3, 4, 2], [3, 10**9, 2], [10**6, 10**6], {"name": "sgd"}, "yes"),
    *(
        {"name": "huber", "delta": -1},
        [1] * 3000,
        {"name": []},
        {"name": "adam", "beta_1": 1e400},
        [None] * 3,
        "[" * 2000,
    ),
]
SETTINGS = ["x", "layers.0.weight", "layers.9.bias", "momentum", "input.scale", "learning_rate", "seed", "n_threads"]


@cache
def model(kind):
    """Return the file of a trained model."""
    sizes, settings = KINDS[kind]
    made = fastbp.Model(sizes, seed=0, **settings)
    y = np.arange(6) % 2 if made.network.classifies else np.arange(6.0)
    made.fit(np.arange(6 * sizes[0]).reshape(6, -1) / 6, y, epochs=1, batch_size=3, verbose=0)
    return b"".join(models._packed(made))


def signed(text, body):
    """Return a model file of this header, with its length and a true checksum."""
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + body
    place = re.search(rb'"sha256": ?"([0-9a-f]{64})"', data)
    if place is None:
        return data
    start, end = place.span(1)
    blank = data[:start] + b"0" * 64 + data[end:]
    return data[:start] + hashlib.sha256(blank).hexdigest().encode() + data[end:]


def places(tree, path=()):
    """Return the paths of all that is within nested dicts and lists."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:9]) if isinstance(tree, list) else ()
    return [p for key, value in items for p in ((*path, key), *places(value, (*path, key)))]


def changed(draw, tree):
    """Change one place of nested dicts and lists: another value, none, or one more."""
    *above, last = draw(st.sampled_from(places(tree)))
    for key in above:
        tree = tree[key]
    how, value = (
        draw(st.sampled_from(["set", "set", "drop", "add", "near"])),
        copy.deepcopy(draw(st.sampled_from(VALUES))),
    )
    if how == "drop":
        del tree[last]
    elif how == "near" and type(tree[last]) in (int, float):
        tree[last] += draw(st.sampled_from([-1, 1, 8]))
    elif how == "near" and isinstance(tree[last], str):
        tree[last] = tree[last][: draw(st.integers(0, len(tree[last])))]
    elif how == "add" and isinstance(tree, dict):
        tree[draw(st.sampled_from(SETTINGS))] = value
    else:
        tree[last] = value


@st.composite
def model_files(draw):
    data, chance = model(draw(st.sampled_from(sorted(KINDS)))), draw(seeds)
    end = 8 + int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:end]), data[end:]
    contents = []
    for how in draw(st.lists(st.sampled_from(["header", "config", "config", "random"]), min_size=4, max_size=4)):
        other = copy.deepcopy(header)
        if how == "header":
            changed(draw, other)
        else:
            inner = json.loads(header["__metadata__"][how])
            changed(draw, inner)
            other["__metadata__"][how] = json.dumps(inner)
        contents.append(signed(json.dumps(other).encode(), body))
    contents += [signed(damaged(chance, data[8:end]), body) for _ in range(4)]
    contents += [signed(data[8:end], damaged(chance, body)) for _ in range(2)]
    for value in draw(st.sampled_from([0, 1e-40, 1e38, -1e38, float("nan"), float("inf")])), 1.0:
        place = chance.randrange(len(body) // 4) * 4
        contents.append(signed(data[8:end], body[:place] + struct.pack("<f", value) + body[place + 4 :]))
    return [*contents, *(damaged(chance, data) for _ in range(3)), draw(st.binary(max_size=30))]
