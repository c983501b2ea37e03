"""A sandbox whose disk is full, and one that finds no place to write to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp

import pytest

from attune_infra.sandbox import Sandbox, Status, find, up
from attune_infra.sandbox.client import down
from support.eventually import eventually
from support.small_disk import SmallDisk, mounted

SMALL, LARGE = 1 << 20, 300 << 20
READ_ONLY = (
    "for each in /tmp /var/tmp; do mount --bind $each $each; mount -o remount,bind,ro $each; done; cd /proc"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of PostgreSQL may enter, unlike those of other tests."""
    folder = Path(mkdtemp(prefix="attune-infra-disk-"))
    folder.chmod(0o755)
    yield folder
    folder.rmdir()


@pytest.fixture
def name() -> str:
    return f"test-{token_hex(4)}"


def attune_infra(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "attune_infra", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_servers_that_find_no_room_end_in_a_sentence_and_leave_nothing(folder: Path, name: str) -> None:
    with mounted(folder, SMALL) as disk:
        result = attune_infra("sandbox", "up", "--name", name, folder=folder)

        assert result.returncode == 1, result
        # Who may not read the installed PostgreSQL gets a copy of it, which finds no room either.
        sentences = ("did not start: initdb ended with exit code 1", f"cannot write {folder}")
        assert any(each in result.stderr for each in sentences)
        assert "No space left on device" in result.stderr
        assert "Traceback" not in result.stderr
        assert {path.suffix for path in map(Path, disk.files)} <= {".log"}  # the log that the sentence names


def test_a_sandbox_that_finds_no_place_at_all_says_so(name: str) -> None:
    """No folder for temporary files takes a file, not even the present one."""
    script = f"exec {sys.executable} -m attune_infra sandbox up --name {name}"
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{READ_ONLY} && {script}"],
        env={**os.environ, "TMPDIR": "/proc"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in result.stderr:
        pytest.skip(f"no file system can be mounted here: {result.stderr.strip()}")

    assert result.returncode == 1, result
    assert result.stderr.startswith("error: cannot write a file: No usable temporary directory found in ["), result
    assert "set TMPDIR to a folder that you may write to" in result.stderr


def test_a_disk_that_fills_up_ends_no_sandbox(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state is written as soon as there is room again."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    with mounted(folder, LARGE) as disk:
        sandbox = up(name, postgres=False)
        try:
            check_fills_up(sandbox, disk, name)
        finally:
            down(name)
        assert set(disk.files) == set()


def check_fills_up(sandbox: Sandbox, disk: SmallDisk, name: str) -> None:
    draft = sandbox.folder / "state.draft"
    disk.fill()
    os.kill(sandbox.broker.pid, signal.SIGKILL)
    eventually(draft.exists, lambda tried: tried)

    disk.filler.unlink()

    eventually(lambda: find(name), lambda found: found is not None and found.status is Status.STOPPED)
