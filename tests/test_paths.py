"""What is no path is refused by the name of its argument, wherever a file is read or written."""

from importlib.util import find_spec

import pytest

import fastbp
from fastbp.files import datasets
from fastbp.inspection.profiler import saved
from fastbp.plot import canvas
from fastbp.tables import reading


@pytest.mark.parametrize("given", [b"model", 3, None, ["model"]], ids=repr)
def test_what_is_no_path_is_refused_by_name(given):
    model, told = (
        fastbp.Model([2, 3, 2], seed=0),
        f"must be a string or path-like, got .* of type {type(given).__name__}",
    )
    calls = [model.save, fastbp.load, model.to_onnx, datasets.read, reading.read, saved.read]
    for call in calls if find_spec("onnx") else set(calls) - {model.to_onnx}:
        with pytest.raises(TypeError, match=f"path {told}"):
            call(given)
    with pytest.raises(TypeError, match=f"source {told}"):
        datasets.read_inputs(given, 2)
    if find_spec("matplotlib"):
        with pytest.raises(TypeError, match=f"path {told}"):
            canvas.check_path(given)
