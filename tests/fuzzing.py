"""What both fuzzers share: how long they run, limits of memory and time, junk for arguments, and counts."""

import datetime
import decimal
import fractions
import os
import re
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import fastbp

try:
    import resource
except ImportError:  # on Windows, which has no such limits
    resource = None

EXAMPLES = int(os.environ.get("FASTBP_FUZZ", "0"))  # so many, drawn anew in each run; 0 is a minute of fixed ones
MEMORY = (1 << 30) + (EXAMPLES << 20)  # bytes beyond those at the beginning; Hypothesis remembers all examples
COUNTS: Counter[str] = Counter()


def examples(usual):
    """Return the settings of a fuzzer that has so many examples by default."""
    slow = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ]
    return settings(
        max_examples=EXAMPLES or usual,
        derandomize=not EXAMPLES,
        database=None,
        deadline=timedelta(seconds=120),  # of one example, which takes some milliseconds unless it compiles a kernel
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=slow,
    )


@contextmanager
def limited():
    """Let the process take so much more memory; print what was counted, which `pytest -s` shows."""
    COUNTS.clear()
    before = None
    if resource and os.path.exists("/proc/self/statm"):  # on Linux
        before = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, before[1]))
    try:
        yield
    finally:
        if before is not None:
            resource.setrlimit(resource.RLIMIT_AS, before)
        print(f"\nfuzzed: {COUNTS.total():,}", dict(COUNTS.most_common()))


def raised(error):
    """Count an error by its type."""
    COUNTS[type(error).__name__] += 1


def call(function, *arguments, named=None, **keywords):
    """Call a function; return what it returns, or None where it refuses in a sentence that names the argument."""
    COUNTS["calls"] += 1
    try:
        return function(*arguments, **keywords)
    except (ValueError, TypeError, MemoryError) as error:
        raised(error)
        if named is not None and not isinstance(error, MemoryError):
            assert re.search(named, str(error)), f"{named} is not named: {type(error).__name__}: {error}"
        return None
    except fastbp.DivergenceError as error:
        raised(error)
        return None
    except RuntimeWarning as warning:
        assert "rows are not finite, the first of row" in str(warning), warning
        return None
    except UserWarning as warning:
        assert "input_scale" in str(warning) or "EarlyStopping" in str(warning), warning
        return None


class Odd:
    """An object that is nothing in particular."""

    def __repr__(self):
        return "Odd()"


def _nested():
    inner = []
    inner.append(inner)
    return inner


NUMBERS = [
    *(0, 1, -1, 2, 3, 2**31, -(2**63), 2**64, 2**70, 10**400, 0.5, -0.0, 1.0, 1e-320, 1e39, 1e308, -1e308),
    *(float("nan"), float("inf"), -float("inf"), True, False, 1j, decimal.Decimal("0.5"), fractions.Fraction(1, 3)),
    *(np.float32(0.1), np.float64("nan"), np.int8(3), np.uint64(2**63), np.bool_(True), np.longdouble("1e4000")),
]
OBJECTS = [
    *(None, "", "0.5", "relu", "auto", "balanced", "x\0y", "\ud800", "x" * 1000, b"bytes", [], (), {}, set(), [None]),
    *(Odd(), Odd, len, lambda *_: 1, range(3), [[]], [[1, 2], [3]], _nested(), {"name": "sgd"}, {"name": None}, {1: 2}),
    *({"a": []}, datetime.date(2026, 1, 1), np.datetime64("2026-01-01"), np.timedelta64(3, "s"), float, "float16", "O"),
    *(slice(3), Ellipsis, NotImplemented, type, [1, "two"], ["a", "a"], [2, 0], [2**62, 2**62], [3, -1], [1.5, 2]),
]
ARRAYS = [
    *(np.array(3), np.array([]), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((2, 2, 2)), np.array([[1, "a"]], object)),
    *(np.array(["a", "b"]), np.array(["2026-01-01"], "M8[D]"), np.zeros(3, "i4,f4"), np.array([b"a", b"b"]), np.eye(3)),
    *(np.ma.masked_array([1.0, 2.0], [True, False]), np.zeros(2, complex), np.full((4, 3), np.nan), np.array(None)),
    *(np.full((4, 3), 1e308), np.zeros((4, 3), "M8[s]"), np.array([[2**70, 1, 1]]), np.array([1, 2, 3], "m8[s]")),
]
junk = st.sampled_from([*NUMBERS, *OBJECTS, *ARRAYS])


def presented(X, how, folder):
    """Return the same numbers in another form."""
    if how == "list":
        return X.tolist()
    if how == "F":
        return np.asfortranarray(X, float)
    if how == "strided":
        return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    if how == "reversed":
        return np.ascontiguousarray(X[::-1, ::-1], np.float32)[::-1, ::-1]
    if how == "readonly":
        array = X.astype(np.float64)
        array.flags.writeable = False
        return array
    if how == "memmap":
        array = np.memmap(folder / "rows", np.float32, "w+", shape=X.shape)
        array[...] = X
        return array
    return X.astype({"C": "f8", "big": ">f4", "longdouble": np.longdouble}.get(how, how))
