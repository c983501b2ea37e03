"""Workers amid restarts: the publisher, the services, and the sum of the messages."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from contextlib import closing, suppress
from itertools import count

import amqp

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

FAILURES = (amqp.AMQPError, amqp.exceptions.MessageNacked, OSError)
"""Reasons for which a message was not confirmed; another one takes its place."""


class Publisher:
    """A thread that publishes so many messages with confirms, across restarts of the broker; none twice."""

    def __init__(self, vhost: VirtualHost, wanted: float, *, pause: float = 0) -> None:
        self.vhost, self.wanted, self.pause, self.confirmed = vhost, wanted, pause, list[int]()
        self._numbers, self._waiting = count(1), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while len(self.confirmed) < self.wanted:
            with suppress(*FAILURES), closing(self.vhost.client()) as connection:
                channel = connection.channel()
                while len(self.confirmed) < self.wanted:
                    self._publish(channel, next(self._numbers))
                    self._waiting.wait(self.pause)
            self._waiting.wait(0.2)

    def stop(self) -> None:
        self.wanted = 0
        self.thread.join()

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

    def __init__(self, fleet: Fleet, name: str, command: str, options: list[str]) -> None:
        self.fleet, self.name, self.command, self.options = fleet, name, command, options
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
        with (self.fleet.folder / self.name).open("a", encoding="utf-8") as talk:
            command = ("--exec", f"sh -c '{self.command}'", *self.options)
            return self.fleet.run.start("worker", "run", "--name", self.name, *command, talk=talk)


def add_up(fleet: Fleet, vhost: VirtualHost, confirmed: list[int]) -> dict[str, int]:
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
