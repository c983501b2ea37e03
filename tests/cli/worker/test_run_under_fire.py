"""Workers amid restarts: no confirmed message is lost. `--fire 20000 --restarts 20` runs it for longer.

With `--nodes 3`, the broker is a cluster.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import amqp
import pytest

from attune_infra.sandbox import BoundSandbox
from support.eventually import eventually
from support.fire import DOCUMENT, Publisher, Service, add_up
from support.fleet import Fleet
from support.virtual_host import VirtualHost

RECORD = """read -r line; echo "$line" >>%s/handled
case $line in *203}) kill -9 $PPID; sleep 1;; *7}) exit 1;; *01}) sleep 60;; *03}) kill -9 $$;; esac"""
"""One message in ten fails, one in a hundred hangs, one kills its handler, and few kill their worker."""
KINDS = ("worker", "node", "broker", "database")
"""The order of what is restarted: a node is killed, broker and database are stopped."""


@pytest.mark.lengthy
def test_each_confirmed_message_is_handled_or_a_dead_letter_or_queued(
    *,
    fleet: Fleet,
    sandbox: BoundSandbox,
    vhost: VirtualHost,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    (tmp_path / "fire.yaml").write_text(DOCUMENT, encoding="utf-8")
    wanted, restarts = pytestconfig.getoption("--fire"), pytestconfig.getoption("--restarts")
    options = ["--topology", str(tmp_path / "fire.yaml"), "--dead-letter-exchange", "dead"]
    options += ["--handler-timeout", "300ms", "--on-timeout", "requeue", "--max-attempts", "2"]
    services = [Service(fleet, name, RECORD % tmp_path, options) for name in ("w1", "w2")]
    publisher = Publisher(vhost, wanted)
    chance = random.Random(pytestconfig.getoption("--seed"))  # noqa: S311 # no secret
    try:
        for number in range(restarts):
            share = wanted * (number + 1) // (restarts + 1)
            go_on(services, partial(has_handled, fleet, share))
            restart(KINDS[number % len(KINDS)], sandbox, chance, services)
        go_on(services, lambda: not publisher.thread.is_alive() and waiting(vhost) == 0)
    finally:
        codes = [service.stop() for service in services]

    sums = add_up(fleet, vhost, publisher.confirmed)
    sums |= {"restarts": restarts, "starts of workers": sum(service.starts for service in services)}
    for name, value in sums.items():
        record_testsuite_property(name, value)
    print(sums)  # noqa: T201 # with -s
    assert (sums["confirmed"], sums["lost"], codes) == (wanted, 0, [0, 0])


def restart(kind: str, sandbox: BoundSandbox, chance: random.Random, services: list[Service]) -> None:
    match kind:
        case "worker":
            chance.choice(services).kill()
        case "node":
            node = chance.randint(1, len(sandbox.nodes))
            sandbox.kill_broker(node)
            sandbox.start_broker(node)
        case "broker":
            sandbox.stop_broker()
            sandbox.start_broker()
        case _:
            sandbox.stop_database()
            sandbox.start_database()


def go_on(services: list[Service], is_done: Callable[[], bool]) -> None:
    """Keep the workers running until something is reached."""

    def kept() -> bool:
        for service in services:
            service.keep()
        return is_done()

    eventually(kept, bool, within=3600)


def has_handled(fleet: Fleet, share: int) -> bool:
    return len((fleet.folder / "handled").read_bytes().splitlines()) >= share


def waiting(vhost: VirtualHost) -> int:
    """Count the messages in the queues of the workers; some, as long as the broker does not say."""
    with suppress(amqp.AMQPError, OSError), closing(vhost.client()) as connection:
        channel = connection.channel()
        return sum(channel.queue_declare(f"worker.{each}.jobs", passive=True).message_count for each in (1, 2))
    return 1
