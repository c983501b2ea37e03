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
from benchmarks.workshop import clean_environment, complaint

_WITHIN: Final = 300.0
"""No process is waited for longer than this."""


class Failed(Exception):
    """A process that was to be measured did not do what it should."""


class Stopwatch:
    """Runs processes from a process that is as small as can be; its docstring says why."""

    def __init__(self) -> None:
        self._output = tempfile.NamedTemporaryFile(prefix="benchmark-")  # noqa: SIM115 - it lives as long as this
        command = [sys.executable, "-I", "-S", str(PROGRAMS / "stopwatch.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_WITHIN)
        self._output.close()

    def time(self, calls: Iterable[Call]) -> tuple[float, float]:
        """Return the seconds that all of them take, one after another, and the MB of the largest."""
        turns = [self._time(call) for call in calls]
        return sum(seconds for seconds, _ in turns), max(megabytes for _, megabytes in turns)

    def _time(self, call: Call) -> tuple[float, float]:
        order = {
            "argv": call.argv,
            "environment": {**clean_environment(), **call.environment},
            "output": self._output.name,
            "within": _WITHIN,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if answer["code"]:
            text = Path(self._output.name).read_text(encoding="utf-8", errors="replace")
            raise Failed(f"it ended with exit code {answer['code']}: {complaint(text)}")
        return answer["seconds"], answer["megabytes"]
