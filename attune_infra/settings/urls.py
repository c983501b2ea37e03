"""URLs of servers -> endpoints. Each error names the origin of a URL, never its text: it may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from attune_infra.errors import InvalidInput
from attune_infra.settings.values import DEFAULT_AMQP_URL, Endpoint

_MAX_LABEL_BYTES: Final = 63
_SPECIAL_CHARACTERS: Final = (
    "in user name, password and virtual host write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
)


def amqp_of(url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the AMQP endpoint and the virtual host of a URL; an endpoint without a user is that of `guest`."""
    ports = {"amqp": 5672, "amqps": 5671}
    endpoint, path = _endpoint(url or DEFAULT_AMQP_URL, origin, ports, "amqp://HOST:5672/VHOST")
    return endpoint, _virtual_host(path, origin)


def lacks_password(url: str) -> bool:
    """Return True if a readable URL has a user without a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.username) and parts.password is None


def with_password(url: str, password: str) -> str:
    """Return a URL whose user has this password."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{place}"))


def _endpoint(url: str, origin: str, ports: Mapping[str, int], example: str) -> tuple[Endpoint, str]:
    hint = f"write it as {example}"
    special = f"{hint}; {_SPECIAL_CHARACTERS}" if "@" in url else hint
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{origin} is not a URL: its port or host cannot be read", hint=special) from error
    if parts.scheme not in ports:
        known = " or ".join(f"{scheme}://" for scheme in ports)
        raise InvalidInput(f"{origin} does not start with {known}", hint=hint)
    if not parts.hostname:
        raise InvalidInput(f"{origin} has no host", hint=special)
    if not _is_host(parts.hostname):
        raise InvalidInput(f"{origin} has the host '{parts.hostname}', which no server can have", hint=special)
    if port == 0:
        raise InvalidInput(f"{origin} has port 0, on which no server can listen", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidInput(f"{origin} has a '?' or '#' part, which is not supported", hint=_SPECIAL_CHARACTERS)
    if parts.path and "@" in parts.path:
        raise InvalidInput(f"{origin} has an '@' behind the host", hint=special)
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


def management_of(amqp: Endpoint, url: str | None, origin: str) -> tuple[Endpoint, str]:
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
