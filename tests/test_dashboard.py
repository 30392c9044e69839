"""The dashboard of the committed results: made offline, and looked at in a browser that reaches no other server."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser import chromium, errors, served

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "asv_benchmarks"
KERNEL = "kernels.FastLinearRelu.time_kernel"


@pytest.fixture(scope="module")
def offline():
    """offline.py, as a module."""
    spec = importlib.util.spec_from_file_location("offline", FOLDER / "offline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- the page, made offline

PAGE = """
<script src="https://one.example/md5.min.js" integrity="sha512-x" crossorigin="anonymous" referrerpolicy="no-referrer"
 onerror="js_load_failure()"></script>
<script src="asv.js"></script>
<link rel="stylesheet" href="https://two.example/css/bootstrap.min.css" integrity="sha256-y" crossorigin="anonymous">
<a href="https://three.example/asv/">asv</a>
"""


def test_scripts_and_styles_are_asked_for_beside_the_page_and_links_stay(offline):
    page, asked = offline.localize(PAGE)
    assert asked == {"md5.min.js", "bootstrap.min.css"}
    assert page.split("\n")[1:-1] == [
        '<script src="npm/md5.min.js"',
        ' onerror="js_load_failure()"></script>',
        '<script src="asv.js"></script>',
        '<link rel="stylesheet" href="npm/bootstrap.min.css">',
        '<a href="https://three.example/asv/">asv</a>',
    ]
    assert offline.localize(page) == (page, set())


def test_a_file_that_is_not_known_is_named(offline):
    with pytest.raises(offline.CannotMake, match=r"not known here: https://one\.example/new\.js"):
        offline.localize('<script src="https://one.example/new.js"></script>')


def test_without_page_or_npm_there_is_one_line_that_says_so(offline, tmp_path, monkeypatch, capsys):
    assert offline.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"offline: there is no {tmp_path / 'index.html'}; run asv publish first\n"
    (tmp_path / "index.html").write_text(PAGE)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert offline.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == "offline: npm is missing; it comes with Node.js\n"
    assert (tmp_path / "index.html").read_text() == PAGE and not (tmp_path / "npm").exists()


def test_a_package_that_is_not_what_it_was_is_refused(offline, tmp_path, monkeypatch):
    (tmp_path / "npm").write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[sys.argv.index('--pack-destination') + 1])\n"
        "(folder / 'md5.tgz').write_bytes(b'something else')\n"
        "print(json.dumps([{'name': 'blueimp-md5', 'version': '2.19.0', 'filename': 'md5.tgz'}]))\n"
    )
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(offline.CannotMake, match=r"blueimp-md5@2\.19\.0 is not what it was: SHA-256 [0-9a-f]{64}$"):
        offline.fetch(["blueimp-md5@2.19.0"], tmp_path)


# ---- in a browser


@pytest.fixture(scope="module")
def dashboard(offline, tmp_path_factory):
    """Folder of the page that a fresh clone publishes, made offline."""
    missing = [program for program in ("git", "npm", "chromium", "chromedriver") if shutil.which(program) is None]
    assert not missing, f"{', '.join(missing)} must be installed for the tests marked browser"
    clone = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, clone], check=True)
    folder = clone / "asv_benchmarks"
    subprocess.run([sys.executable, "-m", "asv", "publish"], cwd=folder, check=True, capture_output=True)
    assert offline.main([str(folder / "html")]) == 0
    return folder / "html"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The browser."""
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


def open_page(driver, address, condition):
    """Open an address, wait until a JavaScript condition holds, and return its value."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get("about:blank")  # else only the part after # changes, and the page is not loaded
    driver.get(address)
    return WebDriverWait(driver, 20).until(lambda driver: driver.execute_script(f"return {condition}"))


@pytest.mark.browser
def test_the_dashboard_shows_history_without_a_network(dashboard, driver, tmp_path):
    with served(dashboard) as server:
        drawn = "$('.benchmark-plot .flot-base').length && $('.benchmark-plot').length"
        boxes = open_page(driver, f"{server}/#/", drawn)
        assert f'#{KERNEL}"' in driver.page_source
        driver.save_screenshot(str(tmp_path / "grid.png"))

        points = "($('#main-graph').data('plot') || {getData: () => []}).getData().map(line => line.data.length)"
        commits = open_page(driver, f"{server}/#{KERNEL}", f"Math.max(0, ...{points})")
        assert commits > 1
        driver.save_screenshot(str(tmp_path / "graph.png"))

        rows = open_page(driver, f"{server}/#/summarylist", "$('#summarylist-body tbody tr').length")
        assert rows >= boxes
        driver.save_screenshot(str(tmp_path / "list.png"))
    assert errors(driver) == []


@pytest.mark.browser
def test_an_error_on_the_console_would_be_seen(driver, tmp_path):
    (tmp_path / "index.html").write_text("<script>nonsense()</script><script src='missing.js'></script>")
    with served(tmp_path) as server:
        open_page(driver, f"{server}/", "document.readyState == 'complete'")
    said = "\n".join(errors(driver))
    assert "nonsense is not defined" in said and "missing.js - Failed to load resource" in said
