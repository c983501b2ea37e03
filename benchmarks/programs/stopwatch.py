"""Run processes, one at a time, and print the time, the processor time and the peak of memory of each.

This is a small process of its own, because Linux counts the memory of the spawning process into the peak of the
new one. Each line of standard input is an order, each line of standard output its result; both are JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

CANNOT_BE_RUN = 126
"""The exit code that a shell has for such a program, too."""


def time_process(argv: list[str], environment: dict[str, str], output: str, within: float) -> dict[str, float]:
    """Run a process to its end; kill it if it takes too long."""
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    started = time.perf_counter()
    try:
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=files, setpgroup=0)
    except OSError as error:
        with open(output, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would make this process larger
            file.write(f"{argv[0]}: {error.strerror}")
        return {"code": CANNOT_BE_RUN, "seconds": 0, "processor": 0, "megabytes": 0}
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, within)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    signal.setitimer(signal.ITIMER_REAL, 0)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "processor": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / unit,
    }


for line in sys.stdin:
    print(json.dumps(time_process(**json.loads(line))), flush=True)
