"""The processes of a private RabbitMQ: Erlang's port mapper, and one node or several that form a cluster."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import signal
from pathlib import Path
from typing import Any, Final

from attune_infra.sandbox.ports import HOST, answers
from attune_infra.sandbox.processes import Child, Wait
from attune_infra.sandbox.rabbitmq import Installation, Node

_GREETING: Final = b"AMQP\x00\x00\x09\x01"


class Broker:
    """One node of a cluster; it may be the only one."""

    title: Final = "RabbitMQ"
    start_timeout: Final = 120.0
    stop_timeout: Final = 60.0

    def __init__(self, cluster: Cluster, node: Node, log: Path) -> None:
        self.node = node
        self.version = node.installation.version
        self.log = log
        self._cluster = cluster
        self._process: Child | None = None

    @property
    def ports(self) -> dict[str, int]:
        return self.node.ports

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.ended is None

    @property
    def start_failure(self) -> str | None:
        """Reason why the start failed; None while it goes on."""
        return next((child.ended for child in self.children if child.ended), None)

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(child for child in (self._process, self._cluster.mapper) if child)

    @property
    def process(self) -> Child | None:
        return self._process

    def prepare(self, wait: Wait) -> None:  # noqa: ARG002 - the database needs it
        """Write the configuration, and remove all data."""
        shutil.rmtree(self.node.folder, ignore_errors=True)
        self.node.write(self._cluster.configuration, cookie=self._cluster.cookie)

    def change_ports(self) -> None:
        """Change those of the whole cluster, as its nodes share a port."""
        self._cluster.change_ports()

    def launch(self, wait: Wait) -> None:
        """Start the port mapper, then the node, which would otherwise start a port mapper that outlives it."""
        mapper = self._cluster.map_ports_for(self, wait)
        if not mapper.ended:
            self._process = self.start([f"{self.node.installation.scripts}/rabbitmq-server"])

    def start(self, command: list[str]) -> Child:
        return Child(command, environment=self.node.environment(), log=self.log, root=self.node.root)

    def is_ready(self) -> bool:
        """Return true if this node answers over HTTP and AMQP, and sees the running nodes of its cluster."""
        overview = self._get("overview")
        if not isinstance(overview, dict) or overview.get("node") != self.node.name:
            return False
        listening = {listener.get("port") for listener in overview.get("listeners", ())}
        if self.node.amqp_port not in listening or not answers(self.node.amqp_port, _GREETING):
            return False
        self.version = overview.get("rabbitmq_version", self.version)
        return self._cluster.size == 1 or self.seen() >= self._cluster.running_nodes

    def seen(self) -> frozenset[str]:
        """Return the names of the nodes that run, as this node sees them; none if it does not answer."""
        nodes = self._get("nodes")
        return frozenset(each["name"] for each in nodes if each.get("running")) if nodes else frozenset()

    def is_noticed(self) -> bool:
        """Return true if no other running node takes this one for running."""
        return not any(self.node.name in other.seen() for other in self._cluster.others(self))

    def _get(self, what: str) -> Any:
        if not answers(self.node.management_port):
            return None
        import http.client

        connection = http.client.HTTPConnection(HOST, self.node.management_port, timeout=5)
        try:
            login = base64.b64encode(b"guest:guest").decode()
            connection.request("GET", f"/api/{what}", headers={"Authorization": f"Basic {login}"})
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == http.client.OK else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def ask_to_stop(self) -> None:
        """Ask RabbitMQ to stop in order, which takes some seconds."""
        if self._process:
            self._process.send(signal.SIGTERM)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def discard(self) -> None:
        """End all processes at once, and the port mapper with the last node; nobody needs the data any more."""
        self.kill()
        self._cluster.forget(self)


class Cluster:
    """Nodes that know each other: a cookie, a port mapper and a list of names in common."""

    def __init__(
        self, installation: Installation, folder: Path, *, size: int, extra_config: str, logs: Path
    ) -> None:
        self.size = size
        self.cookie = secrets.token_hex(20)
        self.mapper: Child | None = None
        self._installation = installation
        self._folder = folder
        self._extra_config = extra_config
        self._mapped = set[Broker]()
        self.brokers = tuple(
            Broker(self, node, logs / ("rabbitmq.log" if number == 1 else f"rabbitmq-{number}.log"))
            for number, node in enumerate(self._new_nodes(), 1)
        )

    def _new_nodes(self) -> tuple[Node, ...]:
        return Node.new(self._installation, self._folder, size=self.size)

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{each.node.amqp_port}" for each in self.brokers)
        return f"amqp://guest:guest@{hosts}/%2F"

    @property
    def management_url(self) -> str:
        """The URL without credentials; they are the same as for AMQP."""
        return "http://" + ",".join(f"{HOST}:{each.node.management_port}" for each in self.brokers)

    @property
    def configuration(self) -> str:
        names = [each.node.name for each in self.brokers] if self.size > 1 else []
        nodes = [f"cluster_formation.classic_config.nodes.{i} = {name}" for i, name in enumerate(names, 1)]
        return "\n".join([self._extra_config, *nodes])

    @property
    def running_nodes(self) -> frozenset[str]:
        """The names of the nodes whose process runs."""
        return frozenset(each.node.name for each in self.brokers if each.is_running)

    def others(self, broker: Broker) -> tuple[Broker, ...]:
        """Return the other nodes whose process runs."""
        return tuple(each for each in self.brokers if each is not broker and each.is_running)

    def change_ports(self) -> None:
        for broker, node in zip(self.brokers, self._new_nodes(), strict=True):
            broker.node = node

    def map_ports_for(self, broker: Broker, wait: Wait) -> Child:
        """Start the port mapper if it does not run."""
        self._mapped.add(broker)
        if self.mapper is None or self.mapper.ended:
            node = self.brokers[0].node
            mapper = self.mapper = self.brokers[0].start([node.installation.epmd])
            wait(lambda: bool(mapper.ended) or answers(node.epmd_port), within=10.0)
        return self.mapper

    def forget(self, broker: Broker) -> None:
        """Kill the port mapper if no other node needs it."""
        self._mapped.discard(broker)
        if self.mapper and not self._mapped:
            self.mapper.kill()
