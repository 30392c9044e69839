"""The pages of the project: their links lead somewhere, their examples run, and they name what there is."""

import re
from pathlib import Path

import pytest

import fastbp

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (".", "fastbp", "kernels", "asv_benchmarks")
    for path in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
    if not {"env", "html"} & set(path.relative_to(ROOT).parts)
)
NEEDS = {
    "fastbp/sklearn/README.md": "sklearn",
    "fastbp/tabular/README.md": "polars",
    "fastbp/data/sources/README.md": "sklearn",
    "fastbp/plot/README.md": "matplotlib",
}
RUN_ELSEWHERE = {"fastbp/exchange/README.md", "fastbp/distributed/README.md"}  # test_exchange.py, test_mpi.py


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page):
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S)


def anchors(page):
    """What links may name behind #: the headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", read(page), re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(found.resolve().relative_to(ROOT.resolve())), f"{page}: {target}"


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # not converged
@pytest.mark.parametrize("page", [page for page in PAGES if page not in RUN_ELSEWHERE and examples(page)])
def test_examples_run(page, tmp_path, monkeypatch, capsys):
    if page in NEEDS:
        pytest.importorskip(NEEDS[page])
    monkeypatch.chdir(tmp_path)
    for example in examples(page):
        if "from dask" not in example:  # tests/test_dask.py runs it
            exec(example, {"__name__": "__main__"})


def test_the_first_page_gives_the_two_commands():
    """Continuous integration runs the first line with pytest; the examples of both stand alone on a line."""
    lines = [line.strip() for line in read("README.md").splitlines()]
    assert (
        next(line for line in lines if "&& pytest" in line)
        == 'pip install -e ".[test]" && pytest -n logical --dist loadscope'
    )
    assert "pip install . && fastbp train" in lines
    assert len(lines) < 150


def test_the_choices_named_are_those_there_are():
    """fastbp/README.md names each optimizer, loss and activation."""
    words = set(re.findall(r"`\"?(\w+)\"?`", read("fastbp/README.md")))
    objects = set(re.findall(r"`(\w+)\(", read("fastbp/README.md")))
    from fastbp.kernels import activations, losses, optimizers

    assert {*activations.ACTIVATIONS, *losses.LOSSES, *optimizers.OPTIMIZERS} <= words
    assert {entry.__name__ for entry in (*losses.ALL, *optimizers.ALL)} <= objects


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "kernels/README.md"])
def test_files_and_functions_named_in_the_call_of_fit_exist(page):
    """Rows `| step | file | functions |`, and rows `| file | what it holds |` below a heading that names the folder."""
    folder, checked = None, 0
    for line in read(page).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if match := re.match(r"\| (?:file in|folder of) `([^`]+)`", line):
            folder = ROOT / page
            folder = (ROOT if page == "CONTRIBUTING.md" else folder.parent) / match.group(1)
        elif not line.startswith("|"):
            folder = None
        elif folder and not line.startswith("| ---"):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                assert (folder / name).exists(), f"{page}: {name}"
                checked += 1
        elif len(cells) == 3 and re.search(r"`\w+/", cells[1]):
            files = re.findall(r"`([^`]+)`", cells[1])
            first = Path(files[0]).parent
            text = "".join(read(first / Path(name).name) for name in files)
            for name in re.findall(r"`([^`]+)`", cells[2]):
                function = name.split(".")[-1]
                assert re.search(rf"\b(def|class) {function}\b", text), f"{page}: {name}"
                checked += 1
    assert checked > 10


def test_the_version_is_in_the_changelog():
    assert f"## {fastbp.__version__}" in read("CHANGELOG.md")
