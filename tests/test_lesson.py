"""The lesson on eqs. 42-54: its notebook, its debugger session, and plain loops that run without a compiler."""

import copy
import json
from pathlib import Path

import pytest

import fastbp
from fastbp.kernels.compiler import jit
from fastbp.kernels.library.compiling import TEXT
from fastbp.lesson import step

LESSON = Path(fastbp.__file__).parent / "lesson"
SPECIFICATION = Path(fastbp.__file__).parents[1] / "kernels" / "specification"
INTERPRETED = {"NUMBA_DISABLE_JIT": "1"}
TRAIN = """
import numpy as np, fastbp
rng = np.random.default_rng(0)
X, classes, numbers = rng.standard_normal((60, 5)), rng.integers(0, 3, 60), rng.standard_normal((60, 2))
for y, settings in (
    (classes, {}),
    (classes, {"activation": ["gelu", "tanh"], "optimizer": "adam", "dropout": 0.2, "layer_norm": True, "l2": 0.01}),
    (numbers, {"loss": "huber", "optimizer": fastbp.optimizers.SGD(0.05, momentum=0.9), "clip_norm": 0.5}),
    (classes, {"activation": "leaky_relu", "label_smoothing": 0.1, "optimizer": "rmsprop", "l1": 0.01}),
    (abs(numbers), {"activation": "silu", "loss": "poisson", "optimizer": "adamw"}),
    (numbers, {"activation": "prelu", "loss": "log_cosh", "optimizer": "nadam"}),
    (numbers > 0, {"activation": "logistic", "loss": "binary_cross_entropy", "clip_value": 0.1}),
):
    sizes = [5, 7, 6, 3 if y is classes else 2]
    model = fastbp.Model(sizes, seed=0, dtype="float64", kernels="elementwise", **settings)
    history = model.fit(X, y, epochs=2, batch_size=16, verbose=0)
    found.append(history.loss + [model.evaluate(X, y)["loss"], float(model.predict(X).sum())])
"""


def test_the_notebook_prints_what_it_shows(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shown = nbformat.read(LESSON / "two_layers.ipynb", as_version=4)
    notebook = copy.deepcopy(shown)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert list(map(_printed, notebook.cells)) == list(map(_printed, shown.cells))


def _printed(cell):
    outputs = cell.get("outputs", [])
    told = [output for output in outputs if not (output.name == "stderr" and output.text.startswith(TEXT))]
    assert {output.name for output in told} <= {"stdout"}
    return "".join(output.text for output in told)


def test_every_equation_of_the_example_has_its_cell():
    nbformat = pytest.importorskip("nbformat")
    words = " ".join(cell.source for cell in nbformat.read(LESSON / "two_layers.ipynb", as_version=4).cells)
    named = {int(word.strip(":,.")) for word in words.split() if word.strip(":,.").isdigit()}
    assert set(range(42, 55)) <= named


def test_plain_loops_train_to_the_same_losses_without_a_compiler(run_python):
    compiled = {"found": []}
    exec(TRAIN, compiled)
    said = run_python("-W", "error", "-c", f"found = []{TRAIN}import json; print(json.dumps(found))", **INTERPRETED)
    for one, other in zip(compiled["found"], json.loads(said.stdout), strict=True):
        assert other == pytest.approx(one, rel=1e-12)


def test_fast_kernels_say_in_one_sentence_that_they_need_a_compiler(run_python):
    code = "import fastbp; fastbp.Model([2, 3]).fit([[1, 2]], [0], verbose=0)"
    done = run_python("-c", code, check=False, **INTERPRETED)
    assert done.returncode == 1
    sentence = "NUMBA_DISABLE_JIT is set, but fast kernels must be compiled: use kernels='elementwise' or unset it"
    assert done.stderr.splitlines()[-1] == f"RuntimeError: {sentence}"


def test_the_profiler_says_the_same(monkeypatch):
    monkeypatch.setattr(jit, "INTERPRETED", True)
    with pytest.raises(RuntimeError, match="^NUMBA_DISABLE_JIT is set, but fast kernels must be compiled"):
        fastbp.profile(fastbp.Model([2, 3], seed=0), [[1, 2]], [0])


def test_a_debugger_stops_at_equation_24(tmp_path, run_python):
    source = (SPECIFICATION / "paper.py").read_text(encoding="utf-8").splitlines()
    equation = "dW[i, j] += dt[row, j] * x[row, i]"
    (line,) = [number for number, text in enumerate(source, 1) if text.strip().startswith(equation)]
    commands = ["from fastbp.kernels.specification import paper", "break paper.linear_backward_params.serial"]
    commands += ["continue", "p x, dt", f"until {line}", "where", "quit"]
    asked = [part for command in commands for part in ("-c", command)]
    said = run_python("-m", "pdb", *asked, "-m", "fastbp.lesson.step", check=False, cwd=tmp_path, **INTERPRETED).stdout
    assert "(array([[ 0.25, -0.  ,  2.  ]]), array([[ 0.5, -0.5]]))" in said
    assert equation in said and "fit()" in said


def test_the_step_is_the_one_worked_by_hand(capsys):
    step.main()
    assert capsys.readouterr().out.splitlines() == [
        "E = 0.693147",
        "W_1 = [[1.625, -1.0, 4.015625], [1.75, 0.5, -0.53125]]",
        "b_1 = [-0.5, 0.75, -0.46875]",
        "W_2 = [[3.96875, -1.96875], [3.0, 5.0], [0.25, 1.0]]",
        "b_2 = [-0.625, 0.625]",
    ]
