"""The libraries that fastbp is compared with, for the tests of asv's peers and of the race."""

import importlib.util

PEERS = {  # what each class of peers.py, and each entrant of the race, imports
    "fastbp": ["fastbp"],
    "jax": ["jax"],
    "torch": ["torch"],
    "torch_compile": ["torch"],
    "sklearn": ["sklearn"],
    "onnxruntime": ["onnx", "onnxruntime"],
}


def installed(name):
    """Whether this peer can run here."""
    return all(importlib.util.find_spec(package) for package in PEERS[name])
