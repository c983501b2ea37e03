"""URLs of servers -> endpoints. Each error names the origin of a URL, never its text: it may hold a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from attune_infra.errors import InvalidInput
from attune_infra.settings.values import DEFAULT_AMQP_URL, Endpoint

_MAX_LABEL_BYTES: Final = 63
_SPECIAL: Final = {"@": "%40", ":": "%3A", "/": "%2F", "?": "%3F", "#": "%23", "%": "%25", "[": "%5B", "]": "%5D"}
_ALL_SPECIAL: Final = ", ".join(f"{character} as {code}" for character, code in _SPECIAL.items())
_HOST: Final = re.compile(r"[\w.-]+", re.ASCII)
_DATABASE_URL: Final = re.compile(
    r"postgres(?:ql)?://(?:[^@/]*@)?(?:[\w.%-]*|\[[0-9A-Fa-f:.%]*\])(?::\d*)?"
    r"(?:,(?:[\w.%-]*|\[[0-9A-Fa-f:.%]*\])(?::\d*)?)*(?:/[^@/?]*)?(?:\?.*)?"
)
"""As libpq reads a URL: several hosts are possible, and an empty one is that of a local socket."""


def amqp_of(url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the AMQP endpoint and the virtual host of a URL; an endpoint without a user is that of `guest`."""
    ports = {"amqp": 5672, "amqps": 5671}
    endpoint, path = _endpoint(url or DEFAULT_AMQP_URL, origin, ports, "amqp://HOST:5672/VHOST")
    return endpoint, _virtual_host(path, origin)


def lacks_password(url: str) -> bool:
    """Return True if a readable URL has a user, and no password or an empty one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.username) and not parts.password


def with_password(url: str, password: str) -> str:
    """Return a URL whose user has this password."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{place}"))


def check_database_url(url: str, origin: str) -> None:
    """Raise `InvalidInput` if libpq would not read a URL as it is meant; its own words quote the URL."""
    example = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    if not url.startswith(("postgresql://", "postgres://")):
        raise InvalidInput(f"{origin} does not start with postgresql://", hint=f"write it as {example}")
    _refuse_odd_characters(url, origin)
    if not _DATABASE_URL.fullmatch(url):
        raise InvalidInput(
            f"{origin} is not a URL: its host, its port or its database cannot be read", hint=_hint(url, example)
        )


def _endpoint(url: str, origin: str, ports: Mapping[str, int], example: str) -> tuple[Endpoint, str]:
    hint = _hint(url, example)
    _refuse_odd_characters(url.strip(), origin)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{origin} is not a URL: its port or host cannot be read", hint=hint) from error
    if parts.scheme not in ports:
        known = " or ".join(f"{scheme}://" for scheme in ports)
        raise InvalidInput(f"{origin} does not start with {known}", hint=f"write it as {example}")
    if not parts.hostname:
        raise InvalidInput(f"{origin} has no host", hint=hint)
    if not _is_host(parts.hostname):
        raise InvalidInput(f"{origin} has a host that no server can have", hint=hint)
    if port == 0:
        raise InvalidInput(f"{origin} has port 0, on which no server can listen", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidInput(f"{origin} has a '?' or '#' part, which is not supported", hint=hint)
    if parts.path and "@" in parts.path:
        raise InvalidInput(f"{origin} has an '@' behind the host", hint=hint)
    endpoint = Endpoint(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or ports[parts.scheme],
        **_credentials(parts),
    )
    return endpoint, parts.path


def _hint(url: str, example: str) -> str:
    """Return the form of a URL, and the characters of this one that are likely to be in the wrong place.

    They are those between the user and the last `@`, where the password should be.
    """
    before, at, _ = url.partition("://")[2].rpartition("@")
    between = before.partition(":")[2]
    found = [character for character in _SPECIAL if character in between and character != "%"]
    if not at:
        return f"write it as {example}"
    if found:
        codes = ", ".join(f"{character} as {_SPECIAL[character]}" for character in found)
        return f"write it as {example}; a password is percent-encoded: write {codes}"
    return f"write it as {example}; in user name, password and virtual host write {_ALL_SPECIAL}"


def _refuse_odd_characters(url: str, origin: str) -> None:
    """Refuse characters that Python would leave out of a URL without a word, and those that nothing can send."""
    if any(character < " " or character == "\x7f" for character in url):
        raise InvalidInput(
            f"{origin} holds a control character, such as a tab or the end of a line",
            hint="remove it; in a password it is percent-encoded: a tab is %09, the end of a line is %0A",
        )
    if not url.isascii() and any("\ud800" <= character <= "\udfff" for character in url):
        raise InvalidInput(f"{origin} is not UTF-8 text", hint="write each other byte as %XX")


def _is_host(name: str) -> bool:
    """Return True if a name can be looked up: its labels have 1 to 63 bytes."""
    if name.isascii():  # without the codec, which takes long to load
        return ":" in name or bool(
            _HOST.fullmatch(name)
            and all(1 <= len(label) <= _MAX_LABEL_BYTES for label in name.removesuffix(".").split("."))
        )
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return all(character.isalnum() or character in "._-" for character in name)


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
            hint="a '/' in the name of a virtual host is written %2F",
        )
    return unquote(name)
