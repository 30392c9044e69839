#!/usr/bin/env python
"""Make the page that `asv publish` wrote work without a network.

    asv publish && python offline.py                 # in this folder, then: asv preview

asv's page takes ten scripts and styles from other servers and shows nothing where they can't be reached. This fetches
them from the npm registry, by `npm pack`, checks that they are the very packages named here, lays their files beside
the page, and has it ask for those. `asv publish` writes the page anew: run this after it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HTML = Path(__file__).parent / "html"
FOLDER = "npm"  # beside the page
PACKAGES = {  # of the versions that asv asks for, or that work in their place, and the SHA-256 of their archives
    "jquery@3.3.1": "2c7c70a1e796c1568ff05d45a8cb2da2a0fc6e37426c65e4eef6ee55e217933e",
    "flot@0.8.3": "5e4cea78a9efa2d3dbba363ac76c688951e6c638ee916883c36e23516208b1ed",
    "flot-orderbars@1.0.0": "e5523ee7cca778f194b34fc31afb6dda40bf1557e6669fda4730c29f53e87101",
    "stupid-table-plugin@1.1.3": "1186089584b7c2f7fec9ad4232e9aa1adbfea273eaa233b713beb8c2c916b4ac",
    "blueimp-md5@2.19.0": "0fff5798c7733b21f3e4c0de69ccba12af266e0f01c3e3a41051c0e49a655512",
    "bootstrap@3.1.1": "23b27da4dd80b8fbe8972ac4be87037627e007ad5dd1edb27435844f0a4646a0",
}
FILES = {  # what the page asks for, by its last name: where it lies in which package
    "jquery-3.3.1.min.js": ("jquery@3.3.1", "dist/jquery.min.js"),
    "jquery.flot.min.js": ("flot@0.8.3", "jquery.flot.js"),
    "jquery.flot.time.min.js": ("flot@0.8.3", "jquery.flot.time.js"),
    "jquery.flot.selection.min.js": ("flot@0.8.3", "jquery.flot.selection.js"),
    "jquery.flot.categories.min.js": ("flot@0.8.3", "jquery.flot.categories.js"),
    "jquery.flot.orderBars.js": ("flot-orderbars@1.0.0", "js/jquery.flot.orderBars.js"),
    "stupidtable.min.js": ("stupid-table-plugin@1.1.3", "stupidtable.min.js"),
    "md5.min.js": ("blueimp-md5@2.19.0", "js/md5.min.js"),
    "bootstrap.min.js": ("bootstrap@3.1.1", "dist/js/bootstrap.min.js"),
    "bootstrap.min.css": ("bootstrap@3.1.1", "dist/css/bootstrap.min.css"),
}
REMOTE = re.compile(r"""(<(?:script|link)\b[^>]*?\b(?:src|href)=")(https?://[^"]*?)([^"/]+)("[^>]*>)""")
OF_REMOTE = re.compile(r' (?:integrity|crossorigin|referrerpolicy)="[^"]*"')


class CannotMake(Exception):
    """What is missing, in one line."""


def localize(page: str) -> tuple[str, set[str]]:
    """Return the page asking for files beside it, and the names of those; raise CannotMake for one not known here."""
    asked = set()

    def beside(match: re.Match[str]) -> str:
        before, server, name, after = match.groups()
        if name not in FILES:
            raise CannotMake(f"this version of asv asks for a file that is not known here: {server}{name}")
        asked.add(name)
        return f"{before}{FOLDER}/{name}{OF_REMOTE.sub('', after)}"

    return REMOTE.sub(beside, page), asked


def fetch(packages: list[str], folder: Path) -> dict[str, Path]:
    """Return the archives of npm packages, fetched into a folder and checked."""
    npm = shutil.which("npm")
    if npm is None:
        raise CannotMake("npm is missing; it comes with Node.js")
    command = [npm, "pack", "--json", "--ignore-scripts", "--pack-destination", str(folder), *packages]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERR" in line or "error" in line]
        raise CannotMake(f"npm could not fetch {', '.join(packages)}: {' '.join(said[:3])}")
    archives = {f"{one['name']}@{one['version']}": folder / one["filename"] for one in json.loads(done.stdout)}
    for package, archive in archives.items():
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != PACKAGES[package]:
            raise CannotMake(f"what npm brought as {package} is not what it was: SHA-256 {digest}")
    return archives


def make_offline(html: Path) -> int:
    """Fetch what the page in a folder asks other servers for; return how many files that were."""
    index = html / "index.html"
    if not index.is_file():
        raise CannotMake(f"there is no {index}; run asv publish first")
    page, asked = localize(index.read_text(encoding="utf-8"))
    target = html / FOLDER
    with tempfile.TemporaryDirectory() as scratch:
        packages = sorted({FILES[name][0] for name in asked})
        archives = fetch(packages, Path(scratch)) if packages else {}
        target.mkdir(exist_ok=True)
        for name in asked:
            package, path = FILES[name]
            with tarfile.open(archives[package]) as archive:
                content = archive.extractfile(f"package/{path}")
                assert content is not None
                (target / name).write_bytes(content.read())
    index.write_text(page, encoding="utf-8")
    return len(asked)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("html", nargs="?", type=Path, default=HTML, help="folder of the page (html/ beside this file)")
    html = parser.parse_args(arguments).html
    try:
        count = make_offline(html)
    except CannotMake as error:
        print(f"offline: {error}", file=sys.stderr)
        return 2
    print(f"{count} files fetched into {html / FOLDER}" if count else f"{html} asks no other server for anything")
    return 0


if __name__ == "__main__":
    sys.exit(main())
