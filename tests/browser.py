"""A headless Chromium that reaches this machine only, and a server for the pages it opens."""

import contextlib
import functools
import http.server
import shutil
import threading

FLAGS = [
    "--headless=new",
    "--no-sandbox",  # which a container has no right to
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # offline, whatever network there is
]


@contextlib.contextmanager
def served(folder):
    """The address at which a folder is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium(profile):
    """A driver of Chromium with an empty profile folder, which remembers what pages say on their console."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def errors(driver):
    """What the console said of errors since it was asked last: scripts that failed, files that weren't there."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
