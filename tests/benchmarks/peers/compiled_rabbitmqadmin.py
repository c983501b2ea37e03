"""rabbitmqadmin as packages of RabbitMQ 4.3 have it: a compiled program, one process for each object."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from benchmarks.contestant import Absent, Call, Job, Workshop, program, said

_PLACE = Path("usr/bin/rabbitmqadmin")


@dataclass(frozen=True)
class CompiledRabbitmqadmin:
    """The program of the broker's own root file system, entered for each call, which takes a millisecond."""

    name: ClassVar = "rabbitmqadmin, compiled"
    enter: tuple[str, ...]

    @classmethod
    def ready(cls, workshop: Workshop) -> Self:
        root = workshop.rabbitmq_root or Path("/")
        try:
            with (root / _PLACE).open("rb") as file:
                compiled = file.read(4) == b"\x7fELF"
        except FileNotFoundError:
            compiled = False
        if not compiled:
            raise Absent("the broker's package does not have it; packages of RabbitMQ 4.3 do")
        entered = (program("chroot"), str(root)) if os.path.realpath(root) != "/" else ()
        return cls((*entered, f"/{_PLACE}"))

    @property
    def version(self) -> str:
        return said([*self.enter, "--help"]).partition("Version: ")[2]

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
        return [Call((*self.enter, "--help"))]

    def _call(self, job: Job, *arguments: str) -> Call:
        where = urlsplit(job.virtual_host.management_url)
        target = (f"--host={where.hostname}", f"--port={where.port}", f"--vhost={job.virtual_host.name}")
        return Call(
            (*self.enter, *target, "--username=guest", "--password=guest", "--non-interactive", *arguments)
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
