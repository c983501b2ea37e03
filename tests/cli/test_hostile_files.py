"""Files that never end, that nobody writes, that are nested without end; and streams that are closed or full."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from attune_infra.errors import ExitCode, InvalidInput
from attune_infra.files import MAX_BYTES, read_bounded
from attune_infra.topology.document.problems import MAX_SHOWN
from support.as_a_user import Command

DUPLICATES = 200


def test_a_device_that_never_ends_is_refused(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("diff", "--topology", "/dev/zero", environment={"ATTUNE_INFRA_CONFIG": ""})

    assert result.code == ExitCode.FAILED
    assert result.stderr.startswith(
        "error: /dev/zero is larger than 32 MiB, which is more than is read of a file\n"
    )


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * MAX_BYTES)
    assert len(read_bounded(file)) == MAX_BYTES

    file.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(InvalidInput, match="is larger than 32 MiB"):
        read_bounded(file)


def test_a_pipe_that_nobody_writes_into_does_not_hang(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(InvalidInput, match=r"nothing was written into the pipe within 0\.1 s"):
        read_bounded(pipe, patience=0.1)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"x" * 300_000,))
    writer.start()

    assert len(read_bounded(pipe)) == 300_000
    writer.join()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, "nested too deep"),
        ("a: 2026-13-45\n", "no such date, or a number of too many digits"),
        (f"a: {'9' * 100_000}\n", "no such date, or a number of too many digits"),
    ],
    ids=["nested", "date", "digits"],
)
def test_a_hostile_configuration_file_ends_in_a_sentence(
    attune_infra_alone: Command, tmp_path: Path, text: str, problem: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)

    result = attune_infra_alone("diff", environment={"ATTUNE_INFRA_CONFIG": str(config)})

    assert result.code == ExitCode.FAILED
    assert result.stderr.splitlines()[0] == f"error: {config}: {problem}"


def test_only_the_first_of_many_problems_are_put_into_words(attune_infra_alone: Command, tmp_path: Path) -> None:
    document = tmp_path / "duplicates.yaml"
    document.write_text("exchanges:\n" + "  a: {type: topic}\n" * (DUPLICATES + 1))

    result = attune_infra_alone("topology", "check", document.name, folder=tmp_path)

    lines = result.stderr.splitlines()
    assert len(lines) == MAX_SHOWN + 1
    assert lines[-1] == f"duplicates.yaml: {DUPLICATES - MAX_SHOWN} more problems"


def run(redirection: str) -> subprocess.CompletedProcess[str]:
    line = f'"$0" -m attune_infra topology show {redirection}'
    return subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_nothing(closed: str) -> None:
    result = run(closed)

    assert (result.returncode, result.stderr) == (ExitCode.DONE, "")
    assert (result.stdout == "") == (" >&-" in f" {closed}")


@pytest.mark.parametrize("form", ["", "--output json"])
def test_a_full_disk_ends_in_a_sentence(form: str) -> None:
    result = run(f"{form} >/dev/full")

    assert result.returncode == ExitCode.FAILED
    assert result.stderr.splitlines()[0] == "error: cannot write the result: No space left on device"
