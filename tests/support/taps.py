"""Real processes of `attune-infra tap`, observed by what they print and by the queues on the broker."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import amqp

from attune_infra.broker.http.management import Management
from support.as_a_user import TIMEOUT, Command
from support.contract import check_contract
from support.eventually import eventually
from support.virtual_host import VirtualHost

QUEUE = "attune-infra.tap.test"


Start: TypeAlias = "Callable[..., TapProcess]"
"""Start a tap with some arguments, and end it with the test."""


class TapProcess:
    """A tap that has begun; its standard error goes to a file."""

    def __init__(self, command: Command, folder: Path, *arguments: str) -> None:
        self._said = folder / "tap"
        with self._said.open("w", encoding="utf-8") as talk:
            self.process = command.start("tap", *arguments, "--queue", QUEUE, talk=talk)
        eventually(lambda: self.said, lambda said: " is tapped with " in said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    @property
    def said(self) -> str:
        """Standard error so far."""
        return self._said.read_text(encoding="utf-8")

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.said.splitlines() if line.startswith("warning: ")]

    @property
    def sums(self) -> list[str]:
        """The sentences at the end, behind all that was said in between."""
        lines = self.said.splitlines()
        last = max(
            number
            for number, line in enumerate(lines)
            if ", in " in line and "messages" in line.replace("message,", "messages")
        )
        return lines[last:]

    def stop(self, number: signal.Signals = signal.SIGINT) -> list[str]:
        """Send a signal; return the lines of standard output."""
        self.process.send_signal(number)
        return self.end()

    def end(self, code: int = 0) -> list[str]:
        """Wait for the end; return the lines of standard output."""
        output, _ = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == code, self.said
        return output.splitlines()

    def end_in_json(self, code: int = 0) -> list[dict[str, Any]]:
        """Wait for the end; return the JSON of each line, held against its schema."""
        return parse(self.end(code))


def parse(lines: list[str]) -> list[dict[str, Any]]:
    for line in lines:
        check_contract(line)
    return [json.loads(line) for line in lines]


def queues_of(management: Management, vhost: VirtualHost) -> list[str]:
    """Return the names of all queues now, private ones too."""
    listed = management.get("queues", vhost.name, columns="name", disable_stats="true")
    return sorted(each["name"] for each in listed)


def send(channel: amqp.Channel, exchange: str, *keys: str, **properties: Any) -> None:
    """Publish a message with each of these keys, which is also its body; the broker confirms each."""
    channel.confirm_select()
    for key in keys:
        channel.basic_publish_confirm(amqp.Message(key, **properties), exchange, key)


def declare(channel: amqp.Channel, name: str, kind: str, *keys: str, **arguments: Any) -> None:
    """Declare an exchange, with a queue of the same name bound with each key."""
    channel.exchange_declare(name, kind, durable=True, auto_delete=False, arguments=arguments or None)
    channel.queue_declare(name, durable=True, auto_delete=False)
    for key in keys:
        channel.queue_bind(name, name, key)


def bindings_of(management: Management, vhost: VirtualHost, exchange: str) -> list[str]:
    listed = management.get("exchanges", vhost.name, exchange, "bindings", "source")
    return sorted(each["destination"] for each in listed)
