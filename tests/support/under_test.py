"""The RabbitMQ under test, with its release and its restrictions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import BoundSandbox, bound
from attune_infra.sandbox.rabbitmq import find_installation
from attune_infra.settings import TOPOLOGY
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Topology
from support.folders import EXAMPLES

Release: TypeAlias = tuple[int, int]

DURABLE_WORKERS = EXAMPLES / "attune-durable-workers.yaml"
DENIES_TRANSIENT_QUEUES = "deprecated_features.permit.transient_nonexcl_queues = false"


@dataclass(frozen=True)
class BrokerUnderTest:
    """A RabbitMQ of this machine or of another root file system, with some lines of configuration."""

    root: Path | None
    config: tuple[str, ...]

    @classmethod
    def of(cls, config: pytest.Config) -> BrokerUnderTest:
        root = config.getoption("--rabbitmq-root")
        return cls(root and Path(root).resolve(), tuple(config.getoption("--broker-config")))

    @cached_property
    def version(self) -> str:
        """The version of the installed files; raise `SandboxError` if there is no RabbitMQ."""
        return find_installation(self.root).version

    @cached_property
    def release(self) -> Release:
        major, minor, *_ = (int(part) for part in self.version.split("."))
        return major, minor

    def is_older_than(self, release: Release) -> bool:
        """Return true for an older release; false without any RabbitMQ, so that tests fail rather than skip."""
        try:
            return self.release < release
        except SandboxError:
            return False

    @property
    def denies_transient_queues(self) -> bool:
        """True if it refuses queues that are neither durable nor exclusive, such as those of the workers."""
        return any(line.split() == DENIES_TRANSIENT_QUEUES.split() for line in self.config)

    @property
    def topology(self) -> Topology:
        """Attune's topology, or the nearest one that this RabbitMQ allows."""
        if self.denies_transient_queues:
            return parse(DURABLE_WORKERS.read_text(encoding="utf-8"), source=DURABLE_WORKERS.name)
        return attune()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make a command use that topology."""
        return {TOPOLOGY.variable: str(DURABLE_WORKERS)} if self.denies_transient_queues else {}

    @contextmanager
    def sandbox(self, *, postgres: bool = True, nodes: int = 1, extra_config: str = "") -> Iterator[BoundSandbox]:
        """Yield a sandbox of its own, with more nodes or more configuration."""
        lines = "\n".join((*self.config, extra_config))
        with bound(postgres=postgres, nodes=nodes, rabbitmq_root=self.root, extra_config=lines) as sandbox:
            yield sandbox

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a folder that the broker can read too, for as long as the block lasts."""
        with TemporaryDirectory(prefix="attune-infra-test-", dir=self.root and self.root / "tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            yield folder

    def path_inside(self, path: Path) -> Path:
        """Return a path as a process inside the broker's root sees it."""
        return "/" / path.relative_to(self.root or "/")

    def __str__(self) -> str:
        origin = f" of {self.root}" if self.root else ""
        return f"RabbitMQ {self.version}{origin}" + "".join(f", {line}" for line in self.config)
