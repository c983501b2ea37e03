"""Ansible: the modules of community.rabbitmq, in a playbook that loops over all objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from benchmarks.contestant import PROGRAMS, Call, Job
from benchmarks.workshop import Workshop, read_first_line, version_of


@dataclass(frozen=True)
class Ansible:
    """Ansible as it comes from PyPI, with its default settings."""

    name: ClassVar = "Ansible"
    programs: Path

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        return cls(workshop.virtual_environment("ansible", "ansible", "requests"))

    @property
    def version(self) -> str:
        collection = self._collections() / "community/rabbitmq/MANIFEST.json"
        about = json.loads(collection.read_text(encoding="utf-8"))["collection_info"]
        return f"{version_of('ansible', self.programs)}, community.rabbitmq {about['version']}"

    def make(self, job: Job) -> Sequence[Call]:
        parts = urlsplit(job.virtual_host.management_url)
        where = {
            "host": parts.hostname,
            "port": parts.port,
            "user": "guest",
            "password": "guest",
            "virtual_host": job.virtual_host.name,
        }
        playbook = str(PROGRAMS / "with_ansible.yml")
        variables = ("-e", f"@{job.document.path}", "-e", json.dumps(where))
        return [Call((str(self.programs / "ansible-playbook"), "-i", "localhost,", *variables, playbook))]

    def tell_version(self, _: Job) -> Sequence[Call]:
        return [Call((str(self.programs / "ansible"), "--version"))]

    def _collections(self) -> Path:
        return Path(
            read_first_line(
                [str(self.programs / "python"), "-c", "import ansible_collections as a; print(*a.__path__)"]
            )
        )
