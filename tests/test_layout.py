"""How the house is built: imports run one way, files are short, and what is generated or listed is up to date."""

import ast
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

import fastbp
import fastbp.plot
from fastbp.kernels.registry import equation_table as table

ROOT = Path(__file__).parent.parent

# From the top down: a module imports only from rooms of lines below its own room's, or from its own room.
FASTBP = [
    {"__main__"},
    {"cli"},
    {"lesson"},
    {"inspection"},
    {"plot"},
    {"exchange"},
    {"files"},
    {"sklearn"},
    {"tabular"},
    {"model"},
    {"distributed"},
    {"training"},
    {"callbacks", "schedules"},
    {"execution"},
    {"network"},
    {"tables"},
    {"data"},
    {"activations", "embeddings", "losses", "optimizers"},
    {"kernels"},
]
KERNELS = [
    {"registry"},
    {"engine"},
    {"tasks"},
    {"bfloat16"},
    {"fast", "specification"},
    {"machine"},
    {"compiler"},
    {"library"},
    {"program"},
    {"activations", "losses", "optimizers"},
    {"entries"},
]
WITHOUT_NUMBA = {"library", "program", "activations", "losses", "optimizers", "entries"}
ALONE = "delimited", "labels", "lines", "sealed", "streams", "tasks", "writing"
LEAVES = {f"files.{name}" for name in ALONE}  # all may import them
PUBLIC = {
    "DivergenceError": "data",
    "Model": "model",
    "Profile": "inspection",
    "assert_vectorized": "inspection",
    "profile": "inspection",
    "History": "training",
    "load": "files",
    "warmup": "execution",
    "diagnose": "inspection",
    "find_learning_rate": "inspection",
    "initialize_from_data": "model",
}  # whence `fastbp` has them
METHODS = {
    "model",
    "tabular",
}  # whose functions may import what stands above, once called: `model.save`, `model.diagnose`
MOST_FILES = 15  # of a folder


def sources(folder):
    others = {"__pycache__", "env"}  # asv keeps checkouts in env
    return sorted(path for path in (ROOT / folder).rglob("*.py") if not others & set(path.relative_to(ROOT).parts))


def fastbp_sources():
    return [path for path in sources("fastbp") if (ROOT / "fastbp" / "kernels") not in path.parents]


