"""The command, run as a user runs it: another process, seen by its output and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True)
class Result:
    """What a user saw of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Command:
    """Runs `attune-infra` with these arguments, as a user would, in an environment that names some servers."""

    environment: Mapping[str, str]

    def __call__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Result:
        process = self.start(*arguments, environment=environment, folder=folder)
        stdout, stderr = process.communicate(timeout=60)
        return Result(process.returncode, stdout, stderr)

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        talk: TextIO | None = None,
    ) -> subprocess.Popen[str]:
        """Start it; its standard error goes into a file, if one is given, which nobody has to read."""
        return subprocess.Popen(
            [sys.executable, "-m", "attune_infra", *arguments],
            cwd=folder,
            env=clean_environment() | dict(self.environment) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=talk or subprocess.PIPE,
            text=True,
        )


def clean_environment() -> dict[str, str]:
    """Return the environment without any setting of the platform, and with modules compiled as pip leaves them."""
    ours = ("ATTUNE", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
