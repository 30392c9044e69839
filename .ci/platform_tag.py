"""Print the platform tag of wheels that are built on this machine."""

import platform
import sysconfig


def tag(name: str, machine: str) -> str:
    """Return the tag of a wheel whose libraries are of this machine alone.

    Parameters
    ----------
    name : str
        What `sysconfig.get_platform` returns. On macOS it says what Python was built for, "universal2" as a rule.
    machine : str
        What `platform.machine` returns.
    """
    if name.startswith("linux"):
        return f"manylinux_2_17_{machine}"
    if name.startswith("macosx"):
        _, version, _ = name.split("-")
        major, minor, *_ = map(int, f"{version}.0".split("."))
        if machine == "arm64" and major < 11:  # no earlier one runs there, so installers look for none
            major, minor = 11, 0
        return f"macosx_{major}_{minor}_{machine}"
    return name.replace("-", "_").replace(".", "_")


if __name__ == "__main__":
    print(tag(sysconfig.get_platform(), platform.machine()))
