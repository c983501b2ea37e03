"""Folders and names of sandboxes.

    HOME/NAME.lock      locked by the supervisor while it runs; holds its pid and the paths of its folders
    HOME/NAME/          state.json, logs and data; removed with the sandbox
    HOME/NAME.*.log     log of a server that failed to start

The operating system releases a lock when its process ends, even if it is killed. So a name without a lock is free,
and anything left under it can be removed.
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
from pathlib import Path
from typing import Final, Self

from attune_infra.dataclass import dataclass
from attune_infra.errors import SandboxError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def home() -> Path:
    """Return the folder of this user's sandboxes, and create it if it is missing.

    For root it is a folder that other users can enter, since PostgreSQL refuses to run as root.
    """
    folder = _base() / f"attune-infra-sandbox-{os.geteuid()}"
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        pass
    except OSError as error:
        raise no_place(error, folder) from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SandboxError(
            f"{folder} belongs to another user",
            hint="set TMPDIR to a folder of your own, or remove that folder",
        )
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)
    return folder


def no_place(error: OSError, path: Path | None = None) -> SandboxError:
    """Return the failure to write the files of a sandbox."""
    shown = path or error.filename2 or error.filename  # of a copy, the first one is what was read
    return SandboxError(
        f"cannot write {shown}: {error.strerror}" if shown else f"cannot write a file: {error.strerror}",
        hint="make room, or set TMPDIR to a folder that you may write to",
    )


def _base() -> Path:
    try:
        chosen = Path(tempfile.gettempdir()).resolve()
    except FileNotFoundError as error:
        raise no_place(error) from error
    if os.geteuid() != 0:
        return chosen
    for folder in (chosen, Path("/tmp").resolve(), Path("/var/tmp").resolve()):  # noqa: S108 - with an owner check
        if all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents)):
            return folder
    raise SandboxError(
        f"only root can enter {chosen}, and PostgreSQL refuses to run as root",
        hint="set TMPDIR to a folder that every user may enter, or run this as another user than root",
    )


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SandboxError(
            f"a sandbox cannot have the name {name!r}",
            hint="use up to 40 letters, digits, '-' and '_', and begin with a letter or a digit",
        )
    return name


def folder_of(name: str) -> Path:
    return home() / name


def make_folder(folder: Path) -> None:
    """Create a folder of a sandbox; for root, the user of PostgreSQL has to reach its data."""
    folder.mkdir()
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def failure_log(name: str, log: Path) -> Path:
    """Return the path that keeps the log of a server that failed to start."""
    return home() / f"{name}.{log.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The lock of a name, kept until it is released or this process ends."""

    name: str
    descriptor: int

    @classmethod
    def take(cls, name: str) -> Self | None:
        """Lock a name and remove everything left under it; return None if another process has the lock."""
        path = _lock(name)
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except OSError as error:
                raise no_place(error, path) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            # Its last holder may have removed the file while this process opened it.
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    claim = cls(name, descriptor)
                    claim.clear()
                    for log in home().glob(f"{name}.*.log"):
                        log.unlink()
                    return claim
            os.close(descriptor)

    def sign(self, folders: Sequence[Path]) -> None:
        """Write the pid of this process and the folders of the sandbox into the lock file."""
        self._write(os.getpid(), folders)

    def release(self) -> None:
        """Remove the folders and release the name."""
        self.clear()
        _lock(self.name).unlink(missing_ok=True)
        os.close(self.descriptor)

    def clear(self) -> None:
        """Remove the folders of the sandbox, and the pid first: its process may be dead, and its number reused."""
        _, folders = _read(self.descriptor)
        with suppress(OSError):  # a full disk must not keep the folders
            self._write(None, folders)
        for folder in {folder_of(self.name), *folders}:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, pid: int | None, folders: Sequence[Path]) -> None:
        text = json.dumps({"pid": pid, "folders": [str(folder) for folder in folders]}).encode()
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))


def is_held(name: str) -> bool:
    """Return true if a running supervisor has locked the name."""
    with suppress(FileNotFoundError), _lock(name).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holder(name: str) -> int | None:
    """Return the pid of the supervisor of a name; None if there is none or it has not written its pid yet."""
    with suppress(FileNotFoundError), _lock(name).open("rb") as file:
        return _read(file.fileno())[0] if is_held(name) else None
    return None


def names() -> Iterator[str]:
    """Yield every name that is locked or was left behind."""
    for path in sorted(home().glob("*.lock")):
        yield path.stem


def sweep() -> None:
    """Remove everything that dead supervisors left behind."""
    for name in names():
        if not is_held(name) and (claim := Claim.take(name)):
            claim.release()


def _lock(name: str) -> Path:
    return home() / f"{name}.lock"


def _read(descriptor: int) -> tuple[int | None, tuple[Path, ...]]:
    try:
        content = json.loads(os.pread(descriptor, 10_000, 0))
        pid = content["pid"]
        return None if pid is None else int(pid), tuple(Path(folder) for folder in content["folders"])
    except (ValueError, KeyError, TypeError):
        return None, ()
