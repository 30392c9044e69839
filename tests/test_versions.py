"""Too old libraries: one line that names the version needed."""

import re
from pathlib import Path

import pytest

from fastbp.kernels.entries import versions

OLD = """
import sys, {library}
{library}.__version__ = "{found}"
try:
    import {module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "found", "module", "needed"),
    [("numpy", "1.25.2", "fastbp", "1.26"), ("numba", "0.57.1", "fastbp.kernels.compiler.jit", "0.58")],
)
def test_a_too_old_library_is_named_with_the_version_needed(run_python, library, found, module, needed):
    told = run_python("-c", OLD.format(library=library, found=found, module=module)).stdout
    assert told == f"fastbp needs {library} {needed} or newer, found {found}: pip install -U {library}\n"


def test_a_too_old_scikit_learn_is_named_with_the_version_needed(run_python):
    pytest.importorskip("sklearn")
    told = run_python("-c", OLD.format(library="sklearn", found="1.2.2", module="fastbp.sklearn")).stdout
    assert re.fullmatch(r"fastbp.sklearn needs scikit-learn 1\.\d or newer, found 1\.2\.2: pip install -U .*\n", told)


@pytest.mark.parametrize("found", ["0.58.0", "0.58.1+dev", "0.100", "1.0.0rc1"])
def test_newer_versions_are_taken(found):
    versions.require("numba", found)


def test_the_floors_are_those_of_the_package():
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for library, oldest in versions.OLDEST.items():
        assert f'"{library}>={".".join(map(str, oldest))}"' in text
