"""What a compiled kernel's file is named by: its code, and all that changes compiled code."""

import re
from types import CodeType, FunctionType, SimpleNamespace

import pytest
from compiled_anew import hits_and_misses

from fastbp.kernels.compiler import jit
from fastbp.kernels.library import settings


def plainly(a):
    return a * 2.0


def within(a):
    def inner(b):
        return b * 2.0

    return inner(a)


def of_constant(function, constant):
    """The function with this constant in the place of 2.0, also in functions within it."""

    def changed(code):
        consts = (constant if c == 2.0 else changed(c) if isinstance(c, CodeType) else c for c in code.co_consts)
        return code.replace(co_consts=tuple(consts))

    return FunctionType(changed(function.__code__), globals(), function.__name__)


def made(constant):
    """Functions that differ in a constant alone: of their own, of a function within, and of one enclosed."""
    factor = jit.jit(of_constant(plainly, constant), kept=False)

    def enclosing(a):
        return factor(a)

    return [of_constant(plainly, constant), of_constant(within, constant), enclosing]


@pytest.mark.parametrize("which", range(3))
def test_functions_that_differ_in_a_constant_have_their_own_files(kernel_folder, which):
    assert hits_and_misses(made(2.0)[which], 1.0) == (0, 1)
    assert hits_and_misses(made(3.0)[which], 1.0) == (0, 1)
    assert hits_and_misses(made(2.0)[which], 1.0) == (1, 0)
    assert len(list(kernel_folder.iterdir())) == 2


def test_names_of_files_are_such_on_every_system(kernel_folder):
    assert hits_and_misses(lambda a: a + 1, 1.5) == (0, 1)
    (path,) = kernel_folder.iterdir()
    assert re.fullmatch(r"[\w.]+", path.name) and ".in._lambda_.serial." in path.name


def test_a_switch_that_only_numbas_configuration_knows_is_refused(run_python, tmp_path):
    asked = "import numba; numba.config.BOUNDSCHECK = 1; import fastbp.kernels.compiler.jit"
    done = run_python("-c", asked, check=False, NUMBA_CACHE_DIR=str(tmp_path))
    told = "ImportError: numba.config.BOUNDSCHECK is 1 and the variable NUMBA_BOUNDSCHECK says otherwise: set"
    assert told in done.stderr and "set NUMBA_BOUNDSCHECK=1 in the environment" in done.stderr


@pytest.mark.parametrize("name", ["BOUNDSCHECK", "DISABLE_JIT"])
def test_each_switch_is_compared_both_ways(name, monkeypatch):
    config = SimpleNamespace(BOUNDSCHECK=None, DISABLE_JIT=0)  # as Numba has them by default
    monkeypatch.setattr(settings, "BOUNDSCHECK", False)
    monkeypatch.setattr(settings, "INTERPRETED", False)
    settings.check_switches(config)
    setattr(config, name, 1)
    with pytest.raises(ImportError, match=f"set NUMBA_{name}=1"):
        settings.check_switches(config)
    monkeypatch.setattr(settings, {"DISABLE_JIT": "INTERPRETED"}.get(name, name), True)
    settings.check_switches(config)
    setattr(config, name, 0)
    with pytest.raises(ImportError, match=f"set NUMBA_{name}=0"):
        settings.check_switches(config)


@pytest.mark.parametrize("name", jit.CODE_VARIABLES)
def test_variables_that_change_code_are_in_the_key(name, monkeypatch):
    before = jit.source_key.__wrapped__()
    monkeypatch.setattr(jit.config, name, "another", raising=False)
    assert jit.source_key.__wrapped__() != before
