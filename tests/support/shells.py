"""Shells, driven as a person drives them: a line is typed, TAB is pressed, and the words of the line are read."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from support.as_a_user import TIMEOUT, clean_environment

_START = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "source <(attune-infra completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "bindkey -e; autoload -U compinit; compinit -D -u; source <(attune-infra completion zsh)",
    ),
}


def has(shell: str) -> bool:
    return shutil.which(shell) is not None


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a shell that finds the program."""
    path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    return clean_environment() | {"PATH": path, "TERM": "dumb", "PS1": "", "COLUMNS": "500"} | dict(given)


def complete_in(shell: str, line: str, environment: Mapping[str, str], folder: Path) -> list[str]:
    """Return the words of a line behind the program, after TAB in bash or zsh."""
    command, script = _START[shell]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment_of(environment), cwd=folder
    )
    os.close(slave)
    with os.fdopen(master, "r+b", buffering=0) as terminal:
        terminal.write(f"{script}; echo rea''dy\n".encode())
        read_until(terminal.fileno(), "ready")
        terminal.write(f"attune-infra {line}\t".encode())
        terminal.write(b"\x01printf '<%s>' \x05; echo en''ded; exit\n")  # ^A begin, ^E end
        shown = read_until(terminal.fileno(), "ended")
        process.wait(TIMEOUT)
    said = re.sub(r"\r\n?|\x1b\[[?0-9;]*[a-zA-Z]", "", shown.rpartition("<attune-infra>")[2])
    return re.findall(r"<(.*?)>", said)


def read_until(terminal: int, word: str) -> str:
    """Return all that a terminal shows until a word; raise `TimeoutError` if the word does not come."""
    shown, ends = b"", time.monotonic() + TIMEOUT
    while word.encode() not in shown:
        if not select.select([terminal], [], [], max(ends - time.monotonic(), 0))[0]:
            raise TimeoutError(shown.decode(errors="replace"))
        shown += os.read(terminal, 4096)
    return shown.decode(errors="replace")


def fish_candidates(line: str, environment: Mapping[str, str], folder: Path) -> list[str]:
    """Return the words that fish offers for a line, each with its explanation."""
    script = "attune-infra completion fish | source; complete --do-complete $argv[1]"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, f"attune-infra {line}"],
        capture_output=True,
        text=True,
        check=True,
        env=environment_of(environment) | {"HOME": str(folder)},
        cwd=folder,
        timeout=TIMEOUT,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()
