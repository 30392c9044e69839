"""The names that completion and type checkers see: the public ones and no others."""

import ast
import importlib
import inspect
import subprocess
import sys
import types
import typing
import warnings

import numpy as np
import pytest

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.losses import ALL as LOSSES
from fastbp.kernels.optimizers import ALL as OPTIMIZERS

MODULES = "activations", "callbacks", "data", "losses", "optimizers", "plot", "schedules", "sklearn"


@pytest.mark.parametrize("name", ["", *MODULES])
def test_dir_shows_the_public_names_and_no_others(name):
    for needed in {"plot": ["matplotlib"], "sklearn": ["sklearn"]}.get(name, []):
        pytest.importorskip(needed)
    module = importlib.import_module(f"fastbp.{name}" if name else "fastbp")
    shown = [*module.__all__, *([] if name else ["sklearn"])]  # which a star import leaves out
    assert dir(module) == sorted(shown) and len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, each) for each in module.__all__)


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["sklearn", "matplotlib"]))  # which then cannot be imported
sklearn = "a name of one's own"
from fastbp import *
print(Model([2, 3], seed=0).layer_sizes, optimizers.Adam(0.1).name, sklearn)
"""


def test_a_star_import_needs_no_extra_and_hides_no_module(run_python):
    assert run_python("-W", "error", "-c", WITHOUT).stdout == "(2, 3) adam a name of one's own\n"


def test_modules_offer_all_that_is_listed():
    assert {name.upper() for name in ACTIVATIONS} <= set(fastbp.activations.__all__)
    assert {kind.__name__ for kind in LOSSES} <= set(fastbp.losses.__all__)
    assert {kind.__name__ for kind in OPTIMIZERS} <= set(fastbp.optimizers.__all__)
    for name, F in ACTIVATIONS.items():
        assert getattr(fastbp.activations, name.upper()) is F
    for module, kinds in (fastbp.losses, LOSSES), (fastbp.optimizers, OPTIMIZERS):
        assert all(getattr(module, kind.__name__) is kind for kind in kinds)


def test_a_name_that_is_nearly_right_is_suggested():
    with pytest.raises(AttributeError, match="no attribute 'lod'; did you mean 'load'"):
        fastbp.lod  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'qqqqq'$"):
        fastbp.qqqqq  # noqa: B018
    assert not hasattr(fastbp, "nothing_like_it")


GOOD = """
import fastbp
history: fastbp.History = fastbp.Model([2, 2], optimizer=fastbp.optimizers.Adam(0.1)).fit([[1, 2]], [0])
fastbp.load("x").score([[1, 2]], [0]) + history.loss[0]
fastbp.warmup(); fastbp.find_learning_rate; fastbp.profile; fastbp.assert_vectorized; fastbp.DivergenceError
fastbp.losses.Huber(0.5); fastbp.losses.PointLoss; fastbp.activations.RELU; fastbp.schedules.Cosine
fastbp.callbacks.EarlyStopping(); fastbp.plot.history; fastbp.sklearn.MLPClassifier
"""
BAD = [
    'fastbp.lod("x")', "fastbp.losses.Hubber()", "fastbp.optimizers.Adm()", "fastbp.activations.RELO",
    "fastbp.callbacks.EarlyStoping()", "fastbp.plot.histry", "history.los", 'fastbp.load("x").fitt',
    'fastbp.Model([1, 2], seed="a")',
]  # fmt: skip


def test_type_checkers_find_what_is_not_there_and_nothing_else(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(GOOD + "\n".join(BAD) + "\n")
    options = ["--ignore-missing-imports", "--config-file=", "--cache-dir", str(tmp_path), "--no-error-summary"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--follow-imports=silent", str(tmp_path / "script.py")],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    lines = [int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line]
    assert lines == [GOOD.count("\n") + 1 + number for number in range(len(BAD))], done.stdout + done.stderr


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_parameters_of_estimators_that_type_checkers_see_are_those_there_are(name):
    estimators = pytest.importorskip("fastbp.sklearn")
    tree = ast.parse(inspect.getsource(estimators))
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    seen = next(node for node in ast.walk(kind) if isinstance(node, ast.FunctionDef)).args
    given = seen.args[-len(seen.defaults) :], seen.defaults, seen.kwonlyargs, seen.kw_defaults
    defaults = {arg.arg: ast.literal_eval(value) for args, values in zip(given[::2], given[1::2], strict=True)
                for arg, value in zip(args, values, strict=True)}  # fmt: skip
    real = inspect.signature(getattr(estimators, name)).parameters
    assert defaults == {key: value.default for key, value in real.items()}
    keywords = [key for key, value in real.items() if value.kind is value.KEYWORD_ONLY]
    assert [arg.arg for arg in seen.kwonlyargs] == keywords and all(arg.annotation for arg in seen.kwonlyargs)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_attributes_of_estimators_that_type_checkers_see_are_those_there_are(name):
    kind = getattr(pytest.importorskip("fastbp.sklearn"), name)
    from fastbp.sklearn.documentation import Attributes

    X, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40) % 2
    estimator = kind(hidden_layer_sizes=(4,), max_iter=2, tol=0, n_iter_no_change=9, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two epochs are too few
        estimator.set_params(early_stopping=True).fit(X, y)
    seen = typing.get_type_hints(Attributes)
    of_one = {"loss", "delta", "class_weight", "label_smoothing"}  # parameters of one of the two
    assert set(inspect.signature(kind).parameters) - of_one <= seen.keys()
    for attribute, told in seen.items():
        value = getattr(estimator, attribute)
        kinds = [
            typing.get_origin(one) or one
            for one in (typing.get_args(told) if isinstance(told, types.UnionType) else [told])
        ]
        kinds += [int] * (float in kinds)  # as type checkers have it
        assert told is typing.Any or isinstance(value, tuple(kinds)), (attribute, value, told)
