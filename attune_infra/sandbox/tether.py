"""Become another program that ends together with the process that asked for it.

This is a script (`python -I -S tether.py ORDERS PROGRAM ARGUMENT...`), because Python code should not run between
fork and exec. ORDERS is JSON: the program gets `signal` when the process `parent` dies; `uid` and `gid` drop root;
`files` limits the open files; `root` enters another root file system. The first and the last need Linux.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_CLONE_NEWNS: Final = 0x20000
_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 0x40000

LINUX: Final = sys.platform == "linux"
SHARED: Final = Path("/dev")
"""The folder that another root shares with this one, under the same path."""


def adopt_orphans() -> None:
    """Make this process the parent of all processes that its children leave behind."""
    if LINUX:
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int, death: int) -> None:
    """Ask the kernel for a signal when the parent dies; exit at once if it is dead already."""
    if LINUX:
        _call("prctl", _PR_SET_PDEATHSIG, death, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the supervisor ended")


def enter(root: Path) -> None:
    """Enter a root file system, with a /proc and /dev that only this process and its children see."""
    hosts = root / "etc/hosts"
    if not hosts.exists():
        hosts.write_text("127.0.0.1 localhost\n", encoding="ascii")
    proc, shared = root / "proc", root / SHARED.relative_to("/")
    for folder in (proc, shared):
        folder.mkdir(exist_ok=True)
    _call("unshare", _CLONE_NEWNS)
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _call("mount", b"proc", os.fsencode(proc), b"proc", 0, None)
    _call("mount", os.fsencode(SHARED), os.fsencode(shared), None, _MS_BIND | _MS_REC, None)
    os.chroot(root)
    os.chdir("/")


def drop_root(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def limit_open_files(most: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft > most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _call(function: str, *arguments: int | bytes | None) -> None:
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*wide) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def main(orders: str, *command: str) -> None:
    wanted = json.loads(orders)
    try:
        if wanted["files"] is not None:
            limit_open_files(wanted["files"])
        if wanted["root"] is not None:
            enter(Path(wanted["root"]))
        if wanted["uid"] is not None:
            drop_root(wanted["uid"], wanted["gid"])
        # This is last, because the kernel forgets it when the user changes.
        die_with(wanted["parent"], wanted["signal"])
        # Python ignores these signals, and a program would inherit that.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
