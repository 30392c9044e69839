"""The examples in docstrings of tables give what they say, and public functions say what they take."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import fastbp.tables


@pytest.mark.parametrize("name", ["columns", "kinds", "reading", "targets"])
def test_examples_give_what_they_say(name, tmp_path, monkeypatch):
    pytest.importorskip("polars")
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(f"fastbp.tables.{name}"))
    assert found.attempted and not found.failed


@pytest.mark.parametrize("path", sorted(Path(fastbp.tables.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_what_modules_offer_each_other_is_documented(path):
    module = importlib.import_module(f"fastbp.tables.{path.stem}".removesuffix(".__init__"))
    assert module.__doc__
    for name, value in vars(module).items():
        if inspect.isroutine(value) and value.__module__ == module.__name__ and not name.startswith("_"):
            assert inspect.getdoc(value), name
