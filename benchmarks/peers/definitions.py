"""POST /api/definitions/{vhost}: the broker's own way to load many objects at once, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import quote

from benchmarks.contestant import Call, Job
from benchmarks.workshop import Workshop, program, read_first_line


@dataclass(frozen=True)
class Definitions:
    """A request sent by curl."""

    name: ClassVar = "curl"
    curl: str

    @classmethod
    def install(cls, _: Workshop) -> Self:
        return cls(program("curl"))

    @property
    def version(self) -> str:
        return read_first_line([self.curl, "--version"]).partition(" (")[0].removeprefix("curl ")

    def make(self, job: Job) -> Sequence[Call]:
        to = f"{job.virtual_host.management_url}/api/definitions/{quote(job.virtual_host.name, safe='')}"
        options = ("-sSf", "-u", "guest:guest", "-H", "Content-Type: application/json")
        return [Call((self.curl, *options, "--data-binary", f"@{job.document.path}", to))]
