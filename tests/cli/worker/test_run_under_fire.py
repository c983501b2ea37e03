"""Workers amid restarts: no confirmed message is lost. `--fire 20000 --restarts 20` runs it for longer."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import amqp
import pytest

from attune_infra.sandbox import BoundSandbox
from support.eventually import eventually
from support.fleet import Fleet
from support.virtual_host import VirtualHost

DOCUMENT = """
topology: fire
exchanges: {attune.executions: {type: direct}, dead: {type: fanout}}
queues: {morgue: {type: quorum, bindings: [{exchange: dead}]}}
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.jobs:
      type: quorum
      bindings: [{exchange: attune.executions, routing_key: 'worker.{worker_id}'}]
"""
RECORD = """read -r line; echo "$line" >>%s/handled
case $line in *203}) kill -9 $PPID; sleep 1;; *7}) exit 1;; *01}) sleep 60;; *03}) kill -9 $$;; esac"""
"""One message in ten fails, one in a hundred hangs, one kills its handler, and few kill their worker."""


class Publisher:
    """A thread that publishes so many messages with confirms, across restarts of the broker."""

    def __init__(self, vhost: VirtualHost, wanted: int) -> None:
        self.vhost, self.wanted, self.confirmed = vhost, wanted, list[int]()
        self._numbers, self._pause = count(1), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while len(self.confirmed) < self.wanted:
            with suppress(amqp.AMQPError, OSError), closing(self.vhost.client()) as connection:
                channel = connection.channel()
                while len(self.confirmed) < self.wanted:
                    self._publish(channel, next(self._numbers))
            self._pause.wait(0.2)

    def _publish(self, channel: amqp.Channel, number: int) -> None:
        returned: list[object] = []
        channel.events["basic_return"] = {lambda *what: returned.append(what)}
        message = amqp.Message(json.dumps({"message_id": number}), delivery_mode=2, message_id=str(number))
        key = f"worker.{number % 2 + 1}"
        channel.basic_publish_confirm(message, "attune.executions", key, mandatory=True, confirm_timeout=10)
        if not returned:
            self.confirmed.append(number)


class Service:
    """A worker that is started again whenever it has ended, as systemd does it."""

    def __init__(self, fleet: Fleet, name: str, options: list[str]) -> None:
        self.fleet, self.name, self.options = fleet, name, options
        self.process, self.starts = self._start(), 1
        fleet.wait_until_consuming(name)

    def kill(self) -> None:
        self.process.kill()

    def keep(self) -> None:
        if self.process.poll() is not None:
            self.process.communicate()
            self.process, self.starts = self._start(), self.starts + 1

    def stop(self) -> int:
        """Stop it, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def _start(self) -> subprocess.Popen[str]:
        record = RECORD % self.fleet.folder
        with (self.fleet.folder / self.name).open("a", encoding="utf-8") as talk:
            command = ("--exec", f"sh -c '{record}'", *self.options)
            return self.fleet.run.start("worker", "run", "--name", self.name, *command, talk=talk)


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
    services = [Service(fleet, name, options) for name in ("w1", "w2")]
    publisher = Publisher(vhost, wanted)
    chance = random.Random(pytestconfig.getoption("--seed"))  # noqa: S311 # no secret
    try:
        for number in range(restarts):
            share = wanted * (number + 1) // (restarts + 1)
            go_on(services, partial(has_handled, fleet, share))
            restart(number % 3, sandbox, chance.choice(services))
        go_on(services, lambda: not publisher.thread.is_alive() and waiting(vhost) == 0)
    finally:
        codes = [service.stop() for service in services]

    sums = add_up(fleet, vhost, publisher.confirmed)
    sums |= {"restarts": restarts, "starts of workers": sum(service.starts for service in services)}
    for name, value in sums.items():
        record_testsuite_property(name, value)
    print(sums)  # noqa: T201 # with -s
    assert (sums["confirmed"], sums["lost"], codes) == (wanted, 0, [0, 0])


def restart(kind: int, sandbox: BoundSandbox, service: Service) -> None:
    if kind == 0:
        service.kill()
    elif kind == 1:
        sandbox.stop_broker()
        sandbox.start_broker()
    else:
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


def add_up(fleet: Fleet, vhost: VirtualHost, confirmed: list[int]) -> dict[str, Any]:
    """Say of each confirmed message where it is: handled to its end, in the dead letter queue, or in its queue."""
    talk = fleet.talk("w1") + fleet.talk("w2")
    done = {int(line.split()[1]) for line in talk.splitlines() if line.endswith((" done", " done" + LOST))}
    queued = {*drain(vhost, "worker.1.jobs"), *drain(vhost, "worker.2.jobs")}
    dead = {*drain(vhost, "morgue")}
    known = {*confirmed}
    return {
        "confirmed": len(confirmed),
        "done": len(done & known),
        "dead letters": len(dead & known),
        "done and dead letter": len(done & dead & known),
        "queued": len(queued & known),
        "lost": len(known - done - dead - queued),
        "handled twice": sum(1 for times in Counter(fleet.handled_ids()).values() if times > 1),
    }


LOST = ", but the connection was lost: the message comes again if its queue survived"


def drain(vhost: VirtualHost, queue: str) -> list[int]:
    found = []
    with closing(vhost.client()) as connection:
        channel = connection.channel()
        while message := channel.basic_get(queue, no_ack=True):
            found.append(int(json.loads(message.body)["message_id"]))
    return found
