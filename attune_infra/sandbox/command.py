"""A command that runs inside a sandbox: it finds the servers by its environment, and ends with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

from attune_infra.errors import SandboxError
from attune_infra.sandbox.processes import tethered
from attune_infra.sandbox.value import Sandbox

_KILLED = 128
"""What shells add to the number of the signal that ended a command."""


def run_inside(sandbox: Sandbox, command: Sequence[str]) -> int:
    """Run a command to its end and return its exit code, as a shell would."""
    if shutil.which(command[0]) is None:
        raise SandboxError(
            f"there is no command '{command[0]}'", hint="write it as you would in a shell, after --"
        )
    process = subprocess.Popen(
        tethered(command, death=signal.SIGTERM), env={**os.environ, **sandbox.environment()}
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        code = process.wait()
    return code if code >= 0 else _KILLED - code
