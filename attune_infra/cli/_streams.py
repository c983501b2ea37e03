"""Standard streams that are closed, or that take nothing more."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

from attune_infra.errors import NotWritten
from attune_infra.files import FULL

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_HINT: Final = "the command has done its work; make room, or let its output go elsewhere, and run it again"


def open_closed() -> None:
    """Let what is printed to a closed stream go nowhere: the command does its work all the same."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


class _Sparing(io.FileIO):
    """A file that drops what it has no room for."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno not in FULL:
                raise
            return memoryview(data).nbytes


def spare_errors() -> None:
    """Let sentences that find no room on standard error be dropped: a full log must not stop a command midway."""
    if isinstance(getattr(sys.stderr, "buffer", None), io.BufferedWriter | io.FileIO):
        raw = _Sparing(sys.stderr.fileno(), "wb", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(raw), sys.stderr.encoding, errors="backslashreplace", line_buffering=True
        )


def drop_output() -> None:
    """Drop what is still to be printed, so that leaving does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def not_written(error: OSError) -> NotWritten:
    """Return the failure of an output that takes nothing more, and drop the rest; raise any other error."""
    if error.errno not in FULL or error.filename is not None:
        raise error
    drop_output()
    return NotWritten(f"cannot write the result: {error.strerror}", hint=_HINT)
