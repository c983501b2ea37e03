"""Put the settings of a command together from the places that they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from attune_infra.durations import EXAMPLES, milliseconds
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.settings.sources import Sources
from attune_infra.settings.urls import amqp_of, check_database_url, lacks_password, management_of, with_password
from attune_infra.settings.values import (
    AMQP_URL,
    CA_FILE,
    CERT_FILE,
    DATABASE_PASSWORD,
    DATABASE_URL,
    DEFAULT_TIMEOUT,
    DEFAULT_TOPOLOGY,
    EXPECT_CLUSTER,
    KEY_FILE,
    MANAGEMENT_URL,
    PASSWORD,
    SCHEMA,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Endpoint,
    Expectation,
    Setting,
    Settings,
    Tls,
)

Ask: TypeAlias = Callable[[str], str | None]
"""Ask a person for the password of an address; None if there is nobody to ask."""


def resolve(
    flags: Mapping[Setting, str | None],
    environment: Mapping[str, str],
    *,
    config: Path | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    ask: Ask = lambda _: None,
) -> Settings:
    """Return the settings; raise `InvalidInput` that names the wrong flag, variable or file."""
    sources = Sources(flags, environment, config)
    return settings_from(sources, timeout=timeout, ask=ask)


def settings_from(sources: Sources, *, timeout: float, ask: Ask) -> Settings:
    """Return the settings that these places hold."""
    find, connection = sources.find, sources.connection
    url, origin = find(AMQP_URL)
    management_url, management_origin = find(MANAGEMENT_URL)
    amqp, vhost = amqp_of(url, origin)
    if url is not None and lacks_password(url):
        amqp = replace(amqp, password=_password(sources, origin, amqp, ask))
    management, management_path = management_of(amqp, management_url, management_origin)
    if management_url is not None and lacks_password(management_url):
        same_user = management.user == amqp.user and url is not None
        password = amqp.password if same_user else _password(sources, management_origin, management, ask)
        management = replace(management, password=password)
    return Settings(
        amqp=amqp,
        management=management,
        management_path=management_path,
        virtual_host=vhost,
        amqp_is_named=url is not None,
        management_is_named=management_url is not None,
        connection=connection.name if connection else None,
        protected=connection is not None and connection.protected,
        protected_clusters=_protected_clusters(sources),
        expected=_expected(sources),
        database_url=_database_url(sources),
        schema=find(SCHEMA)[0],
        tls=_tls(*(find(setting) for setting in (CA_FILE, CERT_FILE, KEY_FILE))),
        timeout=timeout,
    )


def check_flag(flag: str, text: str) -> None:
    """Raise `WrongUsage` if a value typed for a setting is wrong, whatever the other settings are."""
    try:
        match flag:
            case AMQP_URL.flag:
                amqp_of(text, flag)
            case MANAGEMENT_URL.flag:
                management_of(amqp_of(None, flag)[0], text, flag)
            case DATABASE_URL.flag:
                check_database_url(text, flag)
            case WORKER_QUEUE_TTL.flag if text != "off":
                _milliseconds(text, flag)
    except InvalidInput as error:
        raise WrongUsage(error.sentence, hint=error.hint) from error


def virtual_host(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> str:
    """Return the virtual host of the AMQP URL, whatever the other settings are."""
    _, vhost = amqp_of(*Sources(flags, environment, config).find(AMQP_URL))
    return vhost


def topology_names(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> tuple[str, ...]:
    """Return the names, files and folders that make the topology, whatever the other settings are."""
    return Sources(flags, environment, config).find_all(TOPOLOGY) or (DEFAULT_TOPOLOGY,)


def worker_queue_ttl(
    flags: Mapping[Setting, str | None], environment: Mapping[str, str], *, config: Path | None = None
) -> int | None:
    """Return the milliseconds after which an unused worker queue expires: 0 for never, None if not set."""
    text, origin = Sources(flags, environment, config).find(WORKER_QUEUE_TTL)
    if text is None:
        return None
    return 0 if text == "off" else _milliseconds(text, origin)


def _milliseconds(text: str, origin: str) -> int:
    found = milliseconds(text)
    if not found:
        raise InvalidInput(f"{origin} is '{text}', which is not a duration", hint=f"write {EXAMPLES}, or off")
    return found


def _password(sources: Sources, origin: str, endpoint: Endpoint, ask: Ask) -> str:
    """Return the password of a URL that has none."""
    found, _ = sources.find(PASSWORD)
    if found is None:
        found = ask(f"{endpoint.user} at {endpoint.base_url}")
    if found is None:
        raise InvalidInput(
            f"{origin} has a user and no password",
            hint=f"give it in {PASSWORD.variable}, in a file that {PASSWORD.variable}_FILE names, with "
            "`password_file` or `password_command` in the configuration file, or type it on a terminal",
        )
    return found


def _expected(sources: Sources) -> tuple[Expectation, ...]:
    cluster, origin = sources.find(EXPECT_CLUSTER)
    found = [] if cluster is None else [Expectation(cluster, origin)]
    connection = sources.connection
    if connection is not None and sources.flags.get(EXPECT_CLUSTER):
        cluster, origin = connection.find("expect_cluster")
        found += [] if cluster is None else [Expectation(cluster, origin)]
    return tuple(found)


def _protected_clusters(sources: Sources) -> frozenset[str]:
    found = (each.find("expect_cluster")[0] for each in sources.connections() if each.protected)
    return frozenset(cluster for cluster in found if cluster is not None)


def _database_url(sources: Sources) -> str | None:
    url, origin = sources.find(DATABASE_URL)
    if url is None:
        return None
    check_database_url(url, origin)
    if not lacks_password(url):
        return url
    password, _ = sources.find(DATABASE_PASSWORD)
    return url if password is None else with_password(url, password)


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
