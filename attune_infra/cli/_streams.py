"""Standard streams that are closed, or that take nothing more."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from attune_infra.errors import InvalidInput

_FULL: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT})
_HINT: Final = "the command has done its work; make room, or let its output go elsewhere, and run it again"


def open_closed() -> None:
    """Let what is printed to a closed stream go nowhere: the command does its work all the same."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def drop_output() -> None:
    """Drop what is still to be printed, so that leaving does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def not_written(error: OSError) -> InvalidInput:
    """Return the failure of an output that takes nothing more, and drop the rest; raise any other error."""
    if error.errno not in _FULL or error.filename is not None:
        raise error
    drop_output()
    return InvalidInput(f"cannot write the result: {error.strerror}", hint=_HINT)
