"""The oldest versions of the libraries that fastbp runs with."""

import re

OLDEST = {"numba": (0, 58), "numpy": (1, 26)}


def require(library: str, found: str) -> None:
    """Raise ImportError if the version of a library is too old.

    Parameters
    ----------
    library : str
        Its name on the index of packages.
    found : str
        The version that is installed.
    """
    oldest = OLDEST[library]
    if tuple(map(int, re.findall(r"\d+", found)[:2])) < oldest:
        needed = ".".join(map(str, oldest))
        raise ImportError(f"fastbp needs {library} {needed} or newer, found {found}: pip install -U {library}")
