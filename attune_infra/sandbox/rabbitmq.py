"""A private RabbitMQ, from this machine or from another root file system.

It never touches the machine's own broker: node name, folders, cookie, port mapper and configuration are its own.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import SandboxError
from attune_infra.sandbox.packages import install_hint
from attune_infra.sandbox.ports import HOST, free_ports
from attune_infra.sandbox.processes import MAX_FILES, clean_environment, tether_command

_SCRIPTS: Final = (
    "usr/lib/rabbitmq/bin",
    "opt/rabbitmq/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
    "usr/local/opt/rabbitmq/sbin",
    "usr/lib/rabbitmq/sbin",
    "usr/local/lib/rabbitmq/sbin",
)
"""Folders below a root that may hold the broker's scripts, if they are not on the PATH."""

_ERLANG: Final = (
    "usr/local/bin",
    "usr/bin",
    "opt/erlang/bin",
    "opt/homebrew/bin",
    "opt/homebrew/opt/erlang/bin",
    "usr/local/opt/erlang/bin",
    "usr/local/lib/erlang/bin",
    "usr/lib/erlang/bin",
    "usr/lib64/erlang/bin",
)
"""Folders below a root that may hold Erlang's programs, if they are not on the PATH."""

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ON_LOOPBACK: Final = "-kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The paths of RabbitMQ and Erlang, as seen from inside the root, if there is one."""

    root: str | None
    scripts: str
    epmd: str
    path: str
    version: str
    """The version in the names of its files; empty if they do not have it."""


def find_installation(root: Path | None = None) -> Installation:
    """Find the broker of this machine or of another root file system; raise `SandboxError` if there is none."""
    if root is not None:
        _check_root(root)
    top = root or Path("/")
    scripts = next(_find_scripts(top, on_path=root is None), None)
    if scripts is None:
        if root is not None:
            raise SandboxError(
                f"rabbitmq-server is not installed in the root file system {root}",
                hint="install it there with the package manager of that system",
            )
        raise SandboxError("rabbitmq-server is not installed", hint=install_hint())
    erlang = next(_find_erlang(top, on_path=root is None), None)
    if erlang is None:
        raise SandboxError(
            f"rabbitmq-server is in {scripts}, but there is no Erlang: epmd was not found",
            hint="install Erlang, or add the folder of its programs to PATH",
        )
    inside = [str("/" / folder.relative_to(top)) for folder in (scripts, erlang)]
    outside = os.environ.get("PATH", "") if root is None else ""
    return Installation(
        root=str(root) if root else None,
        scripts=inside[0],
        epmd=f"{inside[1]}/epmd",
        path=":".join(filter(None, [inside[1], outside, _SYSTEM_PATH])),
        version=_version(scripts),
    )


def _check_root(root: Path) -> None:
    if sys.platform != "linux":
        raise SandboxError("a broker from another root file system needs Linux")
    if os.geteuid() != 0:
        raise SandboxError(
            f"only root may enter the root file system {root}",
            hint="run this as root, or use the rabbitmq-server of this machine",
        )
    if not (root / "bin/sh").exists():
        raise SandboxError(
            f"{root} is not a root file system: it has no bin/sh",
            hint="give the folder that holds bin, etc and usr of a system with rabbitmq-server",
        )


def _find_scripts(top: Path, *, on_path: bool) -> Iterator[Path]:
    candidates = [top / folder for folder in _SCRIPTS]
    if on_path and (found := shutil.which("rabbitmq-server")):
        candidates.insert(0, Path(found).resolve().parent)
    for folder in candidates:
        # Packages put wrappers on the PATH that switch to the user of the service. The real scripts stand beside
        # rabbitmq-env.
        if (folder / "rabbitmq-env").is_file() and (folder / "rabbitmq-server").is_file():
            yield folder


def _find_erlang(top: Path, *, on_path: bool) -> Iterator[Path]:
    candidates = [top / folder for folder in _ERLANG]
    if on_path and (found := shutil.which("erl")):
        # Not every package puts epmd on the PATH, but it stands beside the real erl.
        candidates = [Path(found).parent, Path(found).resolve().parent, *candidates]
    for folder in candidates:
        if (folder / "epmd").exists() and (folder / "erl").exists():
            yield folder


