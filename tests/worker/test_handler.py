"""Messages that a command handles, and the ways in which it fails."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from attune_infra.worker import handler
from attune_infra.worker.handler import Checked, Command, Ended, Job, Nothing
from support.eventually import eventually
from support.small_disk import mounted

PR_SET_CHILD_SUBREAPER: Final = 36


def ended(job: Job) -> Ended:
    found = eventually(job.poll, bool)
    assert found is not None
    return found


def test_a_message_of_any_length_is_on_standard_input(tmp_path: Path) -> None:
    body = b'"' + bytes(5_000_000) + b'"'

    assert ended(Command(["cp", "/dev/stdin", str(tmp_path / "copy")]).start(body)) == Ended()

    assert (tmp_path / "copy").read_bytes() == body


def test_a_command_need_not_read_it() -> None:
    assert ended(Command(["true"]).start(bytes(5_000_000))) == Ended()


@pytest.mark.parametrize(
    ("words", "failure"),
    [
        (["false"], "the command exited with code 1"),
        (["sh", "-c", "kill -9 $$"], "SIGKILL killed the command"),
        (["sh", "-c", "kill -40 $$"], "signal 40 killed the command"),
        (["sh", "-c", "exit 137"], "the command exited with code 137, a shell's for SIGKILL"),
        (["sh", "-c", "exit 255"], "the command exited with code 255"),
        (["/no/such/command"], "the command could not be started: No such file or directory"),
    ],
)
def test_what_went_wrong_is_said(words: list[str], failure: str) -> None:
    assert ended(Command(words).start(b"")) == Ended(failure)


def test_a_job_is_not_over_before_it_is() -> None:
    job = Command(["sleep", "0.2"]).start(b"")

    assert job.poll() is None
    assert ended(job) == Ended()


def test_a_command_that_takes_too_long_gets_sigterm(tmp_path: Path) -> None:
    job = Command(["sh", "-c", f"trap 'echo >{tmp_path}/asked; exit' TERM; sleep 60 & wait"], timeout=0.5).start(
        b""
    )

    assert ended(job) == Ended("the command ran for more than 0.5 s", is_late=True)
    assert (tmp_path / "asked").exists()


def test_a_command_that_ignores_sigterm_is_killed() -> None:
    job = Command(["sh", "-c", "trap '' TERM; sleep 60; sleep 60"], timeout=0.3, grace=0.3).start(b"")

    assert ended(job) == Ended("the command ran for more than 0.3 s, and was killed", is_late=True)


def test_a_child_that_cleans_up_has_its_grace_although_the_shell_is_dead(tmp_path: Path) -> None:
    child = f"trap 'sleep 0.3; echo >{tmp_path}/clean; exit' TERM; sleep 60 & wait"
    job = Command(["sh", "-c", f'sh -c "{child}"; :'], timeout=0.5).start(b"")

    assert ended(job) == Ended("the command ran for more than 0.5 s", is_late=True)
    assert (tmp_path / "clean").exists()


def test_what_it_leaves_behind_does_not_outlive_it(tmp_path: Path) -> None:
    job = Command(["sh", "-c", f"sleep 61 & echo $! >{tmp_path}/child"]).start(b"")

    assert ended(job) == Ended()
    child = int((tmp_path / "child").read_text())
    eventually(lambda: is_running(child), (False).__eq__)


def test_what_has_left_the_group_lives_on(tmp_path: Path) -> None:
    job = Command(["sh", "-c", f"setsid sleep 62 & echo $! >{tmp_path}/child; sleep 0.2"]).start(b"")

    assert ended(job) == Ended()
    child = int((tmp_path / "child").read_text())
    assert is_running(child)
    os.kill(child, signal.SIGKILL)


def test_the_first_process_of_a_container_does_not_wait_for_dead_children() -> None:
    """It becomes their parent, and a dead child is in its group until its parent has taken notice."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        job = Command(["sh", "-c", "sleep 63 & sleep 64"], timeout=0.3, grace=60).start(b"")

        assert ended(job) == Ended("the command ran for more than 0.3 s", is_late=True)
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


def is_running(pid: int) -> bool:
    """Return false for a process that is gone, or that is dead and waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_body_that_is_no_json_starts_nothing(tmp_path: Path) -> None:
    job = Checked(b"no json", Command(["touch", str(tmp_path / "started")]).start)

    assert ended(job) == Ended("it is not JSON: byte 0 is wrong")
    assert not (tmp_path / "started").exists()


def test_a_long_check_gives_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_SLICE", 0.0)
    job = Checked(b"[[1],[2],[3]]", Nothing().start)

    assert job.poll() is None
    assert job.seconds_left == 0
    assert ended(job) == Ended()


def test_nothing_is_done_at_once() -> None:
    assert Nothing().start(b"").poll() == Ended()


@pytest.mark.parametrize("is_full", [True, False])
def test_a_body_that_finds_no_room_on_disk_is_handed_over_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    body = b"x" * 300_000
    with mounted(tmp_path) as disk:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        if is_full:
            disk.fill()
        else:
            disk.make_read_only()

        assert ended(Command(["sh", "-c", "test $(wc -c) = 300000"]).start(body)) == Ended()
        assert disk.files == {}
