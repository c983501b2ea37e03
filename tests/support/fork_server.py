"""Fork the program again and again from a process that has loaded it.

This is a script with a socket as its standard input. Each message is an order in JSON with three open files: for
standard output, for standard error, and for the exit code, which is negative for a signal.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import signal
import socket
import sys
from importlib import import_module
from typing import NoReturn

import attune_infra
from attune_infra.__main__ import main as program

MAX_ORDER_BYTES = 100_000
LIBRARIES = ("amqp", "psycopg", "rabbitmq_admin", "requests", "rich.console", "rich.progress")
"""Libraries that the program loads when it needs them."""


def main() -> None:
    modules = pkgutil.walk_packages(attune_infra.__path__, "attune_infra.")
    for name in (*LIBRARIES, *(module.name for module in modules)):
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children need no wait()
    orders = socket.socket(fileno=0)
    while True:
        order, files, *_ = socket.recv_fds(orders, MAX_ORDER_BYTES, 3)
        if not order:
            break
        if not os.fork():
            carry_out(order, files)
        for file in files:
            os.close(file)


def carry_out(order: bytes, files: list[int]) -> NoReturn:
    """Become the program; a second process stays behind and reports the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, talk, code = files
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        os.write(code, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    wanted = json.loads(order)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(talk, 2)
    os.closerange(3, code + 1)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv[:] = ["attune-infra", *wanted["arguments"]]
    signal.alarm(wanted["within"])
    program()


if __name__ == "__main__":
    main()
