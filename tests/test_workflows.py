"""What CI is told: tags of wheels that installers take, files that wheels rest on, and the declared floors."""

import importlib.util
import re
from pathlib import Path

import pytest
from packaging import tags

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tag():
    spec = importlib.util.spec_from_file_location("platform_tag", ROOT / ".ci" / "platform_tag.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tag


@pytest.mark.parametrize(
    "name, machine, expected",
    [
        ("linux-x86_64", "x86_64", "manylinux_2_17_x86_64"),
        ("linux-aarch64", "aarch64", "manylinux_2_17_aarch64"),
        ("win-amd64", "AMD64", "win_amd64"),
        ("macosx-10.13-universal2", "arm64", "macosx_11_0_arm64"),
        ("macosx-10.13-universal2", "x86_64", "macosx_10_13_x86_64"),
        ("macosx-11.0-arm64", "arm64", "macosx_11_0_arm64"),
        ("macosx-15-x86_64", "x86_64", "macosx_15_0_x86_64"),
    ],
)
def test_the_tag_of_a_wheel_names_its_machine(tag, name, machine, expected):
    assert tag(name, machine) == expected


@pytest.mark.parametrize("machine, other", [("arm64", "x86_64"), ("x86_64", "arm64")])
def test_installers_on_macos_take_the_wheel_of_their_machine_alone(tag, machine, other):
    found = tag("macosx-10.13-universal2", machine)
    assert found in tags.mac_platforms((14, 0), machine) and found not in tags.mac_platforms((14, 0), other)


def test_what_a_wheel_rests_on_starts_its_workflow():
    workflow = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    paths = re.findall(r'^ {6}- "(.*)"$', workflow, re.M)
    for path in paths:
        assert (ROOT / path.removesuffix("/**")).exists()
    assert {*paths} >= {
        ".ci/wheels",
        ".ci/try-wheel",
        "tests/nothing_compiled.py",
        "setup.py",
        "fastbp/**",
        "kernels/**",
    }


def test_a_row_of_versions_has_the_floors_of_what_reads_tables():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    floors = dict(re.findall(r'"(narwhals|polars|pyarrow|numpy|numba)>=([\d.]+)"', project))
    versions = (ROOT / ".github" / "workflows" / "versions.yml").read_text(encoding="utf-8")
    (row,) = [line for line in versions.splitlines() if "pandas==" in line]
    pinned = dict(re.findall(r"([a-z]+)==([\d.]+)\.\*", row) + re.findall(r"([a-z]+)==([\d.]+\d) ", row))
    assert len(floors) == 5 and pinned["pandas"].startswith("2.")
    for name, floor in floors.items():
        assert (pinned[name] + ".0").startswith(floor), name
    assert "tests/test_tabular*.py" in row and "tests/test_tables*.py" in row