def imports(path, inside_functions):
    """What a file imports of this project, as absolute names below fastbp; imports for type checkers are left out."""
    relative = path.relative_to(ROOT)
    package = ["fastbp", *(part for part in relative.parent.parts if part != "fastbp")]
    found = []

    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not inside_functions:
            return
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            found.extend(f"{module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return [name for name in found if name.split(".")[0] in ("fastbp", "kernels")]


def is_leaf(name):
    return any(f"{name}.".startswith(f"fastbp.{leaf}.") for leaf in LEAVES)


def line(order, name, what):
    for number, names in enumerate(order):
        if name in names:
            return number
    raise AssertionError(f"{what} has no line in tests/test_layout.py yet")


def test_the_reader_of_imports_reads():
    plan = imports(ROOT / "fastbp" / "execution" / "fast_plan.py", inside_functions=False)
    assert {"fastbp.network.Network", "fastbp.execution.threads", "fastbp.kernels.engine.code"} <= set(plan)
    state = ROOT / "fastbp" / "model" / "state.py"
    assert not any(name.startswith("fastbp.files") for name in imports(state, inside_functions=False))
    assert any(name.startswith("fastbp.files") for name in imports(state, inside_functions=True))
    assert imports(ROOT / "kernels" / "specification" / "paper.py", True) == [
        "fastbp.kernels.compiler.jit.jit",
        "fastbp.kernels.compiler.jit.plain_loop",
    ]


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in fastbp_sources()])
def test_arrows_run_down_through_fastbp(path):
    if path == "fastbp/__init__.py":
        return  # it re-exports what users take
    own = Path(path).parts[1].removesuffix(".py")
    for name in imports(ROOT / path, inside_functions=own not in METHODS):
        target = name.split(".")[1]
        target = PUBLIC.get(target, target)
        if target not in (own, "__version__") and not is_leaf(name):
            assert line(FASTBP, own, path) < line(FASTBP, target, name), f"{path} imports {name}: the arrow runs back"


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_leaves_import_nothing_but_leaves(leaf):
    assert all(map(is_leaf, imports(ROOT / "fastbp" / f"{leaf.replace('.', '/')}.py", inside_functions=True)))


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in sources("kernels")])
def test_arrows_run_down_through_the_kernels_which_know_nothing_of_fastbp(path):
    if path == "kernels/__init__.py":
        return
    own = Path(path).parts[1]
    for name in imports(ROOT / path, inside_functions=True):
        assert name.startswith("fastbp.kernels."), f"{path} imports {name}"
        target = name.split(".")[2]
        if target != own:
            assert line(KERNELS, own, path) < line(KERNELS, target, name), f"{path} imports {name}: the arrow runs back"


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in sources("kernels")])
def test_what_needs_no_numba_stands_apart(path):
    names = [
        name
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    if Path(path).parts[1] in WITHOUT_NUMBA:
        assert not [name for name in names if name.partition(".")[0] in ("numba", "llvmlite")]


@pytest.mark.parametrize(
    "folder",
    sorted(
        {path.parent.relative_to(ROOT).as_posix() for path in [*fastbp_sources(), *sources("kernels")]} - {"fastbp"}
    ),
)
def test_modules_of_a_folder_import_each_other_in_no_circle(folder):
    package = ".".join(["fastbp", *(part for part in Path(folder).parts if part != "fastbp")])
    arrows = {}
    for path in (ROOT / folder).glob("*.py"):
        names = imports(path, inside_functions=folder != "fastbp/model")
        arrows[path.stem] = {
            name.removeprefix(f"{package}.").split(".")[0] for name in names if name.startswith(package)
        }
    arrows = {name: (targets & set(arrows)) - {name} for name, targets in arrows.items()}
    while arrows:
        free = {name for name, targets in arrows.items() if not targets & set(arrows)}
        assert free, f"a circle among {sorted(arrows)}"
        arrows = {name: targets for name, targets in arrows.items() if name not in free}


@pytest.mark.parametrize("top", ["fastbp", "kernels"])
def test_no_folder_holds_many_files_and_no_function_is_long(top):
    for folder in {path.parent for path in sources(top)}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder
    for path in sources(top):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[ast.get_docstring(node) is not None :]
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert lines <= 40, f"{path.relative_to(ROOT)}: {node.name} has {lines} lines"


@pytest.mark.parametrize("folder", ["fastbp", "kernels", "tests", "asv_benchmarks"])
def test_no_file_is_long(folder):
    longer = {"test_equations.py": 460}  # one test an equation, to be read in one piece beside the paper
    for path in sources(folder):
        length = len(path.read_text(encoding="utf-8").splitlines())
        assert length <= longer.get(path.name, 300), f"{path.relative_to(ROOT)} has {length} lines"


@pytest.mark.parametrize("package", [fastbp, fastbp.plot], ids=lambda package: package.__name__)
def test_no_module_bears_the_name_of_a_public_function(package):
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}  # one imported would take its place
    assert not modules & {name for name in package.__all__ if callable(getattr(package, name))}


def test_packages_listed_are_those_there_are():
    listed = ast.literal_eval(
        re.search(r"^packages = (\[.*?\])", (ROOT / "pyproject.toml").read_text(), re.M | re.S).group(1)
    )
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in fastbp_sources()}
    kernels = {".".join(["fastbp", *path.parent.relative_to(ROOT).parts]) for path in sources("kernels")}
    assert sorted(listed) == sorted(there | kernels)
    for folder in {path.parent for path in [*fastbp_sources(), *sources("kernels")]}:
        assert (folder / "__init__.py").exists()


def test_the_equation_table_follows_the_registry():
    text = (ROOT / "kernels" / "README.md").read_text(encoding="utf-8")
    assert text == table.rewritten(text), "run python -m fastbp.kernels.registry.equation_table"
    assert table.equation_table() in text
    kernel = "linear_backward_params"
    plain = f"[`{kernel}`](specification/paper.py), [`{kernel}_bfloat16`](specification/bfloat16.py)"
    assert (
        f"| 19 | {plain} | [`{kernel}`](fast/linear.py), [`{kernel}`](bfloat16/products.py) | `test_eq_19` |"
        in text.splitlines()
    )


def test_a_readme_without_marks_is_refused_and_an_old_table_found(tmp_path, monkeypatch, capsys):
    with pytest.raises(ValueError, match="must hold the marks"):
        table.rewritten("no table here")
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    table.README.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    assert table.main(["--check"]) == 1 and "python -m" in capsys.readouterr().err
    assert table.main([]) == 0
    assert table.main(["--check"]) == 0
    text = table.README.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert table.main(["--nonsense"]) == 2


def test_kernels_refuse_to_be_imported_by_their_folder_name():
    spec = importlib.util.spec_from_file_location("kernels", ROOT / "kernels" / "__init__.py")
    with pytest.raises(ImportError, match=r"fastbp\.kernels"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_importing_fastbp_brings_only_what_training_needs(run_python):
    code = "import sys, fastbp; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(run_python("-c", code).stdout.split())
    assert {"fastbp", "numpy"} <= loaded
    assert not loaded & {"numba", "llvmlite", "tqdm", "safetensors", "matplotlib", "pytest", "hypothesis"}
