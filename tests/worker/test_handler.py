"""Messages that a command handles, and the ways in which it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.worker.handler import Command, Ended, Job, Nothing
from support.eventually import eventually


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
        (["sh", "-c", "kill -9 $$"], "signal 9 killed the command"),
        (["/no/such/command"], "the command could not be started: No such file or directory"),
    ],
)
def test_what_went_wrong_is_said(words: list[str], failure: str) -> None:
    assert ended(Command(words).start(b"")) == Ended(failure)


def test_a_job_is_not_over_before_it_is() -> None:
    job = Command(["sleep", "0.2"]).start(b"")

    assert job.poll() is None
    assert ended(job) == Ended()


def test_nothing_is_done_at_once() -> None:
    assert Nothing().start(b"").poll() == Ended()
