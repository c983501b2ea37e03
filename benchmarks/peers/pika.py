"""pika: a plain program that declares one thing after another and waits for each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from benchmarks.contestant import PROGRAMS, Call, Job
from benchmarks.workshop import Workshop, version_of


@dataclass(frozen=True)
class Pika:
    """A program of thirty lines."""

    name: ClassVar = "pika"
    programs: Path

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        return cls(workshop.virtual_environment("pika", "pika"))

    @property
    def version(self) -> str:
        return version_of("pika", self.programs)

    def make(self, job: Job) -> Sequence[Call]:
        return self._calls("make", job)

    def check(self, job: Job) -> Sequence[Call]:
        """Declare exchanges and queues passively; it cannot look for bindings."""
        return self._calls("check", job)

    def move(self, job: Job) -> Sequence[Call]:
        """Move messages one by one: consume, publish, wait for the confirm, acknowledge."""
        source, to = (queue["name"] for queue in job.document.queues)
        given = (source, to, str(job.document.workers), job.virtual_host.amqp_url)
        return [Call((str(self.programs / "python"), str(PROGRAMS / "move_with_pika.py"), *given))]

    def _calls(self, action: str, job: Job) -> Sequence[Call]:
        program = str(PROGRAMS / "with_pika.py")
        given = (action, str(job.document.path), job.virtual_host.amqp_url)
        return [Call((str(self.programs / "python"), program, *given))]
