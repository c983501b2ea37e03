"""The settings of a command, and the places that each of them can come from."""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from attune_infra.dataclass import dataclass

DEFAULT_AMQP_URL: Final = "amqp://guest:guest@localhost:5672/%2F"
DEFAULT_TOPOLOGY: Final = "attune"
DEFAULT_TIMEOUT: Final = 10.0
"""Seconds to wait for one answer of the broker or the database."""

CONFIG_VARIABLE: Final = "ATTUNE_INFRA_CONFIG"
"""The environment variable that names the configuration file."""


class Via(StrEnum):
    """The protocol that exchanges, queues and bindings are declared with; policies exist only over HTTP."""

    AMQP = "amqp"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and the places it can come from."""

    flag: str
    """Empty for a secret that no command line should hold."""
    variable: str
    path: tuple[str, ...]
    """Keys into the platform's configuration file."""
    key: str | None
    """Key of a named connection; None for a setting that no connection has."""
    secret: bool = False
    """The value may be in a file of its own, which VARIABLE_FILE or `key_file` names."""
    repeats: bool = False
    """There may be several values: a list in the file, and separated as paths are in the variable."""


TOPOLOGY: Final = Setting(
    "--topology", "ATTUNE__MESSAGE_QUEUE__TOPOLOGY", ("message_queue", "topology"), "topology", repeats=True
)
WORKER_QUEUE_TTL: Final = Setting(
    "--worker-queue-ttl",
    "ATTUNE__MESSAGE_QUEUE__WORKER_QUEUE_TTL",
    ("message_queue", "worker_queue_ttl"),
    "worker_queue_ttl",
)
AMQP_URL: Final = Setting("--amqp-url", "ATTUNE__MESSAGE_QUEUE__URL", ("message_queue", "url"), "url", secret=True)
MANAGEMENT_URL: Final = Setting(
    "--management-url",
    "ATTUNE__MESSAGE_QUEUE__MANAGEMENT_URL",
    ("message_queue", "management_url"),
    "management_url",
    secret=True,
)
PASSWORD: Final = Setting(
    "", "ATTUNE__MESSAGE_QUEUE__PASSWORD", ("message_queue", "password"), "password", secret=True
)
CONNECTION: Final = Setting("--connection", "ATTUNE_INFRA_CONNECTION", ("connection",), None)
EXPECT_CLUSTER: Final = Setting(
    "--expect-cluster",
    "ATTUNE__MESSAGE_QUEUE__EXPECT_CLUSTER",
    ("message_queue", "expect_cluster"),
    "expect_cluster",
)
DATABASE_URL: Final = Setting(
    "--database-url", "ATTUNE__DATABASE__URL", ("database", "url"), "database_url", secret=True
)
DATABASE_PASSWORD: Final = Setting(
    "", "ATTUNE__DATABASE__PASSWORD", ("database", "password"), "database_password", secret=True
)
SCHEMA: Final = Setting("--schema", "ATTUNE__DATABASE__SCHEMA", ("database", "schema"), "schema")
CA_FILE: Final = Setting("--ca-file", "ATTUNE__MESSAGE_QUEUE__CA_FILE", ("message_queue", "ca_file"), "ca_file")
CERT_FILE: Final = Setting(
    "--cert-file", "ATTUNE__MESSAGE_QUEUE__CERT_FILE", ("message_queue", "cert_file"), "cert_file"
)
KEY_FILE: Final = Setting(
    "--key-file", "ATTUNE__MESSAGE_QUEUE__KEY_FILE", ("message_queue", "key_file"), "key_file"
)


def all_settings() -> tuple[Setting, ...]:
    """Return every setting, in the order of their definition here."""
    return tuple(value for value in globals().values() if isinstance(value, Setting))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of a server, or of each node of a cluster, and the user and password to log in with."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    others: tuple[tuple[str, int], ...] = ()
    """Host and port of each further node."""

    @property
    def tls(self) -> bool:
        return self.scheme in {"amqps", "https"}

    @property
    def hosts(self) -> tuple[Endpoint, ...]:
        """An endpoint for each host, in the order of the URL."""
        if not self.others:
            return (self,)
        places = ((self.host, self.port), *self.others)
        return tuple(replace(self, host=host, port=port, others=()) for host, port in places)

    @property
    def netloc(self) -> str:
        """Hosts and ports as they stand in a URL."""
        places = ((self.host, self.port), *self.others)
        return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places)

    @property
    def base_url(self) -> str:
        """The URL without user and password."""
        return f"{self.scheme}://{self.netloc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files: CA certificates to verify the broker with, a client certificate and its key; all optional."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """The name that a cluster must have, and the setting or file that says so."""

    cluster: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a command."""

    amqp: Endpoint
    management: Endpoint
    management_path: str = ""
    virtual_host: str = "/"
    amqp_is_named: bool = False
    """False if nothing names a broker, so that `amqp` is RabbitMQ's default."""
    management_is_named: bool = False
    """False if the management API is looked for beside AMQP."""
    connection: str | None = None
    """Name of the connection that was chosen."""
    protected: bool = False
    protected_clusters: frozenset[str] = frozenset()
    """The clusters that protected connections expect; they are protected, whatever URL leads to them."""
    expected: tuple[Expectation, ...] = ()
    database_url: str | None = field(default=None, repr=False)
    schema: str | None = None
    """Schema of the table `worker`; None for the search path of the database."""
    tls: Tls = Tls()
    timeout: float = DEFAULT_TIMEOUT
