"""Files that a user names, alone or by a folder: read whole but bounded, as a device or a pipe may never end."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from attune_infra.errors import InvalidInput

MAX_BYTES: Final = 32 << 20
"""Bytes of a file that are read at most. Reading that much as a document takes less than 1 GB of memory."""
PATIENCE: Final = 30.0
"""Seconds in which something has to come out of a pipe."""
FULL: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT})
"""Reasons for which a file takes no more bytes."""
_PIECE: Final = 1 << 20
_SUFFIXES: Final = (".yaml", ".yml")
"""Files of a folder that are documents."""


def read_bounded(path: str | os.PathLike[str], *, patience: float = PATIENCE) -> bytes:
    """Return the contents of a file, a device or a pipe.

    Raise `InvalidInput` if it is too large, or if nobody writes into the pipe; `OSError` if it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # else a pipe waits for its writer
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not select.select([file], [], [], patience)[0]:
            raise InvalidInput(
                f"cannot read {path}: nothing was written into the pipe within {patience:g} s",
                hint="start the program that writes into it, or give a file",
            )
        os.set_blocking(descriptor, True)
        return read_up_to_limit(file, str(path))


def read_up_to_limit(file: IO[bytes], name: str) -> bytes:
    """Return everything that a file holds; raise `InvalidInput` if that is too much."""
    pieces, size = list[bytes](), 0
    while piece := file.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise InvalidInput(
                f"{name} is larger than {MAX_BYTES >> 20} MiB, which is more than is read of a file",
                hint="split it, and name the parts one after another",
            )
    return b"".join(pieces)


def read_text(path: Path) -> str:
    """Return the text of a file as UTF-8; raise as `read_bounded` does, or `UnicodeDecodeError`."""
    return read_bounded(path).decode("utf-8")


def documents_of(name: str) -> Iterator[str]:
    """Yield the names of the documents in a folder, in order, and any other name as it is.

    Hidden files are left out, as a shell does. Raise `InvalidInput` for a folder without a document.
    """
    if not os.path.isdir(name):  # noqa: PTH112 # a Path would turn - and ./x into other names
        yield name
        return
    found = sorted(file for file in Path(name).iterdir() if _is_document(file))
    if not found:
        raise InvalidInput(
            f"{name} is a folder without a document",
            hint="of a folder, the *.yaml and *.yml files are read; name any other file",
        )
    yield from map(str, found)


def _is_document(file: Path) -> bool:
    return file.suffix in _SUFFIXES and not file.name.startswith(".") and file.is_file()
