"""The processes of a sandbox, as the operating system sees them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from attune_infra.sandbox import Sandbox


@pytest.fixture
def processes_of() -> Callable[[Sandbox], frozenset[int]]:
    """Find every process that runs for a sandbox: one of its folders is in its command, environment or cwd."""
    if sys.platform != "linux":
        pytest.skip("processes are found through /proc")
    return lambda sandbox: frozenset(_processes(sandbox))


def _processes(sandbox: Sandbox) -> Iterator[int]:
    marks = [sandbox.name.encode()]
    if sandbox.node.root:
        folder = sandbox.node.folder if len(sandbox.nodes) == 1 else sandbox.node.folder.parent
        marks.append(folder.name.encode())
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                seen = b"\0".join(
                    [
                        (folder / "cmdline").read_bytes(),
                        (folder / "environ").read_bytes(),
                        bytes((folder / "cwd").readlink()),
                    ]
                )
                if any(mark in seen for mark in marks):
                    yield int(folder.name)
