"""A competitor is a process that holds one task ready. It is stopped while it is not its turn."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

PREDICTION_SECONDS = 0.1  # of a sample, made of many predictions where they are short
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # would have a peer's BLAS use kernels meant for another CPU


class LeftOut(Exception):
    """A competitor can't take part, and why."""


class Competitor:
    """A process that runs `serve` and is asked for one thing after the other.

    Parameters
    ----------
    name, case : what the process is told to do
    script : what it runs, as `script --compete name case N`; it answers on the file descriptor N
    """

    def __init__(self, name: str, case: str, script: str) -> None:
        answers, answers_out = os.pipe()
        self.answers, self.words = os.fdopen(answers), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, script, "--compete", name, case, str(answers_out)],
            stdin=subprocess.PIPE, stdout=self.words, stderr=self.words, text=True, bufsize=1,
            pass_fds=[answers_out], start_new_session=True,
            env={key: value for key, value in os.environ.items() if key not in PINS},
        )  # fmt: skip
        os.close(answers_out)
        self.first_answer = self._answer()
        self._signal(signal.SIGSTOP)

    def ask(self, what: str) -> float:
        """Let the process go on until it has answered; raise LeftOut if it died."""
        self._signal(signal.SIGCONT)
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        answer = self._answer()
        self._signal(signal.SIGSTOP)
        return answer

    def end(self) -> None:
        """End the process and all that it has started."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        for file in (self.process.stdin, self.answers, self.words):
            assert file
            file.close()

    def _answer(self) -> float:
        line = self.answers.readline()
        answer = json.loads(line) if line else {"left out": f"died: {self._last_words()}"}
        if isinstance(answer, dict):
            self.end()
            raise LeftOut(answer["left out"])
        return answer

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)  # its answers end before it tells why
        self.words.seek(0)
        return ([line.strip() for line in self.words if line.strip()] or ["without a word"])[-1]

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)  # the group's id is that of its first process
        except ProcessLookupError:
            pass  # it ended on its own


def serve(answers: int, prepare: Callable[[], tuple[float, Callable[[str], float]]]) -> None:
    """Be the process of a competitor: answer each line on stdin until there are no more.

    Parameters
    ----------
    answers : file descriptor that answers are written to, a line of JSON each
    prepare : returns the first answer and a function that answers a line. An ImportError or a NotImplementedError that
        it raises leaves the competitor out.
    """
    with os.fdopen(answers, "w", buffering=1) as out:
        try:
            first, answer = prepare()
        except (ImportError, NotImplementedError) as error:
            print(json.dumps({"left out": str(error)}), file=out)
            return
        print(json.dumps(first), file=out)
        for line in sys.stdin:
            print(json.dumps(answer(line.strip())), file=out)


def sample(run: Callable[[], Any], mode: str = "train") -> float:
    """Return the seconds of one run, which follows another that wakes threads and fills caches."""
    if mode == "train":
        seconds(run, 1)
        return seconds(run, 1)
    return seconds(run, max(1, int(PREDICTION_SECONDS / min(seconds(run, 1) for _ in range(3)))))


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Return the seconds of one run, the mean of some."""
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats
