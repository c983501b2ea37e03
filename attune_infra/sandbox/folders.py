"""Where sandboxes live, and who holds which name.

    HOME/NAME.lock      held by the supervisor while it lives; says its pid and which folders are its own
    HOME/NAME/          state.json, logs and data; gone when the sandbox is
    HOME/NAME.*.log     what a server said whose start failed

A lock of the operating system goes away with its holder, whatever becomes of it: a name that nobody holds is free,
and what is left under it is rubbish.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from attune_infra.errors import SandboxError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def home() -> Path:
    """Return the folder of this user's sandboxes, made if need be.

    As root it is where another user can get to, since PostgreSQL refuses to run as root.
    """
    folder = _base() / f"attune-infra-sandbox-{os.geteuid()}"
    mode = 0o711 if os.geteuid() == 0 else 0o700
    with suppress(FileExistsError):
        folder.mkdir(mode=mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SandboxError(
            f"{folder} belongs to somebody else",
            hint="set TMPDIR to a folder of your own, or have that one removed",
        )
    folder.chmod(mode)
    return folder


def _base() -> Path:
    chosen = Path(tempfile.gettempdir()).resolve()
    if os.geteuid() != 0:
        return chosen
    for folder in (chosen, Path("/tmp").resolve(), Path("/var/tmp").resolve()):  # noqa: S108 - with an owner check
        if all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents)):
            return folder
    raise SandboxError(
        f"no user but root can reach {chosen}, and PostgreSQL refuses to run as root",
        hint="set TMPDIR to a folder that everybody may enter, or run this as an ordinary user",
    )


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SandboxError(
            f"{name!r} cannot be the name of a sandbox",
            hint="use up to 40 letters, digits, '-' and '_', the first a letter or a digit",
        )
    return name


def folder_of(name: str) -> Path:
    return home() / name


def kept_log(name: str, log: Path) -> Path:
    """Return where the log of a server stays when its start fails."""
    return home() / f"{name}.{log.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A name, held until released or until this process ends."""

    name: str
    descriptor: int

    @classmethod
    def take(cls, name: str) -> Self | None:
        """Hold a name and remove what an earlier holder left; return None if somebody holds it."""
        path = _lock(name)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            # The file may have been removed by its last holder while we opened it.
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    claim = cls(name, descriptor)
                    claim.clear()
                    for log in home().glob(f"{name}.*.log"):
                        log.unlink()
                    return claim
            os.close(descriptor)

    def sign(self, folders: Sequence[Path]) -> None:
        """Write down who holds the name and which folders go with it."""
        text = json.dumps({"pid": os.getpid(), "folders": [str(folder) for folder in folders]})
        os.pwrite(self.descriptor, text.encode(), 0)
        os.ftruncate(self.descriptor, len(text.encode()))

    def release(self) -> None:
        """Remove the folders and give the name back."""
        self.clear()
        _lock(self.name).unlink(missing_ok=True)
        os.close(self.descriptor)

    def clear(self) -> None:
        """Remove the folders that go with the name."""
        for folder in {folder_of(self.name), *_read(self.descriptor)[1]}:
            shutil.rmtree(folder, ignore_errors=True)


def held(name: str) -> bool:
    """Say whether a living supervisor holds the name."""
    with suppress(FileNotFoundError), _lock(name).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holder(name: str) -> int | None:
    """Return the process that holds the name; None while it has not signed yet, too."""
    with suppress(FileNotFoundError), _lock(name).open("rb") as file:
        return _read(file.fileno())[0] if held(name) else None
    return None


def names() -> Iterator[str]:
    """Yield every name that is held or was left behind."""
    for path in sorted(home().glob("*.lock")):
        yield path.stem


def sweep() -> None:
    """Remove what dead supervisors left behind."""
    for name in names():
        if not held(name) and (claim := Claim.take(name)):
            claim.release()


def _lock(name: str) -> Path:
    return home() / f"{name}.lock"


def _read(descriptor: int) -> tuple[int | None, tuple[Path, ...]]:
    try:
        content = json.loads(os.pread(descriptor, 10_000, 0))
        return int(content["pid"]), tuple(Path(folder) for folder in content["folders"])
    except (ValueError, KeyError, TypeError):
        return None, ()
