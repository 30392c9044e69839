"""Public names have docstrings with parameters, results and examples, and the examples give what they say."""

import doctest
import importlib
import inspect
import re

import pytest

import fastbp
from fastbp.kernels.entries.loss import Points

POINTS = Points.__annotations__.keys()  # of an entry's formulas, which its docstring shows
MODULES = "activations", "callbacks", "data", "losses", "optimizers", "plot", "schedules", "sklearn"
WITHOUT = fastbp.losses.Loss, fastbp.optimizers.Optimizer, fastbp.Profile  # others show how to get one


def module(name):
    if name == "sklearn":
        pytest.importorskip("sklearn")
    if name == "plot":
        pytest.importorskip("matplotlib")
    if name == "data":
        pytest.importorskip("pyarrow")
    return importlib.import_module(f"fastbp.{name}" if name else "fastbp")


def public(name):
    """Functions and classes that a module offers, by their names."""
    offered = module(name)
    members = {member: getattr(offered, member) for member in offered.__all__}
    return {member: value for member, value in members.items() if inspect.isroutine(value) or inspect.isclass(value)}


def methods(kind):
    """Public methods and properties of a class that this library defines, by their names."""
    for name in dir(kind):
        if name.startswith("_") or name in POINTS:
            continue
        value = inspect.getattr_static(kind, name)
        value = getattr(kind, name) if isinstance(value, staticmethod) or hasattr(value, "__get__") else value
        written = value.fget if isinstance(value, property) else value
        if getattr(written, "__module__", "").startswith("fastbp") and (inspect.isfunction(written)):
            yield name, value


def takes_arguments(function):
    return bool(inspect.signature(function).parameters.keys() - {"self"})


def overrides(kind, name):
    """Whether a base class, whose docstring says more, has this method, too."""
    return sum(name in vars(base) for base in kind.__mro__) > 1


def section(doc, title):
    return re.search(rf"^ *{title}\n *-{{{len(title)}}}$", doc, re.MULTILINE)


@pytest.mark.parametrize("name", ["", *MODULES])
def test_examples_give_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    documented = {name or "fastbp": module(name)} | public(name)
    for kind in filter(inspect.isclass, public(name).values()):
        documented |= {f"{kind.__name__}.{member}": value for member, value in methods(kind)}
    for member, value in documented.items():
        for test in finder.find(value, member, module=False):
            runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("name", ["", *MODULES])
def test_public_names_have_examples(name):
    without = [
        member
        for member, value in public(name).items()
        if ">>>" not in (value.__doc__ or "") and value not in WITHOUT and name != "plot"
    ]
    assert not without


@pytest.mark.parametrize("name", ["", *MODULES])
def test_public_functions_say_what_they_take_and_return(name):
    for member, value in public(name).items():
        doc = inspect.getdoc(value) or ""
        assert doc, member
        if takes_arguments(value) and not getattr(value, "_is_protocol", False):
            assert section(doc, "Parameters") or section(doc, "Attributes"), f"{member}: no parameters"
        if inspect.isfunction(value) and value.__annotations__.get("return") not in (None, "None"):
            assert section(doc, "Returns"), f"{member}: no result"


@pytest.mark.parametrize("name", ["", *MODULES])
def test_public_methods_say_what_they_take_and_return(name):
    for kind in filter(inspect.isclass, public(name).values()):
        for member, value in methods(kind):
            doc, where = inspect.getdoc(value), f"{kind.__name__}.{member}"
            assert doc, where
            if isinstance(value, property) or not takes_arguments(value) or overrides(kind, member):
                continue
            assert section(doc, "Parameters"), f"{where}: no parameters"
            if value.__annotations__.get("return") not in (None, "None"):
                assert section(doc, "Returns"), f"{where}: no result"
