"""A command that runs in a sandbox: its environment names the servers, and it ends with this process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

from attune_infra.errors import SandboxError
from attune_infra.sandbox.processes import tether_command
from attune_infra.sandbox.value import Sandbox

_SIGNAL_EXIT_BASE = 128
"""Exit code, in a shell, of a command that signal 0 would have ended; the number of the signal is added."""


def run_inside(sandbox: Sandbox, command: Sequence[str]) -> int:
    """Run a command and return its exit code, as a shell does."""
    if shutil.which(command[0]) is None:
        raise SandboxError(f"there is no command '{command[0]}'", hint="write it after --, as in a shell")
    process = subprocess.Popen(
        tether_command(command, death=signal.SIGTERM), env={**os.environ, **sandbox.environment()}
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        code = process.wait()
    if code < 0:  # a signal ended it
        return _SIGNAL_EXIT_BASE - code
    return code