def _version(scripts: Path) -> str:
    plugins = (scripts / "rabbitmq-server").resolve().parent.parent / "plugins"
    for name in sorted(path.name for path in plugins.glob("rabbit-*")):
        if found := re.match(r"rabbit-(\d+\.\d+\.\d+[^/]*?)(?:\.ez)?$", name):
            return found[1]
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One broker: its program, name, folder and ports."""

    installation: Installation
    name: str
    folder: Path
    """The folder of its data and configuration, as seen from outside the root."""
    amqp_port: int
    management_port: int
    epmd_port: int
    distribution_port: int

    @classmethod
    def new(cls, installation: Installation, folder: Path, *, size: int = 1) -> tuple[Node, ...]:
        """Return the nodes of a cluster; each asks the same port mapper for the others."""
        epmd, *rest = free_ports(1 + 3 * size)
        cluster = f"sandbox-{secrets.token_hex(4)}"
        return tuple(
            cls(
                installation=installation,
                name=f"{cluster}-{number}@localhost" if size > 1 else f"{cluster}@localhost",
                folder=folder / str(number) if size > 1 else folder,
                amqp_port=rest[3 * number - 3],
                management_port=rest[3 * number - 2],
                epmd_port=epmd,
                distribution_port=rest[3 * number - 1],
            )
            for number in range(1, size + 1)
        )

    @property
    def root(self) -> Path | None:
        return Path(self.installation.root) if self.installation.root else None

    @property
    def _folder_inside(self) -> Path:
        """The folder as the broker sees it: below its own root, or shared with this one."""
        root = self.root
        return "/" / self.folder.relative_to(root) if root and self.folder.is_relative_to(root) else self.folder

    @property
    def ports(self) -> dict[str, int]:
        return {
            "amqp": self.amqp_port,
            "management": self.management_port,
            "epmd": self.epmd_port,
            "distribution": self.distribution_port,
        }

    def write(self, extra_config: str, *, cookie: str) -> None:
        """Create the folder with cookie, plugins and configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write("rabbitmq.conf", self._configuration(extra_config))
        self._write("enabled_plugins", "[rabbitmq_management].\n")
        self._write(".erlang.cookie", cookie, mode=0o400)

    def _configuration(self, extra: str) -> str:
        lines = [
            f"listeners.tcp.1 = {HOST}:{self.amqp_port}",
            f"management.tcp.ip = {HOST}",
            f"management.tcp.port = {self.management_port}",
            # A sandbox should not block publishers because the disk is nearly full.
            "disk_free_limit.absolute = 1MB",
            extra,
        ]
        return "\n".join([*lines, ""])

    def _write(self, name: str, text: str, *, mode: int = 0o600) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the broker; it would read from /etc any path that is not set here."""
        inside = str(self._folder_inside)
        return {
            "HOME": inside,
            "PATH": self.installation.path,
            "LANG": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
            "TZ": "UTC",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{inside}/data",
            "RABBITMQ_LOG_BASE": f"{inside}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{inside}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{inside}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{inside}/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": f"{inside}/none",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{inside}/none.config",
            "RABBITMQ_CONF_ENV_FILE": f"{inside}/none.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ON_LOOPBACK,
            "RABBITMQ_CTL_ERL_ARGS": f"-start_epmd false {_ON_LOOPBACK}",
            # With it the script becomes Erlang instead of staying its parent.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def rabbitmqctl(self, *arguments: str, within: float) -> str:
        """Run rabbitmqctl on this node and return its output; raise `SandboxError` with its complaint."""
        script = f"{self.installation.scripts}/rabbitmqctl"
        what = f"rabbitmqctl {arguments[0] if arguments else ''}".strip()
        try:
            done = subprocess.run(
                tether_command([script, *arguments], root=self.root, files=MAX_FILES),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env=clean_environment(self.environment()),
                cwd="/",
                timeout=within,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"`{what}` did not end within {within:g} s") from error
        if done.returncode != 0:
            raise SandboxError(f"`{what}` failed:\n{(done.stderr or done.stdout).strip()}")
        return done.stdout
