"""What a user waits for and pays for before the first result: import, compilation, memory."""

import os
import platform
import subprocess
import sys
import tempfile

from . import VERSION

IMPORT = "import fastbp"
FIRST_EPOCH = """
import sys
import numpy as np
import fastbp

layers, optimizer, dtype = sys.argv[1:]
sizes = [int(size) for size in layers.split("-")]
rng = np.random.default_rng(0)
X, y = rng.standard_normal((256, sizes[0]), dtype), rng.integers(0, sizes[-1], 256)
fastbp.Model(sizes, optimizer=optimizer, dtype=dtype, seed=0).fit(X, y, epochs=1, verbose=0)
"""
GROWTH = (
    FIRST_EPOCH
    + """
import ctypes

def resident(field):
    lines = open("/proc/self/status").readlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))

ctypes.CDLL(None).malloc_trim(0)  # else what the first model left to malloc would hide growth
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")  # VmHWM, the peak, starts again from what is resident now
before = resident("VmRSS")
model = fastbp.Model(sizes, optimizer=optimizer, dtype=dtype, seed=0)
model.fit(X, y, epochs=2, verbose=0)
print(resident("VmHWM") - before)
"""
)


def run(code, *arguments, **environment):
    """Run code in a fresh interpreter and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


class Import:
    """Time of a fresh interpreter that imports fastbp."""

    version = VERSION
    number = 1

    def setup(self):
        self.time_import()

    def time_import(self):
        run(IMPORT)


class _FirstEpoch:
    version = VERSION
    param_names = ["layers", "optimizer", "dtype"]
    params = (["64-32-10"], ["sgd", "adam"], ["float32", "float64"])
    number = 1
    timeout = 900


class WarmStart(_FirstEpoch):
    """Time of a fresh interpreter that imports fastbp and trains for an epoch, its kernels being in the cache."""

    def setup(self, *params):
        self.time_first_epoch(*params)

    def time_first_epoch(self, *params):
        run(FIRST_EPOCH, *params)


class ColdStart(_FirstEpoch):
    """The same with an empty cache, where it compiles first."""

    repeat = 1
    rounds = 1
    warmup_time = 0

    def time_first_epoch(self, *params):
        with tempfile.TemporaryDirectory() as folder:
            run(FIRST_EPOCH, *params, NUMBA_CACHE_DIR=folder)


class Memory(_FirstEpoch):
    """Growth of a process's peak memory, in bytes, by a model and its `fit`, one like it having been trained."""

    params = (["64-32-10", "784-1024-1024-1024-10"], ["sgd", "adam"], ["float32", "float64"])
    unit = "bytes"

    def setup(self, *params):
        if platform.libc_ver()[0] != "glibc":
            raise NotImplementedError("only Linux tells peak memory from some time on, and only glibc trims its heap")

    def track_growth(self, *params):
        return int(run(GROWTH, *params))
