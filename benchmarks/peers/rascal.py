"""rascal: a library for Node.js that asserts a configured topology when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from benchmarks.contestant import PROGRAMS, Call, Job
from benchmarks.workshop import Workshop, node_version_of, program, read_first_line


@dataclass(frozen=True)
class Rascal:
    """A program that creates a broker object of rascal, and shuts it down."""

    name: ClassVar = "rascal"
    node: str
    modules: Path

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        return cls(program("node"), workshop.node_modules("rascal", "rascal", "amqplib"))

    @property
    def version(self) -> str:
        rascal, amqplib = (node_version_of(package, self.modules) for package in ("rascal", "amqplib"))
        return f"{rascal}, amqplib {amqplib}, Node.js {read_first_line([self.node, '--version'])}"

    def make(self, job: Job) -> Sequence[Call]:
        return self._calls("make", job)

    def make_over_ten(self, job: Job) -> Sequence[Call]:
        """Declare over ten channels, as its documentation advises for many objects."""
        return self._calls("make", job, channels=10)

    def check(self, job: Job) -> Sequence[Call]:
        """Check exchanges and queues; it cannot look for bindings."""
        return self._calls("check", job)

    def check_over_ten(self, job: Job) -> Sequence[Call]:
        return self._calls("check", job, channels=10)

    def _calls(self, action: str, job: Job, *, channels: int = 1) -> Sequence[Call]:
        given = (action, str(job.document.path), job.virtual_host.amqp_url, str(channels))
        found = {"NODE_PATH": str(self.modules)}
        return [Call((self.node, str(PROGRAMS / "with_rascal.js"), *given), found)]
