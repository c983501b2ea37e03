"""Why a binding matches a message, or why not, in words.

Whether it does is not decided here (`topology.routing` does); this finds the words for what was decided.
"""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Arguments, Binding, Exchange, Message
from attune_infra.topology.routing.headers import comparable, criteria_of, demands_any
from attune_infra.topology.routing.topic_keys import words_of
from attune_infra.topology.words import shown

_WILD = {"*", "#"}


def why(binding: Binding, exchange: Exchange, message: Message) -> str:
    """Return why a binding matches."""
    key = binding.routing_key
    match exchange.type:
        case "direct" if not exchange.name:
            return "the default exchange knows each queue by its name"
        case "direct":
            return f"the routing key is '{key}'"
        case "fanout":
            return "a fanout exchange takes every message"
        case "topic" if key in message.routing_keys and not _WILD.intersection(words_of(key)):
            return f"the routing key is '{key}'"
        case "topic":
            return f"pattern '{key}' matches {_keys(message)}"
        case "headers":
            return _why_headers(binding.arguments)
        case _:
            return f"the type {exchange.type} decides by itself"


def why_not(binding: Binding, exchange: Exchange, message: Message, version: Version) -> str:
    """Return why a binding does not match."""
    match exchange.type:
        case "headers":
            return _why_not_headers(binding.arguments, message.headers, version)
        case "topic":
            return "; ".join(_why_not_topic(binding.routing_key, message))
        case _:
            literally = _WILD.intersection(words_of(binding.routing_key))
            more = f"; a direct exchange takes '{min(literally)}' literally" if literally else ""
            return f"'{binding.routing_key}' is not {_keys(message)}{more}"


def _keys(message: Message) -> str:
    return " or ".join(f"'{key}'" for key in message.routing_keys)


def _why_headers(arguments: Arguments) -> str:
    demanded = " and ".join(f"{name} {shown(value)}" for name, value in criteria_of(arguments).items())
    if demands_any(arguments):
        return "one of its headers is there"
    return f"its headers are there: {demanded}" if demanded else "it demands no header"


def _why_not_headers(arguments: Arguments, headers: Arguments, version: Version) -> str:
    criteria = criteria_of(arguments)
    if not criteria:
        return "x-match any demands one of its headers, and it names none"
    found = []
    for name, value in criteria.items():
        if name not in headers:
            found.append(f"header {name} is not there")
        elif comparable(value, version) not in (comparable(headers[name], version), comparable(None, version)):
            found.append(f"header {name} is {shown(headers[name])}, not {shown(value)}")
    return " and ".join(found)


def _why_not_topic(pattern: str, message: Message) -> Iterator[str]:
    """Yield where the pattern and the key part, and the traps that the pattern may have fallen into."""
    words, key = words_of(pattern), words_of(message.routing_key)
    if "#" in words or len(message.routing_keys) > 1:
        yield f"pattern '{pattern}' does not match {_keys(message)}"
    elif len(words) != len(key):
        yield f"'{pattern}' has {_count(words)}, and '{message.routing_key}' has {_count(key)}"
    else:
        pairs = zip(words, key, strict=True)
        place, (word, other) = next(
            (place, pair) for place, pair in enumerate(pairs, 1) if pair[0] not in {"*", pair[1]}
        )
        yield f"word {place} of '{pattern}' is '{word}', not '{other}'"
    if len(words) < len(key) and "*" in words and "#" not in words:
        yield "'*' is exactly one word; '#' is any number of them"
    for word in words:
        if len(word) > 1 and _WILD.intersection(word):
            yield f"'{word}' is taken literally: * and # are wild only as whole words"


def _count(words: list[str]) -> str:
    return f"{len(words)} {'word' if len(words) == 1 else 'words'}"
