"""The contestants: the program itself, its peers, and floors that nothing can be faster than."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

from benchmarks.workshop import Workshop
from support.virtual_host import VirtualHost

PROGRAMS: Final = Path(__file__).parent / "programs"
"""Programs that the harness runs as processes of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Definitions of one virtual host, in a file: the objects that every contestant makes or looks for."""

    path: Path
    workers: int
    """The number of workers in it, with the ids from 1."""
    exchanges: tuple[Mapping[str, Any], ...] = field(repr=False)
    queues: tuple[Mapping[str, Any], ...] = field(repr=False)
    bindings: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The objects to make or look for, and the virtual host."""

    virtual_host: VirtualHost
    document: Document


@dataclass(frozen=True, slots=True)
class Call:
    """A process to run."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Contestant(Protocol):
    """A program to measure; each further method turns a job into the processes that do it, one after another."""

    name: ClassVar[str]

    @classmethod
    def install(cls, workshop: Workshop) -> Self:
        """Install the program unless it is there; raise `Absent` if that fails."""
        ...

    @property
    def version(self) -> str: ...
