"""Floors: the time of the broker, the network or Python alone; no contestant can be faster.

They are no tools: none of them validates, compares or explains anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import quote

from benchmarks.contestant import PROGRAMS, Call, Job
from benchmarks.workshop import Workshop, program, read_first_line

EXCHANGE_COLUMNS = "columns=name,type,durable,auto_delete,internal,arguments"
QUEUE_COLUMNS = "columns=name,type,durable,auto_delete,exclusive,arguments"


@dataclass(frozen=True)
class Python:
    """The interpreter that runs the program, doing nothing; and a bare stream of declarations or deletions."""

    name: ClassVar = "Python"
    path: str

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        return cls(workshop.python())

    @property
    def version(self) -> str:
        return read_first_line([self.path, "--version"]).removeprefix("Python ")

    def nothing(self, _: Job) -> Sequence[Call]:
        return [Call((self.path, "-c", "pass"))]

    def nothing_isolated(self, _: Job) -> Sequence[Call]:
        return [Call((self.path, "-I", "-c", "pass"))]

    def stream(self, job: Job) -> Sequence[Call]:
        given = (str(job.document.path), job.virtual_host.amqp_url)
        return [Call((self.path, "-I", str(PROGRAMS / "raw_stream.py"), *given))]

    def stream_deletions(self, job: Job) -> Sequence[Call]:
        return [Call((*call.argv, "delete")) for call in self.stream(job)]


@dataclass(frozen=True)
class Curl:
    """Bare GETs of the data that a comparison needs; curl discards the answers."""

    name: ClassVar = "curl"
    path: str

    @classmethod
    def install(cls, _: Workshop) -> Self:
        return cls(program("curl"))

    @property
    def version(self) -> str:
        return read_first_line([self.path, "--version"]).partition(" (")[0].removeprefix("curl ")

    def lists(self, job: Job) -> Sequence[Call]:
        """Fetch the three lists, one after another."""
        return self._get(job, *self._lists(job))

    def lists_at_once(self, job: Job) -> Sequence[Call]:
        return self._get(job, *self._lists(job), options=("-Z",))

    def by_exchange(self, job: Job) -> Sequence[Call]:
        """Fetch bindings by their exchange, which leaves out those to the default exchange."""
        return self._get(job, *self._by_exchange(job))

    def by_exchange_at_once(self, job: Job) -> Sequence[Call]:
        return self._get(job, *self._by_exchange(job), options=("-Z",))

    def definitions(self, job: Job) -> Sequence[Call]:
        """Fetch definitions, as only administrators may; RabbitMQ 4.3 leaves out internal exchanges."""
        return self._get(job, f"definitions/{_virtual_host(job)}")

    def _lists(self, job: Job) -> list[str]:
        return [*_objects(job), f"bindings/{_virtual_host(job)}"]

    def _by_exchange(self, job: Job) -> list[str]:
        sources = [quote(each["name"], safe="") for each in job.document.exchanges]
        return [*_objects(job), *(f"exchanges/{_virtual_host(job)}/{each}/bindings/source" for each in sources)]

    def _get(self, job: Job, *paths: str, options: Sequence[str] = ()) -> Sequence[Call]:
        each = [("-o", "/dev/null", f"{job.virtual_host.management_url}/api/{path}") for path in paths]
        files = [part for parts in each for part in parts]
        return [Call((self.path, "-sSf", "-u", "guest:guest", *options, *files))]


def _virtual_host(job: Job) -> str:
    return quote(job.virtual_host.name, safe="")


def _objects(job: Job) -> list[str]:
    name = _virtual_host(job)
    return [f"exchanges/{name}?{EXCHANGE_COLUMNS}", f"queues/{name}?{QUEUE_COLUMNS}"]
