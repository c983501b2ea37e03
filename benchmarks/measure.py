"""Measuring whole processes, one at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from benchmarks.contestant import PROGRAMS, Call
from benchmarks.workshop import clean_environment, find_complaint

_TIMEOUT: Final = 300.0
"""Seconds after which a process is killed."""


class Failed(Exception):
    """A process to be measured failed."""


class Stopwatch:
    """Runs processes from a very small process; the docstring of its program gives the reason."""

    def __init__(self) -> None:
        self._output = tempfile.NamedTemporaryFile(prefix="benchmark-")  # noqa: SIM115 - it lives as long as this
        command = [sys.executable, "-I", "-S", str(PROGRAMS / "stopwatch.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_TIMEOUT)
        self._output.close()

    def time(self, calls: Iterable[Call], *, by_processor: bool = False) -> tuple[float, float]:
        """Return the seconds that the processes take one after another, and the MB of the largest.

        The seconds are those of the clock, or of the processor, which other programs hardly change.
        """
        turns = [self._time(call, "processor" if by_processor else "seconds") for call in calls]
        return sum(seconds for seconds, _ in turns), max(megabytes for _, megabytes in turns)

    def _time(self, call: Call, kind: str) -> tuple[float, float]:
        order = {
            "argv": call.argv,
            "environment": {**clean_environment(), **call.environment},
            "output": self._output.name,
            "within": _TIMEOUT,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if answer["code"]:
            text = Path(self._output.name).read_text(encoding="utf-8", errors="replace")
            raise Failed(f"it ended with exit code {answer['code']}: {find_complaint(text)}")
        return answer[kind], answer["megabytes"]
