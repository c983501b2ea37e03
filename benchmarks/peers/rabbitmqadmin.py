"""rabbitmqadmin: the script that brokers up to 4.2 serve, one process for each object."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from benchmarks.contestant import Call, Job
from benchmarks.workshop import Absent, Workshop, read_first_line


@dataclass(frozen=True)
class Rabbitmqadmin:
    """The script, run by a Python without packages."""

    name: ClassVar = "rabbitmqadmin, the script"
    python: str
    script: Path

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        """Fetch the script from the broker under test or, if it has none, from this machine's package."""
        script = workshop.folder / "rabbitmqadmin"
        try:
            with urlopen(f"{workshop.broker.management_url}/cli/rabbitmqadmin") as answer:  # noqa: S310 - http
                content = answer.read()
        except HTTPError as error:
            content = _read_installed(f"the broker does not serve it any more ({error.code} {error.reason})")
        script.write_bytes(content)
        return cls(workshop.python(), script)

    @property
    def version(self) -> str:
        return read_first_line([self.python, str(self.script), "--version"]).removeprefix("rabbitmqadmin ")

    def make(self, job: Job) -> Sequence[Call]:
        document = job.document
        declared = (
            *(("exchange", each, ("name", "type", "durable")) for each in document.exchanges),
            *(("queue", each, ("name", "durable", "auto_delete", "arguments")) for each in document.queues),
            *(
                ("binding", each, ("source", "destination", "destination_type", "routing_key"))
                for each in document.bindings
            ),
        )
        return [self._call(job, "declare", kind, *_arguments(item, keys)) for kind, item, keys in declared]

    def lists(self, job: Job) -> Sequence[Call]:
        """List exchanges, queues and bindings, each with no more columns than a comparison needs."""
        columns = {
            "exchanges": ("name", "type", "durable", "auto_delete", "arguments"),
            "queues": ("name", "durable", "auto_delete", "arguments"),
            "bindings": ("source", "destination", "destination_type", "routing_key", "arguments"),
        }
        return [self._call(job, "-f", "raw_json", "list", kind, *names) for kind, names in columns.items()]

    def tell_version(self, _: Job) -> Sequence[Call]:
        return [Call((self.python, str(self.script), "--version"))]

    def help(self, _: Job) -> Sequence[Call]:
        return [Call((self.python, str(self.script), "--help"))]

    def _call(self, job: Job, *arguments: str) -> Call:
        where = urlsplit(job.virtual_host.management_url)
        target = ("-H", str(where.hostname), "-P", str(where.port), "-V", job.virtual_host.name)
        return Call((self.python, str(self.script), *target, *arguments))


def _arguments(item: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [f"{key}={value if isinstance(value := item[key], str) else json.dumps(value)}" for key in keys]


def _read_installed(why: str) -> bytes:
    found = shutil.which("rabbitmqadmin")
    content = Path(found).read_bytes() if found else b""
    if not content.startswith(b"#!"):
        raise Absent(f"{why}, and this machine's package has no such script either")
    return content
