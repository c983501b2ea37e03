"""rabbitmqadmin of the packages of RabbitMQ 4.3: a compiled program, one process for each object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from benchmarks.contestant import Call, Job
from benchmarks.workshop import Absent, Workshop, read_first_line

_COMPILED = b"\x7fELF"


@dataclass(frozen=True)
class CompiledRabbitmqadmin:
    """The program of the broker's own package, with the libraries of its root file system."""

    name: ClassVar = "rabbitmqadmin, compiled"
    start: tuple[str, ...]

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        root = workshop.rabbitmq_root
        program = (root or Path("/")) / "usr/bin/rabbitmqadmin"
        if not program.is_file() or program.read_bytes()[:4] != _COMPILED:
            raise Absent("the broker's package does not have it; packages of RabbitMQ 4.3 do")
        return cls((*(_loader(root) if root else ()), str(program)))

    @property
    def version(self) -> str:
        return read_first_line([*self.start, "--help"]).partition("Version: ")[2]

    def make(self, job: Job) -> Sequence[Call]:
        exchanges = (("exchange", each, ("name", "type", "durable")) for each in job.document.exchanges)
        queues = (("queue", each, ("name", "durable", "auto_delete", "arguments")) for each in job.document.queues)
        ends = ("source", "destination_type", "destination", "routing_key")
        bindings = (("binding", each, ends) for each in job.document.bindings)
        return [
            self._call(job, "declare", kind, *(f"--{key.replace('_', '-')}={_text(item[key])}" for key in keys))
            for kind, item, keys in (*exchanges, *queues, *bindings)
        ]

    def help(self, _: Job) -> Sequence[Call]:
        return [Call((*self.start, "--help"))]

    def _call(self, job: Job, *arguments: str) -> Call:
        where = urlsplit(job.virtual_host.management_url)
        target = (f"--host={where.hostname}", f"--port={where.port}", f"--vhost={job.virtual_host.name}")
        return Call(
            (*self.start, *target, "--username=guest", "--password=guest", "--non-interactive", *arguments)
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _loader(root: Path) -> tuple[str, ...]:
    """Return the dynamic loader of another root file system, since the libraries of this one may be too old."""
    loaders = sorted(root.glob("lib*/ld-linux*.so.*"))
    if not loaders:
        raise Absent(f"there is no dynamic loader in {root}")
    libraries = ":".join(str(folder) for folder in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return (str(loaders[0]), "--library-path", libraries)
