"""Files named by a user: read with a clear error, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from secrets import token_hex

from attune_infra.errors import InvalidInput

STDIN = "-"


def read_text(name: str) -> str:
    """Return the text of a file, or of standard input for `-`; raise `InvalidInput` if it cannot be read.

    A byte order mark remains, since a release of RabbitMQ refuses definitions for it.
    """
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return content.decode("utf-8")
    except OSError as error:
        raise InvalidInput(
            f"cannot read {name}: {error.strerror}", hint="give a file, or - for standard input"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file, whole or not at all; raise `InvalidInput` if that is impossible.

    An existing file keeps its mode, and a symbolic link remains one.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{token_hex(8)}.tmp")
    try:
        if os.path.lexists(target) and not target.is_file():
            raise InvalidInput(f"cannot write {path}: it is not a file", hint="leave out --to to print the text")
        try:
            _write(beside, text, target.stat().st_mode if target.exists() else None)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        hint = "nothing was written; name a file in an existing folder that you may write to"
        raise InvalidInput(f"cannot write {path}: {error.strerror}", hint=hint) from error


def _write(path: Path, text: str, mode: int | None) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
