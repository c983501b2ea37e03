"""A RabbitMQ of several nodes, any of which can be killed and started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import requests

from attune_infra.sandbox.ports import HOST
from attune_infra.sandbox.processes import Child
from attune_infra.sandbox.rabbitmq import Node, find_installation
from support.eventually import eventually
from support.under_test import BrokerUnderTest

_START_TIMEOUT: Final = 120.0
_COOKIE: Final = "known-to-all-nodes"


class Cluster:
    """Nodes that know each other, started together."""

    def __init__(self, under_test: BrokerUnderTest, folder: Path, size: int) -> None:
        installation = find_installation(under_test.root)
        first = Node.new(installation, folder / "0")
        others = (Node.new(installation, folder / str(number)) for number in range(1, size))
        self.nodes = (first, *(replace(node, epmd_port=first.epmd_port) for node in others))
        self._log = folder / "log"
        self._running: dict[str, Child] = {}
        known = [
            f"cluster_formation.classic_config.nodes.{i} = {node.name}" for i, node in enumerate(self.nodes, 1)
        ]
        for node in self.nodes:
            node.write("\n".join((*under_test.config, *known)))
            cookie = node.folder / ".erlang.cookie"
            cookie.chmod(0o600)
            cookie.write_text(_COOKIE, encoding="ascii")
            cookie.chmod(0o400)
        self._running["epmd"] = self._child(first, installation.epmd)
        for node in self.nodes:
            self.start(node)
        for node in self.nodes:
            self.is_up(node)

    def start(self, node: Node) -> None:
        """Start a node; `is_up` waits for it."""
        self._running[node.name] = self._child(node, f"{node.installation.scripts}/rabbitmq-server")

    def is_up(self, node: Node) -> None:
        """Wait until a node sees all that run."""
        up = {each.name for each in self.nodes if each.name in self._running}
        eventually(lambda: self._seen_by(node), up.__eq__, within=_START_TIMEOUT)

    def kill(self, node: Node) -> None:
        """End a node as a power cut does, and wait until the others have noticed."""
        _end(self._running.pop(node.name))
        for other in self.nodes:
            if other.name in self._running:
                self.is_up(other)

    def close(self) -> None:
        for child in self._running.values():
            _end(child)

    def _child(self, node: Node, program: str) -> Child:
        return Child([program], environment=node.environment(), log=self._log, root=node.root)

    @staticmethod
    def _seen_by(node: Node) -> set[str]:
        try:
            answer = requests.get(
                f"http://{HOST}:{node.management_port}/api/nodes", auth=("guest", "guest"), timeout=5
            )
            return {each["name"] for each in answer.json() if each["running"]}
        except (requests.RequestException, ValueError, TypeError, KeyError):
            return set()


def _end(child: Child) -> None:
    child.kill()
    eventually(lambda: child.ended, bool)


@contextmanager
def cluster(under_test: BrokerUnderTest, size: int) -> Iterator[Cluster]:
    """Give a cluster for as long as the block lasts."""
    with under_test.folder() as folder:
        made = Cluster(under_test, folder, size)
        try:
            yield made
        finally:
            made.close()
