"""The page that a package index shows has no link or picture that leads nowhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RELATIVE = r"\]\((?!https?:|#)"


@pytest.fixture(scope="module")
def setup():
    spec = importlib.util.spec_from_file_location("fastbp_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_relative_links_lead_to_the_tag_of_the_version(setup):
    text = "![a\nb](.github/a.png) [code](`x`) [c](fastbp/README.md#d), [e](https://e.org), [f](#g)"
    base = "https://host/project"
    assert setup.page(text, f"{base}/", "1.2") == (
        f"![a\nb]({base}/raw/v1.2/.github/a.png) [code]({base}/blob/v1.2/`x`) "
        f"[c]({base}/blob/v1.2/fastbp/README.md#d), "
        "[e](https://e.org), [f](#g)"
    )


def test_without_an_address_links_become_text_and_pictures_are_left_out(setup):
    text = "one\n\n![a](.github/a.png)\n\n[The\nrace](asv/README.md#r) and [`k`](k.py), [e](https://e.org)"
    assert setup.page(text, "", "1.2") == "one\n\nThe\nrace and `k`, [e](https://e.org)"


@pytest.mark.parametrize("repository", ["", "https://host/project"])
def test_the_first_page_has_no_relative_link_then(setup, repository):
    shown = setup.page(README, repository, "0.1.0")
    assert re.search(RELATIVE, README) and not re.search(RELATIVE, shown)
    assert ("![" in shown) == bool(repository) and "doi.org" in shown and shown.startswith("# fastbp\n")


def test_it_is_what_the_package_is_built_with(setup):
    assert re.match(r"# fastbp\n", setup.long_description()) and not re.search(RELATIVE, setup.long_description())
