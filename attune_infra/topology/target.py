"""The broker that a command asks or changes, and the demands of a document on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, WrongTarget
from attune_infra.settings import Expectation, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A virtual host of a cluster, as one user sees it; an attribute is None if the protocol does not tell it."""

    cluster: str | None
    version: str
    virtual_host: str
    user: str
    node: str | None = None
    management_user: str | None = None
    """The user of the management API, if it is another one."""
    connection: str | None = None
    """Name of the connection in the configuration file."""
    host: str | None = None
    """Host and port that answered, if the URL has several."""

    def insist_on(self, expected: Iterable[Expectation]) -> None:
        """Raise `WrongTarget` if the cluster has not each of the expected names."""
        for each in expected:
            if self.cluster != each.cluster:
                have = f"the cluster '{self.cluster}'" if self.cluster else "a cluster that tells no name"
                raise WrongTarget(
                    f"the broker is {have}, but {each.origin} expects '{each.cluster}'; nothing was changed",
                    hint="name the broker that is meant; `attune-infra connections` lists those with a name, or "
                    "correct the expectation",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A named connection, and the answer of its broker: a target, or the trouble with it."""

    name: str
    protected: bool
    settings: Settings | None
    target: Target | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All named connections of a configuration file."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    file: Path | None
    connections: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Demands:
    """A document's demands: the cluster that it is made for, and selectors of objects that nothing may delete."""

    cluster: str | None = None
    protect: tuple[str, ...] = ()
