"""What pyproject.toml cannot say: the page that a package index shows, README.md with links that work there."""

import re
from pathlib import Path

from setuptools import setup
from setuptools.config.pyprojecttoml import load_file

ROOT = Path(__file__).parent
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\n)*)\]\((?!https?:|#)([^)\s]+)\)")


def page(text: str, repository: str, version: str) -> str:
    """Return a README whose relative links lead to the repository, at the tag of this version.

    Without an address of the repository, links become their text and pictures are left out.
    """

    def absolute(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if not repository:
            return "" if picture else words
        return f"{picture}[{words}]({repository.rstrip('/')}/{'raw' if picture else 'blob'}/v{version}/{target})"

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(absolute, text))


def long_description() -> str:
    """Return the page, with the address in pyproject.toml: ``[project.urls] Repository``, in GitHub's form."""
    project = load_file(ROOT / "pyproject.toml")["project"]
    repository = project.get("urls", {}).get("Repository", "")
    return page((ROOT / "README.md").read_text(encoding="utf-8"), repository, project["version"])


if __name__ == "__main__":
    setup(long_description=long_description(), long_description_content_type="text/markdown")
