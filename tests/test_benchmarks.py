"""Every benchmark runs, every registered kernel has one, and results stay valid."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from racing import PEERS, installed

from fastbp.kernels.registry import KERNELS
from fastbp.kernels.registry.bfloat16 import BFLOAT16_KERNELS

ENTRIES = KERNELS | BFLOAT16_KERNELS
FOLDER = Path(__file__).parent.parent / "asv_benchmarks"
MODULES = ["kernels", "peers", "plain", "startup", "training"]


@pytest.fixture(scope="module")
def modules():
    """asv's modules by name, imported from the checkout as asv does."""
    before = sys.path.copy()
    spec = importlib.util.spec_from_file_location("benchmarks", FOLDER / "benchmarks" / "__init__.py")
    sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["benchmarks"])
    names = [path.stem for path in (FOLDER / "benchmarks").glob("[a-z]*.py")]
    yield {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    sys.path[:] = before
    for name in [name for name in sys.modules if name.partition(".")[0] in ("benchmarks", "libraries")]:
        del sys.modules[name]


def classes(module):
    things = [thing for name, thing in vars(module).items() if not name.startswith("_")]
    return [thing for thing in things if isinstance(thing, type) and thing.__module__ == module.__name__]


def run_once(cls, *params):
    """Set up and call all that asv would; return what was tracked."""
    benchmark = cls()
    if hasattr(benchmark, "setup"):
        benchmark.setup(*params)
    measured = [name for name in dir(benchmark) if name.startswith(("time_", "track_"))]
    assert measured
    tracked = [getattr(benchmark, name)(*params) for name in measured]
    if hasattr(benchmark, "teardown"):
        benchmark.teardown(*params)
    return tracked


def smallest(cls):
    return [values[0] for values in getattr(cls, "params", ())]


# ---- kernels: classes made from the registry


def test_every_kernel_has_one_benchmark_and_every_benchmark_a_kernel(modules):
    for module, fast in (("plain", False), ("kernels", True)):
        measured = [cls.kernel for cls in classes(modules[module])]  # a class name given twice would lose one
        assert sorted(measured) == sorted(name for name in ENTRIES if name.startswith("fast_") == fast)


@pytest.mark.parametrize(
    "module, name, kernel",
    [
        ("plain", "Linear", "linear"),
        ("plain", "SGDUpdate", "sgd_update"),
        ("plain", "LinearHadamardBackwardInput", "linear_hadamard_backward_input"),
        ("kernels", "FastAdamWUpdate", "fast_adamw_update"),
        ("kernels", "FastRMSpropUpdate", "fast_rmsprop_update"),
        ("kernels", "FastSoftmaxRow", "fast_softmax_row"),
        ("kernels", "FastLinearBfloat16", "fast_linear_bfloat16"),
    ],
)
def test_a_kernel_benchmark_bears_the_name_of_its_kernel(modules, module, name, kernel):
    cls = getattr(modules[module], name)
    assert (cls.__name__, cls.kernel) == (name, kernel)


@pytest.mark.parametrize("module", ["plain", "kernels"])
def test_a_kernel_that_this_version_lacks_is_skipped(modules, module):
    cls = modules[module].KernelToCome
    assert cls.params == classes(modules[module])[0].params and cls not in classes(modules[module])
    with pytest.raises(NotImplementedError, match="no KernelToCome here"):
        cls().setup(*smallest(cls))
    assert not hasattr(modules[module], "__path__") and not hasattr(modules[module], "kernel_to_come")


LISTED = json.loads((FOLDER / "results" / "benchmarks.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("listed", [name for name in LISTED if name != "version"])
def test_results_stay_valid_names_parameters_and_version_are_those_of_the_history(modules, listed):
    module, name, method = listed.split(".")
    cls = getattr(modules[module], name)
    assert cls in classes(modules[module]) and callable(getattr(cls, method))
    assert cls.version == LISTED[listed]["version"]
    assert list(getattr(cls, "param_names", [])) == LISTED[listed]["param_names"]
    assert [[repr(value) for value in values] for values in getattr(cls, "params", [])] == LISTED[listed]["params"]


@pytest.mark.parametrize("module, name", [("plain", "LinearBfloat16"), ("kernels", "FastLinearBfloat16")])
def test_kernels_of_bfloat16_are_measured_in_float32_alone(modules, module, name):
    cls = getattr(modules[module], name)
    shape, dtype, variant = smallest(cls)
    run_once(cls, shape, dtype, variant)
    with pytest.raises(NotImplementedError, match="linear_bfloat16 is of float32 alone"):
        cls().setup(shape, "float64", variant)


# ---- all


def test_all_modules_are_tested(modules):
    assert sorted(MODULES) == sorted(set(modules) - {"common"})


@pytest.mark.parametrize("module", ["plain", "kernels", "training", "startup"])
def test_benchmarks_run_at_their_smallest_parameters(modules, module):
    for cls in classes(modules[module]):
        run_once(cls, *smallest(cls))


@pytest.mark.parametrize(
    "error", [ValueError("adam is broken"), TypeError("got an unexpected keyword argument 'seed'")]
)
def test_a_broken_constructor_fails_and_is_not_skipped(modules, monkeypatch, error):
    def broken(sizes, *, optimizer, dtype, seed, precision=None):
        raise error

    monkeypatch.setattr(modules["training"].fastbp, "Model", broken)
    for cls in classes(modules["training"]):
        with pytest.raises(type(error), match=str(error)):
            cls().setup(*smallest(cls))


def test_settings_and_optimizers_that_an_earlier_version_lacks_are_skipped(modules, monkeypatch):
    training = modules["training"]
    for optimizer in ("sgd", "adam"):  # the newest version lacks none
        training.check_known({"optimizer": optimizer, "dtype": "float64", "seed": 0, "precision": "bfloat16"})
    with pytest.raises(NotImplementedError, match="^no newton here$"):
        training.make("2-3", 4, "float32", "newton")
    monkeypatch.setattr(training.fastbp, "Model", lambda sizes, optimizer, dtype, seed: "a model")
    assert training.make("2-3", 4, "float32")[0] == "a model"
    with pytest.raises(NotImplementedError, match="^no precision here$"):
        training.make("2-3", 4, "float32", precision="bfloat16")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process isn't told its peak memory")
def test_a_model_takes_the_memory_of_its_parameters_and_states_and_little_more(modules):
    (growth,) = run_once(modules["startup"].Memory, "784-1024-1024-1024-10", "adam", "float32")
    sizes, batch, states = [784, 1024, 1024, 1024, 10], 128, 2
    parameters = 4 * sum((I + 1) * O for I, O in zip(sizes, sizes[1:], strict=False))
    assert parameters * (1 + states) < growth
    assert growth < parameters * (2 + states) + 2 * 4 * batch * sum(sizes) + 20e6


# ---- peers


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_runs_where_it_is_installed_and_is_skipped_elsewhere(modules, name):
    (cls,) = (cls for cls in classes(modules["peers"]) if cls.name == name)
    for case in ("train:64-32-10:32:sgd", "predict:784-512-512-10:1000"):
        assert case in cls.params[0]
        if installed(name) and not (name == "onnxruntime" and case.startswith("train")):
            run_once(cls, case)
        else:
            with pytest.raises(NotImplementedError):
                cls().setup(case)


def test_peers_bear_the_names_of_the_race(modules):
    assert set(modules["peers"].libraries.TITLES) == set(PEERS) == {cls.name for cls in classes(modules["peers"])}
