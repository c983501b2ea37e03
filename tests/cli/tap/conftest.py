"""Taps as processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.as_a_user import Command
from support.taps import Start, TapProcess


@pytest.fixture
def tap(attune_infra: Command, tmp_path: Path) -> Iterator[Start]:
    """Start taps, and end those that are left."""
    started: list[TapProcess] = []

    def start(*arguments: str, environment: Mapping[str, str] | None = None) -> TapProcess:
        command = Command({**attune_infra.environment, **(environment or {})})
        started.append(TapProcess(command, tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()
