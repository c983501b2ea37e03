"""Install contestants once, and ask for their versions."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.virtual_host import VirtualHost


class Absent(Exception):
    """A contestant cannot be installed, for the given reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The folders and the broker that contestants are installed with."""

    cache: Path
    """The folder of programs that stay installed between runs."""
    folder: Path
    """A folder for the files of one run."""
    rabbitmq_root: Path | None
    broker: VirtualHost

    def virtual_environment(self, name: str, *packages: str) -> Path:
        """Return the programs of a virtual environment of this Python that has these packages."""
        name += f"-python{platform.python_version()}"
        with self._fill_once(name) as folder:
            if folder is not None:
                venv.create(folder, with_pip=bool(packages))
                if packages:
                    _run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *packages])
        return self.cache / name / "bin"

    def python(self) -> str:
        """Return a Python without packages, like that of a fresh system; this machine's own may have many."""
        return str(self.virtual_environment("bare") / "python")

    def node_modules(self, name: str, *packages: str) -> Path:
        """Return a folder of Node.js modules that has these packages."""
        npm = program("npm")
        with self._fill_once(name) as folder:
            if folder is not None:
                folder.mkdir()
                _run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages])
        return self.cache / name / "node_modules"

    @contextmanager
    def _fill_once(self, name: str) -> Iterator[Path | None]:
        """Yield a folder to fill, or None if an earlier run has filled it."""
        self.cache.mkdir(parents=True, exist_ok=True)
        folder, done = self.cache / name, self.cache / f"{name}.installed"
        with (self.cache / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if done.exists():
                yield None
                return
            print(f"installing {name} into {folder}", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            yield folder
            done.touch()


def program(name: str) -> str:
    """Return the path of a program; raise `Absent` if it is not installed."""
    if found := shutil.which(name):
        return found
    raise Absent(f"{name} is not installed")


def clean_environment() -> dict[str, str]:
    """Return the environment of a user: without settings of the platform or of Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ATTUNE", "PYTHON"))}


def read_first_line(argv: Sequence[str]) -> str:
    """Return the first line that a program prints; raise `Absent` if it does not run."""
    return _run(argv).partition("\n")[0].strip()


def version_of(package: str, programs: Path) -> str:
    """Return the version of a package in a virtual environment."""
    ask = f"from importlib.metadata import version; print(version({package!r}))"
    return read_first_line([str(programs / "python"), "-c", ask])


def node_version_of(package: str, modules: Path) -> str:
    return str(json.loads((modules / package / "package.json").read_text(encoding="utf-8"))["version"])


def find_complaint(text: str) -> str:
    """Return the line of an output that names the failure: the last that begins with `error`, or the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    return next((line for line in reversed(lines) if line.lower().startswith("error")), lines[-1])


def _run(argv: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            argv,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Absent(f"{argv[0]}: {error.strerror}") from error
    if done.returncode:
        raise Absent(f"{Path(argv[0]).name} failed: {find_complaint(done.stdout + done.stderr)}")
    return done.stdout
