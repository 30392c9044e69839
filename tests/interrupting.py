"""A process that is interrupted at random moments while it compiles: ``python interrupting.py FOLDER SEED TRIES``.

It begins with an empty cache in the folder. After each try a training must work and give the right bits, and all files
of the cache must be whole. Prints how often each kind of interruption came, and was lost, as JSON.
"""

import ctypes
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

X, y = np.arange(60.0).reshape(20, 3) / 60, np.arange(20) % 2
SIGNALS = "SIGINT", "SIGTERM", "SIGALRM"
KINDS = *SIGNALS, "thread"


class Stopped(Exception):
    """What a time limit raises."""


def trained(**settings):
    """Bits of a training."""
    import fastbp

    model = fastbp.Model([3, 5, 2], seed=0, kernels="elementwise", **settings)
    history = model.fit(X, y, epochs=2, batch_size=8, verbose=0)
    if history.interrupted:
        raise KeyboardInterrupt
    return model._flat.tobytes().hex()


def cold():
    """Train with kernels that the cache keeps, which are compiled in the first try that is not interrupted."""
    return trained(activation="tanh", optimizer="nadam")


def own():
    """Train with an activation that no process has compiled yet."""
    from fastbp.activations import Activation

    return trained(activation=Activation("halved_square", lambda t: t * t / 2, lambda t: t))


def alone():
    """Compile a kernel, and keep it in the cache from which it was removed."""
    from fastbp.kernels.compiler import jit
    from fastbp.kernels.specification import paper

    loop = jit.jit(paper.linear.serial.py_func)
    loop._cache.flush()
    t = np.empty((20, 4))
    loop(t, X, np.ones((3, 4)), np.ones(4))
    return t.tobytes().hex()


class Interruptions:
    """Sends one, and counts those that came."""

    def __init__(self):
        from fastbp.kernels.compiler import signals

        self.signals, self.came, self.lost = signals, dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
        for name in SIGNALS:
            signal.signal(getattr(signal, name), self.handle)

    def handle(self, number, frame):
        assert not self.signals._holding
        raise Stopped

    def send(self, kind, after):
        """Interrupt the main thread, unless it is done before."""
        if self.over.wait(after):
            return
        self.sent = True
        if kind == "thread":
            main = ctypes.c_ulong(threading.main_thread().ident)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(main, ctypes.py_object(Stopped))
        else:
            os.kill(os.getpid(), getattr(signal, kind))

    def attempt(self, kind, work, after):
        """Return what the work returns, or None where it was interrupted after so many seconds."""
        self.over, self.sent, result, heard = threading.Event(), False, None, False
        sender = threading.Thread(target=self.send, args=(kind, after))
        sender.start()
        try:
            try:
                result = work()
            except Stopped:
                heard = True
            self.over.set()
            sender.join()
            for _ in range(1000):  # one that comes at the last moment
                time.sleep(0)
        except Stopped:
            heard = True
        self.over.set()
        sender.join()
        self.came[kind] += heard
        self.lost[kind] += self.sent and not heard
        return result


def check(folder):
    """Raise AssertionError if a file of the cache is not whole; return how many there are."""
    from fastbp.kernels.compiler import cache

    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    for path in files:
        assert path.suffix == ".kernel" and cache.read(path) is not None, path
    return len(files)


def main(folder, seed, tries):
    """Run the tries, in turns of each kind of work and interruption."""
    os.environ["NUMBA_CACHE_DIR"] = folder
    interruptions, chance = Interruptions(), random.Random(seed)
    bits, seconds = {}, dict.fromkeys((cold, own, alone), 2)
    for number in range(tries):
        work, begin = (cold, own, alone)[number % 3], time.perf_counter()
        kind = "thread" if number % 2 == 0 else SIGNALS[(seed + number // 2) % 3]
        result = interruptions.attempt(kind, work, chance.uniform(0, seconds[work]))
        if result is not None:
            seconds[work] = time.perf_counter() - begin
            bits.setdefault(work.__name__, set()).add(result)
        for after in (cold, own, alone) if number == tries - 1 else (own,):
            bits.setdefault(after.__name__, set()).add(after())
        check(folder)
    found = {name: sorted(each) for name, each in bits.items()}
    print(json.dumps({"came": interruptions.came, "lost": interruptions.lost, "bits": found, "files": check(folder)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
