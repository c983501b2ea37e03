"""Bindings that the management API cannot name: those with no routing key, or with one that is not a string.

RabbitMQ makes them if it loads definitions whose `routing_key` is absent, null or another value. Tried on 3.10,
4.0 and 4.3: a missing key is listed as the text `undefined`, and deleting that path deletes the binding with the
empty key instead. No path leads to the texts `undefined` and `null`, `.` or `..`; AMQP deletes these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from attune_infra.broker import answers, wire
from attune_infra.errors import VirtualHostMissing
from attune_infra.topology.facts.deletion import NULL_KEY
from attune_infra.topology.model import MISSING_KEY, VOID_AS_LISTED, Binding, as_read

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management

_NO_TEXT: Final = "Not UTF-8, base64 is: "
"""The beginning of the text that RabbitMQ lists for bytes that are none."""
_WITHOUT_PATH: Final = frozenset({".", ".."})
"""Properties keys that HTTP takes for parts of a path."""


def recognize_missing_keys(bindings: Sequence[Binding], http: Management, vhost: str) -> list[Binding]:
    """Return bindings with those recognized that have no routing key; ask only if one looks like that."""
    doubtful = [each for each in bindings if _may_lack_key(each)]
    if not doubtful:
        return list(bindings)
    found = [each for each in bindings if not _may_lack_key(each)]
    for place, source in {wire.path_of(each, vhost): each.source for each in doubtful}.items():
        between = bindings_between(http, place, source)
        found += [each for each, _ in between if each.routing_key == MISSING_KEY]
    return found


def bindings_between(http: Management, place: Sequence[str], source: str) -> Iterator[tuple[Binding, str]]:
    """Yield the bindings between two ends, each with its properties key."""
    asked: set[str] = set()
    for item in http.get(*place, shape=answers.BINDINGS_WITH_KEYS):
        binding, properties_key = wire.binding_from(item, source), item["properties_key"]
        if _may_lack_key(binding) and properties_key not in asked:
            asked.add(properties_key)
            if _has_path(http, place, properties_key):
                binding = replace(binding, key_is_text=False)
        yield binding, properties_key


class PropertiesKeys:
    """The properties keys of bindings to delete, listed with one request for each source if that saves any."""

    def __init__(self, http: Management, vhost: str, bindings: Iterable[Binding]) -> None:
        self._http, self._vhost = http, vhost
        self._places: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for binding in bindings:
            self._places[binding.source].add(wire.path_of(binding, vhost))
        self._listed: dict[str, dict[Binding, list[tuple[Binding, str]]]] = {}

    def of(self, binding: Binding) -> Sequence[tuple[Binding, str]]:
        """Return a binding and its twins, which differ only in the width of integers, each with its key."""
        if len(self._places[binding.source]) == 1 or _may_lack_key(binding):
            place = wire.path_of(binding, self._vhost)
            between = bindings_between(self._http, place, binding.source)
            return [(twin, key) for twin, key in between if as_read(twin) == as_read(binding)]
        if binding.source not in self._listed:
            self._listed[binding.source] = self._list(binding.source)
        return self._listed[binding.source].get(as_read(binding), ())

    def _list(self, source: str) -> dict[Binding, list[tuple[Binding, str]]]:
        found: defaultdict[Binding, list[tuple[Binding, str]]] = defaultdict(list)
        place = ("exchanges", self._vhost, source, "bindings", "source")
        for item in self._http.get(*place, shape=answers.BINDINGS_WITH_KEYS):
            binding = wire.binding_from(item, source)
            found[as_read(binding)].append((binding, item["properties_key"]))
        return found


def can_delete_over_http(binding: Binding, properties_key: str) -> bool:
    """Return True if the path of a binding leads to it and to no other."""
    if not binding.key_is_text:
        return binding.routing_key == NULL_KEY
    return properties_key not in _WITHOUT_PATH and binding.routing_key not in {MISSING_KEY, NULL_KEY}


def has_one_form(binding: Binding) -> bool:
    """Return True if only one binding is listed like this one, and AMQP can name it.

    Numbers are listed without their width, void as a text, and bytes that are no text as another one.
    """
    texts = (binding.source, binding.destination, binding.routing_key, *binding.arguments.keys())
    return (
        binding.key_is_text
        and binding.routing_key not in {MISSING_KEY, NULL_KEY}
        and all(isinstance(value, str | bool) and value != VOID_AS_LISTED for value in binding.arguments.values())
        and not any(str(text).startswith(_NO_TEXT) for text in (*texts, *binding.arguments.values()))
    )


def _may_lack_key(binding: Binding) -> bool:
    return binding.key_is_text and binding.routing_key == MISSING_KEY


def _has_path(http: Management, place: Sequence[str], properties_key: str) -> bool:
    """Return True if a binding has no routing key; the path of the text `undefined` answers 404."""
    try:
        http.get(*place, properties_key, shape=answers.BINDING_WITH_KEY)
    except VirtualHostMissing:  # a 404
        return False
    return True
