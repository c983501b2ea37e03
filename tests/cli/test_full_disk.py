"""Every file that a command writes, on a disk that is full or read-only; and standard streams that are full.

A command that cannot write says which file, and why. A good file stays, no other one is left behind, and the
broker is as it was, unless the failure says what was changed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import amqp
import pytest

from attune_infra.errors import ExitCode
from attune_infra.settings import TOPOLOGY
from support.as_a_user import Command, Result
from support.commands import COMMANDS
from support.small_disk import SmallDisk, mounted

pytestmark = pytest.mark.any_broker

DOCUMENT = """\
topology: small
manages: [old, jobs]
queues: {jobs: {}}
"""
OLD = "the file of yesterday\n"
REASONS = {"full": "No space left on device", "read-only": "Read-only file system"}


@dataclass(frozen=True)
class Case:
    """A command that writes a file, named FILE in its arguments."""

    arguments: str
    changes: str = ""
    """The words for the changes that it makes before it writes; empty for a command that writes first, or only."""
    keeps_old: bool = True
    """False if it refuses the name of a file that exists."""

    def words(self, file: Path) -> list[str]:
        return [word.replace("FILE", str(file)) for word in self.arguments.split()]

    def __str__(self) -> str:
        return self.arguments


CASES = (
    Case("topology show --to FILE"),
    Case("topology show -o json --to FILE"),
    Case("completion bash --to FILE"),
    Case("export --to FILE"),
    Case("graph --live --format svg --to FILE"),
    Case("lint --report sarif=FILE"),
    Case("diff --report junit=FILE"),
    Case("verify --report markdown=FILE"),
    Case("diff --out FILE"),
    Case("setup --to FILE", changes="created 1 queue (jobs)"),
    Case("setup -o json --to FILE", changes="created 1 queue (jobs)"),
    Case("queue purge old --yes --to FILE", changes="emptied 1 queue (old)"),
    Case("setup --prune --allow-destructive --yes --undo-file FILE", keeps_old=False),
    Case("queue peek old --save FILE", keeps_old=False),
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder) as disk:
        yield disk


@pytest.fixture
def command(attune_infra: Command, tmp_path: Path) -> Command:
    document = tmp_path / "small.yaml"
    document.write_text(DOCUMENT)
    return Command({**attune_infra.environment, TOPOLOGY.variable: str(document)})


@pytest.fixture(autouse=True)
def old_queue(channel: amqp.Channel) -> None:
    channel.queue_declare("old", durable=True, auto_delete=False)
    channel.basic_publish(amqp.Message("m" * 3000), "", "old")


def queues_of(channel: amqp.Channel, *names: str) -> dict[str, int]:
    """Return the number of messages of the queues that exist."""
    found = {}
    for name in names:
        here = channel.connection.channel()
        try:
            found[name] = here.queue_declare(name, passive=True).message_count
        except amqp.NotFound:
            continue
    return found


def check_sentence(result: Result, file: Path, state: str) -> None:
    assert "Traceback" not in result.stderr
    assert result.code == ExitCode.FAILED, result
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: cannot write {file}: {REASONS[state]}"), result.stderr
    hints = [line for line in result.stderr.splitlines() if line.startswith("hint: ")]
    assert ("make room" in hints[0]) == (state == "full")


@pytest.mark.parametrize("state", REASONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_that_cannot_be_written(
    command: Command, disk: SmallDisk, channel: amqp.Channel, case: Case, state: str
) -> None:
    file = disk.folder / "file"
    if case.keeps_old:
        file.write_text(OLD)
    before, kept = queues_of(channel, "old", "jobs"), disk.files
    make_bad(disk, state)

    result = command(*case.words(file))

    check_sentence(result, file, state)
    assert disk.files == kept
    has_changed = bool(case.changes) and state == "full"
    assert (f"; before, the command had {case.changes}" in result.stderr) == has_changed
    assert (queues_of(channel, "old", "jobs") == before) != has_changed


def make_bad(disk: SmallDisk, state: str) -> None:
    if state == "full":
        disk.fill()
    else:
        disk.make_read_only()


@pytest.mark.parametrize("state", REASONS)
def test_the_undo_file_among_the_files_of_the_user(
    command: Command, disk: SmallDisk, channel: amqp.Channel, state: str
) -> None:
    folder = disk.folder / "attune-infra" / "undo"
    folder.mkdir(parents=True)
    make_bad(disk, state)

    result = command(
        *("setup", "--prune", "--allow-destructive", "--yes"), environment={"XDG_STATE_HOME": str(disk.folder)}
    )

    assert result.code == ExitCode.FAILED
    assert result.stderr.startswith(f"error: cannot write {folder}/undo-"), result.stderr
    assert REASONS[state] in result.stderr
    assert disk.files == {}
    assert queues_of(channel, "old", "jobs") == {"old": 1}


def test_a_folder_for_undo_files_that_cannot_be_made(
    command: Command, disk: SmallDisk, channel: amqp.Channel
) -> None:
    disk.make_read_only()

    result = command(
        *("setup", "--prune", "--allow-destructive", "--yes"), environment={"XDG_STATE_HOME": str(disk.folder)}
    )

    assert result.stderr.startswith(
        f"error: cannot keep an undo file in {disk.folder}/attune-infra/undo: Read-only file system; nothing"
    )
    assert queues_of(channel, "old", "jobs") == {"old": 1}


def test_every_option_that_names_a_file_to_write_is_tried() -> None:
    """A new option has to find its case here."""
    written = {"--to", "--report", "--out", "--save", "--undo-file"}
    read = {"--config", "--topology", "--ca-file", "--cert-file", "--key-file", "--values", "--names-file"}

    options = {
        parameter.opts[0]
        for context in COMMANDS.values()
        for parameter in context.command.params
        if parameter.param_type_name == "option" and "FILE" in (parameter.metavar or "")
    }

    assert options - read == written
    assert written <= {word for case in CASES for word in case.arguments.split()}


def test_a_tap_into_a_place_that_is_read_only(command: Command, disk: SmallDisk) -> None:
    disk.make_read_only()

    check_sentence(
        command("tap", "amq.topic", "--save", str(disk.folder / "file")), disk.folder / "file", "read-only"
    )


def test_a_tap_keeps_whole_lines_of_what_it_saved(
    attune_infra: Command, disk: SmallDisk, channel: amqp.Channel
) -> None:
    file = disk.folder / "tapped.jsonl"
    tap = attune_infra.start("tap", "amq.topic", "--save", str(file), "--max-rate", "100000")
    assert tap.stderr is not None
    while "Ctrl-C ends it" not in (line := tap.stderr.readline()):
        assert line
    for number in range(200):
        channel.basic_publish(amqp.Message(f"{number}" + "m" * 1000), "amq.topic", "key")

    _, talk = tap.communicate(timeout=60)

    assert tap.returncode == ExitCode.FAILED
    assert f"error: cannot write {file}: No space left on device" in talk
    text = file.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert 1 <= len(text.splitlines()) < 200


def run(command: Command, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'"$0" -m attune_infra {line}', sys.executable],
        env=command._environment(None),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("form", ["", "-o json", "-o markdown", "-v"])
def test_full_output_says_what_was_changed(command: Command, channel: amqp.Channel, form: str) -> None:
    result = run(command, f"{'setup' if form != '-o markdown' else 'diff'} {form} >/dev/full")

    assert result.returncode == ExitCode.FAILED
    assert "error: cannot write the result: No space left on device" in result.stderr
    if form != "-o markdown":
        assert "; before, the command had created 1 queue (jobs)" in result.stderr
        assert queues_of(channel, "jobs") == {"jobs": 0}


@pytest.mark.parametrize("line", ["setup -v", "setup -vv -o json", "setup", "setup -q"])
def test_a_full_log_stops_no_command_midway(command: Command, channel: amqp.Channel, line: str) -> None:
    result = run(command, f"{line} 2>/dev/full")

    assert (result.returncode, result.stdout == "") == (ExitCode.DONE, line == "setup -q")
    assert queues_of(channel, "jobs") == {"jobs": 0}


@pytest.mark.parametrize("line", ["diff --topology none.yaml -o json", "nonsense -o json"])
def test_a_failure_that_cannot_be_told_keeps_its_exit_code(command: Command, line: str) -> None:
    expected = ExitCode.WRONG_USAGE if line.startswith("nonsense") else ExitCode.FAILED

    told = run(command, f"{line} >/dev/full")
    untold = run(command, f"{line} >/dev/full 2>/dev/full")

    assert told.returncode == untold.returncode == expected
    assert told.stderr.startswith("error: ")
    assert "Traceback" not in told.stderr
