"""Flags, environment and file become one frozen `Settings`; passwords are never in a repr.

For each setting a flag wins over the environment, the environment over the file, the file over the default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from attune_infra.errors import InvalidInput

DEFAULT_AMQP_URL: Final = "amqp://guest:guest@localhost:5672/%2F"
DEFAULT_TOPOLOGY: Final = "attune"
DEFAULT_TIMEOUT: Final = 10.0
"""Seconds to wait for one answer of the broker or the database."""

_MAX_LABEL_BYTES: Final = 63
_UNIT_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}


class Via(StrEnum):
    """The protocol that exchanges, queues and bindings are declared with; policies exist only over HTTP."""

    AMQP = "amqp"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and the places it can come from."""

    flag: str
    variable: str
    path: tuple[str, ...]
    """Keys into the platform's configuration file."""


TOPOLOGY: Final = Setting("--topology", "ATTUNE__MESSAGE_QUEUE__TOPOLOGY", ("message_queue", "topology"))
WORKER_QUEUE_TTL: Final = Setting(
    "--worker-queue-ttl", "ATTUNE__MESSAGE_QUEUE__WORKER_QUEUE_TTL", ("message_queue", "worker_queue_ttl")
)
AMQP_URL: Final = Setting("--amqp-url", "ATTUNE__MESSAGE_QUEUE__URL", ("message_queue", "url"))
MANAGEMENT_URL: Final = Setting(
    "--management-url", "ATTUNE__MESSAGE_QUEUE__MANAGEMENT_URL", ("message_queue", "management_url")
)
DATABASE_URL: Final = Setting("--database-url", "ATTUNE__DATABASE__URL", ("database", "url"))
SCHEMA: Final = Setting("--schema", "ATTUNE__DATABASE__SCHEMA", ("database", "schema"))
CA_FILE: Final = Setting("--ca-file", "ATTUNE__MESSAGE_QUEUE__CA_FILE", ("message_queue", "ca_file"))
CERT_FILE: Final = Setting("--cert-file", "ATTUNE__MESSAGE_QUEUE__CERT_FILE", ("message_queue", "cert_file"))
KEY_FILE: Final = Setting("--key-file", "ATTUNE__MESSAGE_QUEUE__KEY_FILE", ("message_queue", "key_file"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of a server, and the user and password to log in with."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @property
    def tls(self) -> bool:
        return self.scheme in {"amqps", "https"}

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a command."""

    amqp: Endpoint
    management: Endpoint
    management_path: str = ""
    virtual_host: str = "/"
    database_url: str | None = field(default=None, repr=False)
    schema: str | None = None
    """Schema of the table `worker`; None for the search path of the database."""
    tls: Tls = Tls()
    timeout: float = DEFAULT_TIMEOUT


def resolve(
    flags: Mapping[Setting, str | None],
    environment: Mapping[str, str],
    *,
    config: Path | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Settings:
    """Return the settings; raise `InvalidInput` that names the wrong flag, variable or file."""
    find = _finder(flags, environment, config)
    amqp, vhost = _amqp(*find(AMQP_URL))
    management, management_path = _management(amqp, *find(MANAGEMENT_URL))
    return Settings(
        amqp=amqp,
        management=management,
        management_path=management_path,
        virtual_host=vhost,
        database_url=_database_url(*find(DATABASE_URL)),
        schema=find(SCHEMA)[0],
        tls=_tls(*(find(setting) for setting in (CA_FILE, CERT_FILE, KEY_FILE))),
        timeout=timeout,
    )


def virtual_host(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> str:
    """Return the virtual host of the AMQP URL, whatever the other settings are."""
    _, vhost = _amqp(*_finder(flags, environment, config)(AMQP_URL))
    return vhost


def topology_name(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> str:
    """Return the name or the file of the topology, whatever the other settings are."""
    name, _ = _finder(flags, environment, config)(TOPOLOGY)
    return name or DEFAULT_TOPOLOGY


def worker_queue_ttl(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> int | None:
    """Return the milliseconds after which an unused worker queue expires: 0 for never, None if not set."""
    text, origin = _finder(flags, environment, config)(WORKER_QUEUE_TTL)
    if text is None:
        return None
    return 0 if text == "off" else _milliseconds(text, origin)


def _milliseconds(text: str, origin: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", text, re.ASCII)
    if not found or not int(found[1]):
        raise InvalidInput(
            f"{origin} is '{text}', which is not a duration", hint="write it as 90s, 30m, 24h, 7d, or off"
        )
    return int(found[1]) * _UNIT_MILLISECONDS[found[2]]


def _finder(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], config: Path | None
) -> Callable[[Setting], tuple[str | None, str]]:
    """Return a function that finds the value of a setting, and the name of its origin for messages."""
    document = _read(config) if config else {}

    def find(setting: Setting) -> tuple[str | None, str]:
        if flag := flags.get(setting):
            return flag, setting.flag
        if variable := environment.get(setting.variable):
            return variable, setting.variable
        return _lookup(document, setting.path, config), f"{'.'.join(setting.path)} in {config}"

    return find


def _read(config: Path) -> Mapping[str, object]:
    import yaml

    hint = "give the platform's configuration file, a YAML mapping with `message_queue.url`"
    try:
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"cannot read {config}: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"cannot read {config}: it is not UTF-8 text", hint=hint) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{config}:{mark.line + 1}:{mark.column + 1}" if mark else str(config)
        raise InvalidInput(f"{place}: invalid YAML: {error.problem}", hint=hint) from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{config}: invalid YAML", hint=hint) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidInput(f"{config}: expected a mapping, got {_kind(document)}", hint=hint)
    return document


def _lookup(document: Mapping[str, object], path: tuple[str, ...], config: Path | None) -> str | None:
    value: object = document
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping):
            raise InvalidInput(
                f"{config}: `{'.'.join(path[:depth])}` expects a mapping, got {_kind(value)}",
                hint=f"write `{'.'.join(path)}` as a key below a mapping",
            )
        value = value.get(key)
        if value is None:
            return None
    if not isinstance(value, str):
        raise InvalidInput(
            f"{config}: `{'.'.join(path)}` expects a string, got {_kind(value)}",
            hint="put the value into quotes",
        )
    return value


def _amqp(url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the AMQP endpoint and the virtual host of a URL."""
    ports = {"amqp": 5672, "amqps": 5671}
    endpoint, path = _endpoint(url or DEFAULT_AMQP_URL, origin, ports, "amqp://HOST:5672/VHOST")
    return endpoint, _virtual_host(path, origin)


def _kind(value: object) -> str:
    """Return the kind of a YAML value, for a sentence."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _endpoint(url: str, origin: str, ports: Mapping[str, int], example: str) -> tuple[Endpoint, str]:
    hint = f"write it as {example}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{origin} is not a URL: its port or host cannot be read", hint=hint) from error
    if parts.scheme not in ports:
        known = " or ".join(f"{scheme}://" for scheme in ports)
        raise InvalidInput(f"{origin} does not start with {known}", hint=hint)
    if not parts.hostname:
        raise InvalidInput(f"{origin} has no host", hint=hint)
    if not _is_host(parts.hostname):
        raise InvalidInput(f"{origin} has the host '{parts.hostname}', which no server can have", hint=hint)
    if port == 0:
        raise InvalidInput(f"{origin} has port 0, on which no server can listen", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidInput(
            f"{origin} has a '?' or '#' part, which is not supported",
            hint="in a user name, password or virtual host write '?' as %3F and '#' as %23",
        )
    endpoint = Endpoint(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or ports[parts.scheme],
        **_credentials(parts),
    )
    return endpoint, parts.path


def _is_host(name: str) -> bool:
    """Return True if a name can be looked up: its labels have 1 to 63 bytes."""
    if name.isascii():  # without the codec, which takes long to load
        return ":" in name or all(
            1 <= len(label) <= _MAX_LABEL_BYTES for label in name.removesuffix(".").split(".")
        )
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _credentials(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {"user": "guest", "password": "guest"}
    return {"user": unquote(parts.username), "password": unquote(parts.password or "")}


def _management(amqp: Endpoint, url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the endpoint and path of the management API, by default on the AMQP host at the standard port."""
    ports = {"http": 15672, "https": 15671}
    if url is None:
        scheme = "https" if amqp.tls else "http"
        return replace(amqp, scheme=scheme, port=ports[scheme]), ""
    endpoint, path = _endpoint(url, origin, ports, "http://HOST:15672")
    if urlsplit(url).username is None:
        endpoint = replace(endpoint, user=amqp.user, password=amqp.password)
    return endpoint, path.rstrip("/").removesuffix("/api")


def _virtual_host(path: str, origin: str) -> str:
    """Return the virtual host of a URL's path; no path, `/` and `//` all mean the virtual host `/`."""
    if path in {"", "/", "//"}:
        return "/"
    name = path.removeprefix("/")
    if "/" in name:
        raise InvalidInput(
            f"{origin} has a path of several parts; it should be one virtual host",
            hint=f"a '/' in the name of a virtual host is written %2F: /{quote(unquote(name), safe='')}",
        )
    return unquote(name)


def _database_url(url: str | None, origin: str) -> str | None:
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        raise InvalidInput(
            f"{origin} does not start with postgresql://",
            hint="write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE",
        )
    return url


def _tls(*found: tuple[str | None, str]) -> Tls:
    files: list[Path | None] = []
    for name, origin in found:
        path = Path(name) if name else None
        if path is not None and not path.is_file():
            raise InvalidInput(f"{origin}: there is no file {path}", hint="give a file in PEM format")
        files.append(path)
    ca_file, cert_file, key_file = files
    if key_file and not cert_file:
        raise InvalidInput("a key file needs a certificate file", hint="give --cert-file too")
    return Tls(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
