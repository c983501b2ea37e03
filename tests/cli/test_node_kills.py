"""Nodes of a cluster are killed and started again, while all is asked and changed. `--node-kills 50` lasts."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import DATABASE_URL
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.fire import DOCUMENT, Publisher, Service, add_up
from support.fleet import Fleet
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

MAX_QUEUES = 60
DOWN = "exists, but its state is "
OPTIONS = ["--dead-letter-exchange", "dead", "--max-attempts", "1"]
"""A message that RabbitMQ marks as delivered before is a dead letter. Another second delivery would be handled."""


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(nodes=3) as cluster:
        yield cluster


@dataclass
class Killer:
    """A thread that kills a random node, and starts it again, at random moments."""

    cluster: BoundSandbox
    kills: int
    chance: random.Random
    killed: int = 0
    failure: Exception | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._waiting = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            while self.killed < self.kills:
                node = self.chance.randint(1, len(self.cluster.nodes))
                self._waiting.wait(self.chance.uniform(0, 4))
                self.cluster.kill_broker(node)
                self._waiting.wait(self.chance.uniform(0, 3))
                self.cluster.start_broker(node)
                self.killed += 1
        except Exception as error:  # noqa: BLE001 - the test raises it
            self.failure = error


@pytest.mark.lengthy
def test_no_false_drift_and_nothing_lost_or_doubled(
    cluster: BoundSandbox,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    run = Command(cluster.environment())
    document = Document(tmp_path / "document.yaml")
    assert [run("registry", "init").code, run("setup", document.write(0)).code] == [0, 0]
    fleet, vhost = Fleet(run, tmp_path), VirtualHost("/", cluster.amqp_url, cluster.management_url)
    options = ["--topology", str(document.path), *OPTIONS]
    record = f'read -r line; echo "$line" >>{tmp_path}/handled'
    services = [Service(fleet, name, record, options) for name in ("w1", "w2")]
    publisher = Publisher(vhost, float("inf"), pause=0.02)
    chance = random.Random(pytestconfig.getoption("--seed"))  # noqa: S311 # no secret
    killer = Killer(cluster, pytestconfig.getoption("--node-kills"), chance)
    asked = Asked(run, document)
    try:
        while killer.thread.is_alive():
            for service in services:
                service.keep()
            asked.go_round()
        publisher.stop()
        codes = [service.stop() for service in services]
    finally:
        fleet.close()

    eventually(lambda: run("setup", document.text).code, (0).__eq__, within=60)
    assert run("diff", document.text).code == 0
    sums: dict[str, Any] = add_up(fleet, vhost, publisher.confirmed)
    sums |= {"kills": killer.killed, "false drift": len(asked.false_drift), **asked.codes}
    sums["objects doubled"] = asked.doubled()
    for name, value in sums.items():
        record_testsuite_property(name, value)
    print(sums, *asked.false_drift, sep="\n")  # noqa: T201 # with -s
    assert (killer.failure, asked.false_drift, codes) == (None, [], [0, 0])
    assert (sums["lost"], sums["handled twice"], sums["objects doubled"]) == (0, 0, 0)


class Document:
    """A document that grows, so that `setup` has something to declare each time."""

    def __init__(self, path: Path) -> None:
        self.path, self.text, self._fixed = path, str(path), yaml.safe_load(DOCUMENT)

    def write(self, count: int) -> str:
        bound = {"type": "quorum", "bindings": [{"exchange": "attune.executions", "routing_key": "more"}]}
        more = {f"more.{number}": bound for number in range(count)}
        self.path.write_text(yaml.safe_dump({**self._fixed, "queues": {**self._fixed["queues"], **more}}))
        return self.text


class Asked:
    """Commands that are run in turn; they count their exit codes, and what is drift although it was declared."""

    def __init__(self, run: Command, document: Document) -> None:
        self.run, self.document = run, document
        self.codes, self.false_drift, self.rounds = Counter[str](), list[str](), 0

    def go_round(self) -> None:
        self.rounds += 1
        document = self.document.write(min(3 * self.rounds, MAX_QUEUES))
        workers = ("--id", f"{100 * self.rounds}-{100 * self.rounds + 9}")
        without_registry = {DATABASE_URL.variable: ""}
        if self.ask("setup", document).code == 0:
            self.ask_for_drift("verify", document)
            self.ask_for_drift("diff", document)
        provisioned = self.ask("worker", "provision", *workers, document, environment=without_registry)
        if provisioned.code == 0:
            self.ask_for_drift("verify", *workers, document)
        self.ask_for_drift("worker", "list", document)

    def ask(self, *command: str, **options: Any) -> Result:
        words = " ".join(command[:2] if command[0] == "worker" else command[:1])
        result = self.run(*command, **options)
        self.codes[f"{words}: exit code {result.code}"] += 1
        assert "Traceback" not in result.stderr
        assert result.code in {0, 1, 2, 3}, (command, result)
        return result

    def ask_for_drift(self, *command: str) -> None:
        """All of it is declared, so a difference is false; what is down is no difference."""
        result = self.ask(*command, "-o", "json")
        if result.code != 0:
            self.false_drift += [f"{' '.join(command[:2])}: {each}" for each in drift_in(result.json)]

    def doubled(self) -> int:
        """Count the bindings with another key or other arguments than the one that is wanted."""
        exported = self.run("export", "--format", "definitions")
        assert exported.code == 0, exported
        keys = Counter((each["source"], each["destination"]) for each in exported.json["bindings"])
        return sum(times - 1 for times in keys.values())


def drift_in(answer: Any) -> Iterator[object]:
    """Yield what a command calls missing or different; what it calls down, or could not ask, is left out."""
    yield from answer.get("changes", ())
    for check in answer.get("checks", ()):
        if check["verdict"] == "failed" and not check.get("detail", "").startswith(DOWN):
            yield check
