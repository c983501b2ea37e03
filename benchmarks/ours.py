"""The program itself, installed as a user installs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self

from attune_infra.settings import WORKER_QUEUE_TTL
from benchmarks.contestant import Call, Job
from benchmarks.workshop import Workshop, read_first_line

ROOT = Path(__file__).parents[1]
_TO_READ = (
    "cli.diff",
    "topology.document.parse",
    "topology.planning.plan",
    "broker.rabbitmq",
    "render.pages.plan",
)
_TO_VERIFY = (
    "cli.verify",
    "topology.document.parse",
    "operations.verify",
    "broker.rabbitmq",
    "broker.amqp",
    "render.pages.verify",
)
_TO_MAKE = ("worker.provision", "broker.amqp", "render.pages.provision")


@dataclass(frozen=True)
class AttuneInfra:
    """A wheel of this source, in a virtual environment of its own, compiled as pip leaves it."""

    name: ClassVar = "attune-infra"
    path: str

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        """Reinstall the program, whose source may have changed; install its dependencies only once."""
        here = sha256(str(ROOT).encode()).hexdigest()[:8]
        programs = workshop.virtual_environment(f"attune-infra-{here}", str(ROOT))
        read_first_line([str(programs / "python"), "-m", "pip", "install", "--quiet", "--upgrade", str(ROOT)])
        again = ("--force-reinstall", "--no-deps", str(ROOT))
        read_first_line([str(programs / "python"), "-m", "pip", "install", "--quiet", *again])
        return cls(str(programs / "attune-infra"))

    @property
    def version(self) -> str:
        return read_first_line([self.path, "--version"]).removeprefix("attune-infra ")

    def setup(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "setup")

    def provision(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "worker", "provision", "--id", _ids(job))

    def deprovision(self, job: Job) -> Sequence[Call]:
        """Delete the queues of workers; the file that makes them again is kept beside the document."""
        [call] = self._calls(job, "worker", "deprovision", "--id", _ids(job), "--yes")
        return [replace(call, environment={**call.environment, "XDG_STATE_HOME": str(job.document.path.parent)})]

    def look_to_deprovision(self, job: Job) -> Sequence[Call]:
        """Look at the queues of workers as `deprovision` does, and delete nothing."""
        return self._calls(job, "worker", "deprovision", "--id", _ids(job), "--dry-run")

    def verify(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "verify", "--worker", _ids(job))

    def diff(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "diff", "--worker", _ids(job))

    def move(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "queue", "move", *(queue["name"] for queue in job.document.queues), "--yes")

    def rename(self, job: Job) -> Sequence[Call]:
        source, to = (queue["name"] for queue in job.document.queues)
        return self._calls(job, "migrate", source, "--to", to, "--yes")

    def tell_version(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "--version")

    def help(self, job: Job) -> Sequence[Call]:
        return self._calls(job, "--help")

    def complete(self, _: Job) -> Sequence[Call]:
        typed = {"COMP_WORDS": "attune-infra wor", "COMP_CWORD": "1", "_ATTUNE_INFRA_COMPLETE": "complete_bash"}
        return [Call((self.path,), typed)]

    def load_to_read(self, _: Job) -> Sequence[Call]:
        """Load the modules of a command that reads a broker, and exit."""
        return self._load(_TO_READ)

    def load_to_verify(self, _: Job) -> Sequence[Call]:
        """Load the modules of `verify`, which also asks over AMQP, routes and lints, and exit."""
        return self._load(_TO_VERIFY)

    def load_to_make(self, _: Job) -> Sequence[Call]:
        """Load the modules of a command that declares objects, and exit."""
        return self._load((*_TO_READ, *_TO_MAKE))

    def _load(self, modules: Sequence[str]) -> Sequence[Call]:
        names = ", ".join(f"attune_infra.{module}" for module in modules)
        return [Call((str(Path(self.path).with_name("python")), "-c", f"import {names}"), {})]

    def _calls(self, job: Job, *arguments: str) -> Sequence[Call]:
        without_policy = {WORKER_QUEUE_TTL.variable: "off"}
        return [Call((self.path, *arguments), job.virtual_host.environment | without_policy)]


def _ids(job: Job) -> str:
    count = job.document.workers
    return "1" if count == 1 else f"1-{count}"
