"""Files named by a user: read with a clear error, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from attune_infra.errors import InvalidInput, NotWritten
from attune_infra.files import FULL, read_bounded, read_up_to_limit

STDIN = "-"


def read_text(name: str) -> str:
    """Return the text of a file, or of standard input for `-`; raise `InvalidInput` if it cannot be read.

    A byte order mark remains, since a release of RabbitMQ refuses definitions for it.
    """
    try:
        content = read_up_to_limit(sys.stdin.buffer, "standard input") if name == STDIN else read_bounded(name)
        return content.decode("utf-8")
    except OSError as error:
        raise InvalidInput(
            f"cannot read {name}: {error.strerror}", hint="give a file, or - for standard input"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file, whole or not at all; raise `NotWritten` if that is impossible.

    An existing file keeps its mode, and a symbolic link remains one.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        _insist_on_file(path, target)
        try:
            _write(beside, text, target.stat().st_mode if target.exists() else None)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(path, error, "nothing was written; ") from error


def check_place(path: Path) -> None:
    """Raise `NotWritten` if the file cannot be written for a reason that shows before anything else is done."""
    target = Path(os.path.realpath(path))
    try:
        _insist_on_file(path, target)
        if not os.access(target.parent, os.W_OK | os.X_OK):
            trial = target.with_name(f".{os.urandom(8).hex()}.tmp")
            trial.touch(exist_ok=False)  # the system says why not
            trial.unlink()
    except OSError as error:
        raise _not_written(path, error, "nothing was done; ") from error


def _insist_on_file(path: Path, target: Path) -> None:
    if os.path.lexists(target) and not target.is_file():
        raise NotWritten(f"cannot write {path}: it is not a file", hint="name a file")


def _not_written(path: Path, error: OSError, so_far: str = "") -> NotWritten:
    """Return the failure to write a file; the advice follows from the reason."""
    advice = "name a file in an existing folder that you may write to"
    if error.errno in FULL:
        advice = "make room, or name a file elsewhere"
    return NotWritten(f"cannot write {path}: {error.strerror}", hint=f"{so_far}{advice}")


def _write(path: Path, text: str, mode: int | None) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def open_binary(name: str) -> Iterator[IO[bytes]]:
    """Yield a file, or standard input for `-`; raise `InvalidInput` if it cannot be read."""
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - an error of the block is not one of opening
    except OSError as error:
        raise InvalidInput(
            f"cannot read {name}: {error.strerror}", hint="give a file, or - for standard input"
        ) from error
    with file:
        yield file


class NewFile:
    """A file that is being written; its owner alone can read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except FileExistsError as error:
            raise InvalidInput(f"{path} exists", hint="name a file that does not exist") from error
        except OSError as error:
            raise _not_written(path, error) from error
        self._whole = 0

    def write(self, data: bytes) -> None:
        """Write bytes; raise `NotWritten` if that fails, and keep what was flushed before."""
        try:
            self._file.write(data)
        except OSError as error:
            raise self._cut(error) from error

    def flush(self) -> None:
        """Give what was written to the system, so that it outlives this process; raise as `write` does."""
        try:
            self._file.flush()
            self._whole = self._file.tell()
        except OSError as error:
            raise self._cut(error) from error

    def finish(self) -> None:
        """Write everything to the disk; raise as `write` does. Do nothing if writing has failed before."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._cut(error) from error

    def _cut(self, error: OSError) -> NotWritten:
        """Close the file, drop the piece that found no room, and return the failure."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            os.truncate(self._path, self._whole)
        return _not_written(self._path, error)

    def remove(self) -> None:
        """Remove the file again."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._path.unlink()


@contextmanager
def new_file(path: Path) -> Iterator[NewFile]:
    """Yield a new file, which holds secrets maybe, and remove it if the block fails.

    Raise `InvalidInput` if a file of that name exists.
    """
    file = NewFile(path)
    try:
        yield file
        file.finish()
    except BaseException:
        file.remove()
        raise
