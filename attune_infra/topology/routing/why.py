"""Reasons why a binding matches a message, or does not, in words.

`route` decides whether a binding matches; this module only explains the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.plugin_exchanges import CONSISTENT_HASH, JMS_TOPIC, LOCAL_RANDOM
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Arguments, Binding, Exchange, Message, odd_key
from attune_infra.topology.routing.headers import comparable, criteria_of, demands_any
from attune_infra.topology.routing.topic_keys import words_of
from attune_infra.topology.words import counted, shown

_WILDCARDS = {"*", "#"}
_CHOICES: Final = {
    "x-modulus-hash": "one of the bindings is chosen by the hash of the routing key",
    "x-random": "one of the bindings is chosen at random",
    LOCAL_RANDOM: "one of the bound queues on the publisher's node is chosen at random, if there is any",
    JMS_TOPIC: "the JMS selector of the binding decides, whatever the routing key is",
}
"""Reasons to take a binding of an exchange whose plugin chooses among them."""


def why(binding: Binding, exchange: Exchange, message: Message) -> str:
    """Explain why a binding matches."""
    key = binding.routing_key
    match exchange.routing_type:
        case "direct" if not exchange.name:
            return "the default exchange routes by the name of the queue"
        case "direct":
            return f"the routing key is '{key}'"
        case "fanout":
            return f"a {exchange.type.removeprefix('x-')} exchange matches every message"
        case "topic" if key in message.routing_keys and not _WILDCARDS.intersection(words_of(key)):
            return f"the routing key is '{key}'"
        case "topic":
            return f"pattern '{key}' matches {_keys(message)}"
        case "headers":
            return _why_headers(binding.arguments)
        case kind:
            return _why_plugin(kind, exchange)


def _why_plugin(kind: str, exchange: Exchange) -> str:
    """Explain why an exchange of a plugin's type may take a binding."""
    if kind == CONSISTENT_HASH:
        return f"one of the bound queues is chosen by the hash of {_hashed(exchange)}"
    if not kind:
        return "the type of the exchange is not known"
    return _CHOICES.get(kind, f"the plugin for type {kind} decides")


def _hashed(exchange: Exchange) -> str:
    """Return the part of a message that a consistent-hash exchange hashes, in words."""
    if (header := exchange.arguments.get("hash-header")) is not None:
        return f"header {header}"
    found = exchange.arguments.get("hash-property")
    return "the routing key" if found is None else f"property {found}"


def why_not(binding: Binding, exchange: Exchange, message: Message, version: Version) -> str:
    """Explain why a binding does not match."""
    match exchange.routing_type:
        case "headers":
            return _why_not_headers(binding.arguments, message.headers, version)
        case _ if not binding.key_is_text:
            return f"the binding is {odd_key(binding)}, so it matches no message"
        case "topic":
            return "; ".join(_why_not_topic(binding.routing_key, message))
        case _:
            wildcards = _WILDCARDS.intersection(words_of(binding.routing_key))
            more = f"; a direct exchange takes '{min(wildcards)}' literally" if wildcards else ""
            return f"'{binding.routing_key}' is not {_keys(message)}{more}"


def _keys(message: Message) -> str:
    return " or ".join(f"'{key}'" for key in message.routing_keys)


def _why_headers(arguments: Arguments) -> str:
    demanded = " and ".join(
        f"{name} {'with any value' if value is None else shown(value)}"
        for name, value in criteria_of(arguments).items()
    )
    if demands_any(arguments):
        return "one of its headers matches"
    return f"all of its headers match: {demanded}" if demanded else "it has no criteria"


def _why_not_headers(arguments: Arguments, headers: Arguments, version: Version) -> str:
    criteria = criteria_of(arguments)
    if not criteria:
        return "x-match any needs one matching header, and the binding names none"
    found = []
    for name, value in criteria.items():
        if name not in headers:
            found.append(f"header {name} is missing")
        elif comparable(value, version) not in (comparable(headers[name], version), comparable(None, version)):
            found.append(f"header {name} is {shown(headers[name])}, not {shown(value)}")
    return " and ".join(found)


def _why_not_topic(pattern: str, message: Message) -> Iterator[str]:
    """Yield the first difference between pattern and key, and the mistakes that may have caused it."""
    words, key = words_of(pattern), words_of(message.routing_key)
    if "#" in words or len(message.routing_keys) > 1:
        yield f"pattern '{pattern}' does not match {_keys(message)}"
    elif len(words) != len(key):
        yield f"'{pattern}' has {_count(words)}, but '{message.routing_key}' has {_count(key)}"
    else:
        pairs = zip(words, key, strict=True)
        place, (word, other) = next(
            (place, pair) for place, pair in enumerate(pairs, 1) if pair[0] not in {"*", pair[1]}
        )
        yield f"word {place} of '{pattern}' is '{word}', not '{other}'"
    if len(words) < len(key) and "*" in words and "#" not in words:
        yield "'*' stands for exactly one word, '#' for any number of words"
    for word in words:
        if len(word) > 1 and _WILDCARDS.intersection(word):
            yield f"'{word}' is taken literally: * and # are wildcards only as whole words"


def _count(words: list[str]) -> str:
    return counted(len(words), "word")
