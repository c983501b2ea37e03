"""A small file system of its own, which a test fills or makes read-only; only root can mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A file system on which tests leave no room, or which they make read-only."""

    folder: Path

    def fill(self) -> None:
        """Leave no room for another byte; names of empty files still fit."""
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", self.folder)

    @property
    def filler(self) -> Path:
        return self.folder / "filler"

    @property
    def files(self) -> dict[str, str]:
        """The contents of all files, by their paths, without what fills the disk."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file() and path != self.filler)
        return {str(path.relative_to(self.folder)): path.read_text(encoding="utf-8") for path in found}


@contextmanager
def mounted(folder: Path, size: int = 64 << 10) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes on a folder; skip the test where that is not possible."""
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", folder)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", "--lazy", folder)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
