"""URIs of brokers, as federation and shovels take them.

Tried on 3.10, 4.0 and 4.3: a URI without a host leads to the same broker. One without a virtual host leads a
shovel to the virtual host `/`, not to that of the shovel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_DEFAULT: Final = "/"


def is_here(value: object, virtual_host: str) -> bool:
    """Return whether all URIs lead a shovel to this virtual host; one that is only referred to leads anywhere."""
    return leads_to(value) == virtual_host


def leads_to(value: object) -> str | None:
    """Return the one virtual host of the same broker that all URIs lead a shovel to; None if that is unknown."""
    paths = [local_path(uri) for uri in uris_of(value)]
    places = {None if path is None else unquote(path or _DEFAULT) for path in paths}
    return places.pop() if len(places) == 1 else None


def uris_of(value: object) -> list[str]:
    """Return the URIs of a key; an empty text for one that is not known here."""
    return [each if isinstance(each, str) else "" for each in (value if isinstance(value, list) else [value])]


def local_path(uri: str) -> str | None:
    """Return the virtual host in a URI without a host, empty for none; None for any other URI."""
    _, found, place = uri.partition("://")
    place = place.partition("?")[0]
    return place.removeprefix("/") if found and (not place or place.startswith("/")) else None


def names_of(value: object) -> Iterator[str]:
    """Yield a name for each URI: host and virtual host, or the place that a document refers to."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            [(kind, words)] = each.items()
            yield f"{kind} {words[0] if isinstance(words, list) else words}"
        elif "://" not in str(each):
            yield str(each)
        else:
            place = str(each).partition("://")[2].partition("?")[0].rpartition("@")[2]
            yield (
                place if place and not place.startswith("/") else f"virtual host {unquote(place[1:] or _DEFAULT)}"
            )
