"""What takes part: the program itself, its peers, and floors that nothing can be faster than."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

from benchmarks.workshop import Workshop
from support.virtual_host import VirtualHost

PROGRAMS: Final = Path(__file__).parent / "programs"
"""What the harness runs as processes of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """RabbitMQ definitions of one virtual host, in a file: what every contestant makes, or looks for."""

    path: Path
    workers: int
    """It holds workers 1 to this one."""
    exchanges: tuple[Mapping[str, Any], ...] = field(repr=False)
    queues: tuple[Mapping[str, Any], ...] = field(repr=False)
    bindings: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done, and where."""

    virtual_host: VirtualHost
    document: Document


@dataclass(frozen=True, slots=True)
class Call:
    """A process to run."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Contestant(Protocol):
    """Each of its other methods turns a job into the processes that do it, one after another."""

    name: ClassVar[str]

    @classmethod
    def ready(cls, workshop: Workshop) -> Self:
        """Install what is not there yet; raise `Absent` if it cannot be had."""
        ...

    @property
    def version(self) -> str: ...
