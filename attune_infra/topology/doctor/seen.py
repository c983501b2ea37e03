"""Values that were seen of a broker and a registry; each may be the failure to get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import TypeAlias, TypeVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError
from attune_infra.topology.doctor.certificates import Handshake, TlsFile
from attune_infra.topology.facts.permissions import Right, User
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import Topology
from attune_infra.topology.permissions.needs import Over

_T = TypeVar("_T")
Answer: TypeAlias = _T | AttuneError
"""An answer, or the failure to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One way to the broker: the version it answers with, and its TLS, if TLS is meant."""

    protocol: str
    address: str
    user: str
    answer: Answer[str]
    tls: Answer[Handshake] | None = None
    needed: bool = True
    """False if the command does without it."""
    hosts: Sequence[Server] = ()
    """Each host with its own answer and TLS, if there are several."""
    cluster: str | None = None
    """The name of the cluster that one of several hosts tells."""

    @property
    def each(self) -> Sequence[Server]:
        return self.hosts or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The user of a protocol, and as much of its rights as can be told."""

    name: str
    user: User | None = None
    """The user with all permissions; None if they may not be read."""
    tags: frozenset[str] | None = None
    tried: Mapping[Right, bool | None] = field(default_factory=dict)
    """Rights that were tried, because they may not be read."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A resource that a node has run out of, in RabbitMQ's words: `memory`, `disk space`, `file descriptors`."""

    node: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the cluster."""

    name: str
    running: bool
    partitions: Sequence[str] = ()
    draining: bool | None = None
    """True in maintenance mode; None if the release does not tell, as 3.10."""
    files_used: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, and the number that counts against it; None if that is unknown."""

    most: int
    now: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFlag:
    """A feature flag of the broker."""

    name: str
    enabled: bool
    stability: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Everything that a broker that answers over HTTP says of itself."""

    cluster: str
    virtual_host: str
    statistics: bool
    """False if its configuration switches the statistics of the management API off."""
    clock_ahead: float | None
    """Seconds that its clock is ahead of this machine's; None if it does not say."""
    topology: Answer[Topology]
    restrictions: Answer[Restrictions]
    alarms: Answer[Sequence[Alarm]]
    nodes: Answer[Sequence[Node]]
    stopped_virtual_hosts: Answer[bool]
    """True if a virtual host does not run on some node."""
    used_features: Answer[Sequence[str]]
    """Deprecated features that are in use."""
    tells_denied: bool
    """True if it says which deprecated features it denies, or has none."""
    flags: Answer[Sequence[FeatureFlag]]
    connections_of_virtual_host: Answer[Limit | None]
    connections_of_user: Answer[Limit | None]
    channels_of_user: Answer[Limit | None]
    most_channels: int = 1
    """Channels that a command opens for many declarations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The table `worker`, as a role sees it."""

    schema: str
    columns: Mapping[str, str]
    """The type of each column."""
    unique_name: bool
    privileges: Mapping[str, bool]
    """True for what the role has of SELECT, INSERT, UPDATE, and USAGE of the sequence."""
    sequence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Everything that a database that answers says of the registry."""

    role: str
    clock_ahead: float
    search_path: str
    read_only: bool
    table: Table | None
    elsewhere: Sequence[str] = ()
    """Schemas that have a table `worker`, if none is found on the search path."""
    may_create: bool = False
    """True if the role may create a table in the first schema of the search path."""
    schema: str | None = None
    """The schema in which `registry init` would create the table."""
    may_use_schema: bool = True
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was seen. `broker` is None if it does not answer over HTTP."""

    servers: Sequence[Server]
    logins: Mapping[Over, Login] = field(default_factory=dict)
    """The users of both protocols."""
    broker: Broker | None = None
    registry: Answer[Registry] | None = None
    files: Sequence[TlsFile] = field(default=())
    now: datetime
