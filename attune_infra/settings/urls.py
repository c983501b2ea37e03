"""URLs of servers -> endpoints. Each error names the origin of a URL, never its text: it may hold a password."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from attune_infra.errors import InvalidInput
from attune_infra.masking import separate_urls
from attune_infra.settings.values import DEFAULT_AMQP_URL, Endpoint

_MAX_LABEL_BYTES: Final = 63
_SPECIAL: Final = {"@": "%40", ":": "%3A", "/": "%2F", "?": "%3F", "#": "%23", "%": "%25", "[": "%5B", "]": "%5D"}
_ALL_SPECIAL: Final = ", ".join(f"{character} as {code}" for character, code in _SPECIAL.items())
_HOST: Final = re.compile(r"[\w.-]+", re.ASCII)
_DATABASE_URL: Final = (
    r"postgres(?:ql)?://(?:[^@/]*@)?(?:[\w.%-]*|\[[0-9A-Fa-f:.%]*\])(?::\d*)?"
    r"(?:,(?:[\w.%-]*|\[[0-9A-Fa-f:.%]*\])(?::\d*)?)*(?:/[^@/?]*)?(?:\?.*)?"
)
"""As libpq reads a URL: several hosts are possible, and an empty one is that of a local socket.

Python compiles it when it is needed.
"""
_PARTS: Final = re.compile(r"([a-z]+://)((?:[^/?#]*@)?)([^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)
"""Scheme, user with password, hosts, and the rest of a URL."""


def amqp_of(url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the AMQP endpoint and the virtual host of a URL; an endpoint without a user is that of `guest`."""
    ports = {"amqp": 5672, "amqps": 5671}
    endpoint, path = _endpoint(url or DEFAULT_AMQP_URL, origin, ports, "amqp://HOST:5672/VHOST")
    return endpoint, _virtual_host(path, origin)


def lacks_password(url: str) -> bool:
    """Return True if a readable URL has a user, and no password or an empty one."""
    try:
        parts = urlsplit(_single_urls(url)[0])
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
    if not re.fullmatch(_DATABASE_URL, url):
        raise InvalidInput(
            f"{origin} is not a URL: its host, its port or its database cannot be read", hint=_hint(url, example)
        )


def _endpoint(url: str, origin: str, ports: Mapping[str, int], example: str) -> tuple[Endpoint, str]:
    """Return the endpoint of all hosts of a URL, or of several URLs, and their path."""
    _refuse_odd_characters(url.strip(), origin)
    _refuse_two_users(url, origin)
    urls, hint = _single_urls(url), _hint(url, example)
    if any(each.partition(":")[0].lower() not in ports for each in urls):
        known = " or ".join(f"{scheme}://" for scheme in ports)
        raise InvalidInput(f"{origin} does not start with {known}", hint=f"write it as {example}")
    found = [_endpoint_of_one(each, origin, ports, hint, (n, len(urls))) for n, each in enumerate(urls, 1)]
    first, path = found[0]
    if any(replace(each, host=first.host, port=first.port) != first or other != path for each, other in found):
        raise InvalidInput(
            f"{origin} has several URLs that differ in more than host and port",
            hint="all hosts have one scheme, user, password and path; write one URL with several hosts: "
            + example.replace("HOST", "HOST1,HOST2").replace("HOST1,HOST2:", "HOST1:PORT,HOST2:"),
        )
    return replace(first, others=tuple((each.host, each.port) for each, _ in found[1:])), path


def _single_urls(url: str) -> Sequence[str]:
    """Return a URL for each host of a URL, and of each of several URLs that are joined by commas."""
    found = []
    for each in separate_urls(url.lstrip()):
        parts = _PARTS.fullmatch(each)
        if parts is None:
            found.append(each)
            continue
        scheme, user, hosts, rest = parts.groups()
        found += [f"{scheme}{user}{host}{rest}" for host in hosts.split(",")]
    return found


def _refuse_two_users(url: str, origin: str) -> None:
    """Refuse a list in which each host has the user of its own, since all before the last `@` is a password."""
    for each in separate_urls(url.lstrip()):
        parts = _PARTS.fullmatch(each)
        user, at, rest = parts[2].partition("@") if parts else ("", "", "")
        if at and f",{user.partition(':')[0]}:" in rest:
            raise InvalidInput(
                f"{origin} has a user before more than one host",
                hint="give user and password once, before the first host; they are those of all hosts",
            )


def _endpoint_of_one(
    url: str, origin: str, ports: Mapping[str, int], hint: str, place: tuple[int, int]
) -> tuple[Endpoint, str]:
    """Return the endpoint and the path of a URL with one host, which is that number of so many."""
    number, count = place
    which = f"host {number} of {count} in {origin}"
    is_alone = count == 1
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        unreadable = f"{origin} is not a URL: its port or host cannot be read"
        raise InvalidInput(unreadable if is_alone else f"{which} is not HOST or HOST:PORT", hint=hint) from error
    if not parts.hostname:
        raise InvalidInput(f"{origin} has no host" if is_alone else f"{which} is empty", hint=hint)
    if not _is_host(parts.hostname):
        impossible = "has a host that no server can have" if is_alone else "is a name that no server can have"
        raise InvalidInput(f"{origin if is_alone else which} {impossible}", hint=hint)
    if port == 0:
        raise InvalidInput(f"{origin if is_alone else which} has port 0, on which no server can listen", hint=hint)
    if parts.query or parts.fragment:
        raise InvalidInput(f"{origin} has a '?' or '#' part, which is not supported", hint=hint)
    if parts.path and "@" in parts.path:
        raise InvalidInput(f"{origin} has an '@' behind the host", hint=hint)
    user, password = _credentials(parts)
    endpoint = Endpoint(
        scheme=parts.scheme, host=parts.hostname, port=port or ports[parts.scheme], user=user, password=password
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


def _credentials(parts: SplitResult) -> tuple[str, str]:
    """Return user and password."""
    if parts.username is None:
        return "guest", "guest"
    return unquote(parts.username), unquote(parts.password or "")


def management_of(amqp: Endpoint, url: str | None, origin: str) -> tuple[Endpoint, str]:
    """Return the endpoint and path of the management API, by default on the AMQP hosts at the standard port."""
    ports = {"http": 15672, "https": 15671}
    if url is None:
        scheme = "https" if amqp.tls else "http"
        others = tuple((host, ports[scheme]) for host, _ in amqp.others)
        return replace(amqp, scheme=scheme, port=ports[scheme], others=others), ""
    endpoint, path = _endpoint(url, origin, ports, "http://HOST:15672")
    if urlsplit(_single_urls(url)[0]).username is None:
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
