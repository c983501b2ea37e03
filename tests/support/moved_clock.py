"""A wall clock that is set while a program runs, by libfaketime; the clock that nobody can set goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
_PAUSE = 0.05
_FOR_PYTHON = """
import time
real = time.time
def moved():
    with open({file!r}) as file:
        return real() + 86400 * float(file.read().strip().rstrip("d"))
time.time = moved
"""


@dataclass(frozen=True)
class MovedClock:
    """The clock of the programs that have this environment; `set` moves it, also while they run."""

    _file: Path

    @classmethod
    def at(cls, folder: Path, offset: str) -> MovedClock:
        """Return a clock that is off, such as by `+1d`; skip the test without libfaketime."""
        if not _LIBRARIES:
            pytest.skip("libfaketime is not installed")
        clock = cls(folder / "clock")
        clock.set(offset)
        return clock

    def set(self, offset: str) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{offset}\n")
        draft.replace(self._file)

    @contextmanager
    def jumping(self, *offsets: str) -> Iterator[None]:
        """Set it to one offset after the other, again and again, while the block runs."""
        ends = threading.Event()

        def jump() -> None:
            for offset in cycle(offsets):
                self.set(offset)
                if ends.wait(_PAUSE):
                    return

        thread = threading.Thread(target=jump)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    @property
    def environment_of_python(self) -> dict[str, str]:
        """The same for `time.time` alone, where libfaketime 0.9.10 makes `time.sleep` fail."""
        folder = self._file.with_name("for_python")
        folder.mkdir(exist_ok=True)
        folder.joinpath("sitecustomize.py").write_text(_FOR_PYTHON.format(file=str(self._file)))
        return {"PYTHONPATH": str(folder)}

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
