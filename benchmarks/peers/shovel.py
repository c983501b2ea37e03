"""rabbitmq_shovel: a plugin of RabbitMQ that moves messages inside the broker."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import quote

from benchmarks.contestant import PROGRAMS, Call, Job
from benchmarks.workshop import Workshop


@dataclass(frozen=True)
class Shovel:
    """A small program that makes a shovel over HTTP, and waits for it."""

    name: ClassVar = "shovel"

    @classmethod
    def install(cls, _: Workshop) -> Self:
        return cls()

    @property
    def version(self) -> str:
        return "of the broker"

    def move(self, job: Job) -> Sequence[Call]:
        """Move messages over connections inside the broker, as in the examples of its documentation."""
        return self._move(job, f"amqp:///{quote(job.virtual_host.name, safe='')}")

    def move_over_tcp(self, job: Job) -> Sequence[Call]:
        return self._move(job, job.virtual_host.amqp_url)

    def _move(self, job: Job, uri: str) -> Sequence[Call]:
        source, to = (queue["name"] for queue in job.document.queues)
        host = job.virtual_host
        given = (source, to, host.name, uri, host.management_url)
        return [Call((sys.executable, "-I", "-S", str(PROGRAMS / "move_with_shovel.py"), *given))]
