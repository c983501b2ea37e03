"""Parameters: the keys and values that RabbitMQ's federation and shovel plugins take.

Tried on 3.10, 4.0 and 4.3, which store a value as it is sent. They also take numbers that are negative or no
integers, for which no plugin has a use: those are excluded. A component is known only while its plugin is enabled.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from attune_infra.masking import has_credentials
from attune_infra.topology.facts.arguments import Rule
from attune_infra.topology.facts.names import name_problem
from attune_infra.topology.model import (
    Argument,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Parameter,
    Shovel,
    Version,
)
from attune_infra.topology.words import describe, guess

PLUGINS: Final = {
    "federation-upstream": "rabbitmq_federation",
    "federation-upstream-set": "rabbitmq_federation",
    "shovel": "rabbitmq_shovel",
}
"""The plugin of each component."""

OTHER_COMPONENTS: Final = {
    "policy": "policies",
    "operator_policy": "operator_policies",
    "vhost-limits": "limits",
    "federation-upstream": "federation_upstreams",
    "federation-upstream-set": "federation_upstream_sets",
    "shovel": "shovels",
}
"""The components that a section of a document has for itself."""

OWN_GLOBAL_PARAMETERS: Final = frozenset(
    {"cluster_name", "cluster_tags", "internal_cluster_id", "imported_definition_hash_value"}
)
"""Global parameters that RabbitMQ keeps for itself, or that its own commands set."""

URI_KEYS: Final = {"federation-upstream": ("uri",), "shovel": ("src-uri", "dest-uri")}
"""The keys that hold one URI, or several of which RabbitMQ takes one."""

URI_EXAMPLE: Final = "amqps://broker.example.org/orders"
URI_PATTERN: Final = r"[Aa][Mm][Qq][Pp][Ss]?://.*"

_CONFIRMS: Final = ("on-confirm", "on-publish", "no-ack")
_PROTOCOLS: Final = ("amqp091", "amqp10", "local")
_DEFAULT_PROTOCOL: Final = "amqp091"


def _rules(*rules: Rule) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


_IN_BOTH: Final = _rules(
    Rule(name="exchange", kind=str, about="Exchange of the upstream; default: the same name."),
    Rule(name="queue", kind=str, about="Queue of the upstream; default: the same name."),
    Rule(name="consumer-tag", kind=str, about="Consumer tag at the upstream, for federated queues."),
    Rule(name="prefetch-count", kind=int, minimum=0, about="Unacknowledged messages under way at any time."),
    Rule(name="reconnect-delay", kind=int, minimum=0, about="Seconds before it connects again."),
    Rule(name="max-hops", kind=int, minimum=0, about="Links that a message takes at most."),
    Rule(
        name="expires",
        kind=int,
        minimum=0,
        is_time=True,
        about="Milliseconds after which the upstream deletes its queue for a link that is down.",
    ),
    Rule(
        name="message-ttl",
        kind=int,
        minimum=0,
        is_time=True,
        about="Milliseconds that the upstream keeps messages for a link that is down.",
    ),
    Rule(name="trust-user-id", kind=bool, about="If true, the user id of a message is kept."),
    Rule(name="ack-mode", kind=str, choices=_CONFIRMS, about="When a message counts as moved."),
    Rule(
        name="resource-cleanup-mode",
        kind=str,
        choices=("default", "never"),
        about="If never, the queue at the upstream stays when federation ends.",
    ),
    Rule(
        name="queue-type",
        kind=str,
        choices=("classic", "quorum"),
        about="Type of the queue at the upstream.",
    ),
    Rule(name="bind-nowait", kind=bool, about="If true, bindings at the upstream are not waited for."),
    Rule(name="channel-use-mode", kind=str, choices=("multiple", "single"), about="Channels of a link."),
)
_UPSTREAM: Final = _rules(Rule(name="upstream", kind=str, about="Name of the federation upstream."))

SET_RULES: Final[Mapping[str, Rule]] = _UPSTREAM | _IN_BOTH
"""Keys of each upstream in a set."""

UPSTREAM_RULES: Final[Mapping[str, Rule]] = _IN_BOTH
"""Keys of an upstream, without its URI."""

_MODE: Final = _rules(
    Rule(name="src-protocol", kind=str, choices=_PROTOCOLS, about="Protocol of the source; default amqp091."),
    Rule(name="dest-protocol", kind=str, choices=_PROTOCOLS, about="Protocol of the destination."),
    Rule(name="ack-mode", kind=str, choices=_CONFIRMS, about="When a message counts as moved."),
    Rule(name="reconnect-delay", kind=int, minimum=0, about="Seconds before it connects again."),
)
_SOURCE: Final = _rules(
    Rule(name="src-queue", kind=str, about="Queue to take messages from; RabbitMQ makes it if it is missing."),
    Rule(name="src-exchange", kind=str, about="Exchange to take messages from, through a queue of its own."),
    Rule(name="src-exchange-key", kind=str, about="Routing key of the binding to that exchange."),
    Rule(name="src-address", kind=str, about="Address of the source, for AMQP 1.0."),
    Rule(name="src-queue-args", kind=dict, about="Arguments of a source queue that RabbitMQ makes."),
    Rule(name="src-consumer-args", kind=dict, about="Arguments of the consumer at the source."),
    Rule(name="src-consumer-name", kind=str, about="Name of the consumer at the source."),
    Rule(name="src-prefetch-count", kind=int, minimum=0, about="Unacknowledged messages under way at any time."),
    Rule(name="prefetch-count", kind=int, minimum=0, about="The older name of src-prefetch-count."),
    Rule(name="src-delete-after", kind=str, about="never, queue-length, or the number of messages to move."),
    Rule(name="delete-after", kind=str, about="The older name of src-delete-after."),
    Rule(name="src-predeclared", kind=bool, about="If true, RabbitMQ waits for the source queue."),
)
_DESTINATION: Final = _rules(
    Rule(name="dest-queue", kind=str, about="Queue to put messages into; RabbitMQ makes it if it is missing."),
    Rule(name="dest-exchange", kind=str, about="Exchange to publish messages to."),
    Rule(name="dest-exchange-key", kind=str, about="Routing key to publish with; default: that of the message."),
    Rule(name="dest-address", kind=str, about="Address of the destination, for AMQP 1.0."),
    Rule(name="dest-queue-args", kind=dict, about="Arguments of a destination queue that RabbitMQ makes."),
    Rule(name="dest-predeclared", kind=bool, about="If true, RabbitMQ waits for the destination queue."),
    Rule(name="dest-add-forward-headers", kind=bool, about="If true, messages tell where they come from."),
    Rule(name="add-forward-headers", kind=bool, about="The older name of dest-add-forward-headers."),
    Rule(name="dest-add-timestamp-header", kind=bool, about="If true, messages tell when they were moved."),
    Rule(name="add-timestamp-header", kind=bool, about="The older name of dest-add-timestamp-header."),
    Rule(name="dest-publish-properties", kind=dict, about="Properties that each message gets."),
    Rule(name="publish-properties", kind=dict, about="The older name of dest-publish-properties."),
    Rule(name="dest-properties", kind=dict, about="Properties that each message gets, for AMQP 1.0."),
    Rule(name="dest-application-properties", kind=dict, about="Application properties, for AMQP 1.0."),
    Rule(name="dest-message-annotations", kind=dict, about="Message annotations, for AMQP 1.0."),
)
SHOVEL_RULES: Final[Mapping[str, Rule]] = _MODE | _SOURCE | _DESTINATION
"""Keys of a shovel, without its URIs."""

_OF_ENDS: Final = {
    ("src", "amqp091"): _SOURCE.keys() - {"src-address"},
    ("src", "amqp10"): {
        *("src-address", "src-consumer-args", "src-consumer-name"),
        *("src-prefetch-count", "src-delete-after", "src-predeclared"),
    },
    ("src", "local"): _SOURCE.keys() - {"src-address", "src-prefetch-count", "prefetch-count", "delete-after"},
    ("dest", "amqp091"): {each for each in _DESTINATION if each.startswith(("dest-queue", "dest-exchange"))}
    | {"dest-predeclared", "dest-publish-properties", "publish-properties"}
    | {f"{old}add-{what}" for old in ("", "dest-") for what in ("forward-headers", "timestamp-header")},
    ("dest", "amqp10"): {
        *("dest-address", "dest-properties", "dest-application-properties", "dest-message-annotations"),
        *("dest-add-forward-headers", "dest-add-timestamp-header", "dest-predeclared"),
    },
    ("dest", "local"): {
        *("dest-queue", "dest-queue-args", "dest-exchange", "dest-exchange-key", "dest-predeclared"),
        *("dest-add-forward-headers", "dest-add-timestamp-header"),
    },
}
"""The keys of the two ends of a shovel, by their protocols."""

DELETE_AFTER: Final = ("src-delete-after", "delete-after")
DELETE_AFTER_WORDS: Final = ("never", "queue-length")

_REFUSED_UP_TO: Final[Mapping[tuple[str, str], Version]] = {
    ("upstream", "queue-type"): (3, 10),
    ("amqp091", "src-predeclared"): (3, 10),
    ("amqp091", "dest-predeclared"): (3, 10),
    ("amqp091", "src-consumer-name"): (4, 0),
    **{
        ("amqp10", key): (4, 0)
        for key in ("src-consumer-args", "src-consumer-name", "src-predeclared", "dest-predeclared")
    },
}
"""The newest tried release that refuses a key: of an upstream, or of the end of a shovel with a protocol."""

_NO_LOCAL_UP_TO: Final = (4, 0)
_NO_LENGTH_SINCE: Final = (4, 3)


def rules_of(component: str) -> Mapping[str, Rule]:
    """Return the rules for the keys of an upstream or a shovel, without those of URIs."""
    return SHOVEL_RULES if component == "shovel" else UPSTREAM_RULES


def parameter_problems(item: Parameter | GlobalParameter) -> Iterator[tuple[str, str]]:
    """Yield the problems of a parameter: the key at fault, and a sentence, which quotes no URI."""
    if what := _name_problem(item.name):
        yield "name", f"the name {what}"
    match item:
        case FederationUpstream() | Shovel():
            yield from _uri_problems(item)
            yield from _key_problems(item.value, rules_of(item.component))
            if isinstance(item, Shovel) and isinstance(item.value, dict):
                yield from _shovel_problems(item.value)
        case FederationUpstreamSet():
            yield from _set_problems(item.value)
        case GlobalParameter():
            if item.name in OWN_GLOBAL_PARAMETERS:
                yield "name", f"RabbitMQ keeps '{item.name}' itself; no document sets it"
            yield from _literal_problems(item)
        case Parameter():
            if section := OTHER_COMPONENTS.get(item.component):
                yield "component", f"the section {section} is for those of {item.component}"
            yield from _literal_problems(item)


def parameter_refusal(item: Parameter, version: Version) -> tuple[str, str] | None:
    """Return the reason why a tried release refuses a parameter, with a remedy; None if it takes it."""
    for key, what, newest in _refused_keys(item):
        if version <= newest:
            sentence = f"RabbitMQ {version[0]}.{version[1]} takes no {what}"
            return sentence, f"leave {key} out, or upgrade the broker"
    value = item.value if isinstance(item, Shovel) and isinstance(item.value, dict) else {}
    counts = _protocol(value, "src") == "amqp10" and value.get("src-delete-after") == "queue-length"
    if counts and version >= _NO_LENGTH_SINCE:
        sentence = f"RabbitMQ {version[0]}.{version[1]} counts no queue over AMQP 1.0, so src-delete-after"
        return f"{sentence} cannot be queue-length", "give a number of messages, or use src-protocol: amqp091"
    return None


def _refused_keys(item: Parameter) -> Iterator[tuple[str, str, Version]]:
    value = item.value
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            continue
        for key in each:
            protocol = _protocol(each, key.partition("-")[0]) if isinstance(item, Shovel) else "upstream"
            if newest := _REFUSED_UP_TO.get((protocol, key)):
                yield key, f"'{key}' in {item.kind.replace('_', ' ')}s", newest
            if isinstance(item, Shovel) and each[key] == "local" and key.endswith("-protocol"):
                yield key, "shovel with the protocol local", _NO_LOCAL_UP_TO


def _protocol(value: Mapping[str, Argument], end: str) -> str:
    return str(value.get(f"{end}-protocol", _DEFAULT_PROTOCOL))


def _name_problem(name: str) -> str | None:
    """Return the problem with the name of a parameter; `amq.` is not reserved for it."""
    return name_problem(f"_{name}") if name.startswith("amq.") else name_problem(name)


def _uri_problems(item: Parameter) -> Iterator[tuple[str, str]]:
    value = item.value if isinstance(item.value, dict) else {}
    for key in URI_KEYS[item.component]:
        if key not in value:
            yield "name", f"{item.kind.replace('_', ' ')} '{item.name}' has no {key}"
            continue
        found = value[key]
        if found == []:
            yield key, f"{key} is an empty list; it needs at least one URI"
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, str) and (what := uri_problem(each)):
                yield key, f"{key} {what}"
            elif not isinstance(each, str | dict):
                yield key, f"{key} expects a URI like {URI_EXAMPLE}, got {describe(each)}"


def credentials_problem(uri: str) -> str | None:
    """Return the problem with a URI in a document that holds a password; None if it holds none."""
    if not has_credentials(uri):
        return None
    return "may hold a password, which no document may: write {env: NAME}, {file: PATH} or {command: [PROGRAM]}"


def uri_problem(uri: str) -> str | None:
    """Return the problem with a URI, None if it is fine; no sentence quotes it, as it may hold a password."""
    if not re.fullmatch(URI_PATTERN, uri):
        return f"expects a URI like {URI_EXAMPLE}: it begins with amqp:// or amqps://"
    place = uri.partition("://")[2].partition("?")[0]
    is_path = "/" in place.partition("/")[2]
    return "names a virtual host with a slash; write it as %2F" if is_path else None


def _key_problems(value: Argument, rules: Mapping[str, Rule]) -> Iterator[tuple[str, str]]:
    for key, found in value.items() if isinstance(value, dict) else ():
        if key in DELETE_AFTER and key in rules:
            is_number = type(found) is int and found >= 0
            if not is_number and found not in DELETE_AFTER_WORDS:
                demand = "never, queue-length or a number of messages"
                yield key, f"{key} expects {demand}, got {describe(found)}"
        elif (rule := rules.get(key)) and (what := rule.problem(found)):
            yield key, f"{key} {what}"


def _set_problems(value: Argument) -> Iterator[tuple[str, str]]:
    seen: set[Argument] = set()
    for number, each in enumerate(value if isinstance(value, list) else []):
        part = f"{number}"
        if not isinstance(each, dict):
            yield part, f"expected a mapping with the key upstream, got {describe(each)}"
            continue
        name = each.get("upstream")
        if "upstream" not in each:
            yield part, "an upstream of a set needs the key upstream"
        elif isinstance(name, str) and name in seen:
            yield part, f"the set has upstream '{name}' twice"
        elif isinstance(name, str):
            seen.add(name)
        yield from ((part, sentence) for _, sentence in _key_problems(each, SET_RULES))


def _shovel_problems(value: Mapping[str, Argument]) -> Iterator[tuple[str, str]]:
    for end in ("src", "dest"):
        protocol = _protocol(value, end)
        allowed = _OF_ENDS.get((end, protocol))
        if allowed is None:
            continue
        table = _SOURCE if end == "src" else _DESTINATION
        for key in value:
            if key in table and key not in allowed:
                yield key, f"a shovel whose {end}-protocol is {protocol} has no '{key}'{guess(key, allowed)}"
        yield from _end_problems(value, end, protocol)
    after = next((value[key] for key in DELETE_AFTER if key in value), None)
    if value.get("ack-mode") == "no-ack" and type(after) is int:
        yield "ack-mode", "no-ack and a number of messages to move exclude each other"


def _end_problems(value: Mapping[str, Argument], end: str, protocol: str) -> Iterator[tuple[str, str]]:
    if protocol == "amqp10":
        if f"{end}-address" not in value:
            yield "name", f"a shovel whose {end}-protocol is amqp10 needs {end}-address"
        return
    queue, exchange = f"{end}-queue", f"{end}-exchange"
    if queue in value and exchange in value:
        yield exchange, f"{queue} and {exchange} exclude each other"
    elif end == "src" and queue not in value and exchange not in value:
        yield "name", f"a shovel needs {queue} or {exchange}"


def _literal_problems(item: Parameter | GlobalParameter) -> Iterator[tuple[str, str]]:
    if item.held is not None or any(map(has_credentials, _texts(item.value))):
        what = "the value holds a URI with a password, which no document may; only upstreams and shovels"
        yield "value", f"{what} take one by reference"
    if _holds_null(item.value):
        yield "value", "the value holds null, which no document can say"


def _holds_null(value: Argument) -> bool:
    match value:
        case None:
            return True
        case list():
            return any(map(_holds_null, value))
        case dict():
            return any(map(_holds_null, value.values()))
        case _:
            return False


def _texts(value: Argument) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
        case _:
            return


def keys_of(component: str) -> Collection[str]:
    """Return the keys that an upstream or a shovel may have, its URIs first."""
    return (*URI_KEYS[component], *rules_of(component))


def unknown_keys(item: Parameter) -> list[str]:
    """Return the keys of an upstream, a set or a shovel that no document has, though a release may take them."""
    if item.component not in PLUGINS:
        return []
    known = set(SET_RULES if isinstance(item, FederationUpstreamSet) else keys_of(item.component))
    tables = item.value if isinstance(item.value, list) else [item.value]
    return sorted({key for each in tables if isinstance(each, dict) for key in each} - known)
