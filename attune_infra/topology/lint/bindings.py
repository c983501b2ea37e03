"""Rules about bindings: the messages that they match, and likely mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from attune_infra.topology.facts.arguments import PARTITION_ORDER
from attune_infra.topology.facts.compatibility import MAX_HASHES, count_hashes
from attune_infra.topology.facts.releases import FIRST_WITH_FEWER_HASHES
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, Exchange, as_written, binding_order, odd_key
from attune_infra.topology.routing.headers import comparable, criteria_of, demands_any
from attune_infra.topology.routing.reach import key_of
from attune_infra.topology.routing.topic_keys import Words, find_covered, overlap, words_of

_KEY, _ARGUMENTS = "routing_key", "arguments"
_MAX_KEYS_COMPARED = 100
_IGNORING_ARGUMENTS = {"direct", "topic", "fanout"}
_UNADDRESSABLE = ("undefined", "null")


def wildcard_on_direct_exchange(subject: Subject) -> Iterator[Flaw]:
    """A direct exchange is bound with a wildcard.

    Only topic exchanges know `*` and `#`. A direct exchange compares routing keys literally: such a binding
    matches only messages that are published with exactly this key.
    """
    for binding in _bindings_from(subject, "direct"):
        if any(word in {"*", "#"} for word in words_of(binding.routing_key)):
            what = f"'{binding.source}' is a direct exchange: it takes the key '{binding.routing_key}' literally"
            remedy = "bind the keys that are published, or make the exchange a topic or fanout exchange"
            yield Flaw(binding, what, remedy, _KEY)


def arguments_without_effect(subject: Subject) -> Iterator[Flaw]:
    """A binding has arguments that its exchange ignores.

    Only headers exchanges, and some types from plugins, use the arguments of a binding. On a direct, topic or
    fanout exchange, x-match and its criteria only create a second binding for the same messages. One argument has
    a meaning on every exchange: x-stream-partition-order gives a stream its place in a super stream.
    """
    for binding in subject.bindings:
        if not binding.arguments or (kind := subject.source_type(binding)) not in _IGNORING_ARGUMENTS:
            continue
        if names := sorted(binding.arguments.keys() - _meaningful_arguments(binding, subject)):
            what = f"a {kind} exchange ignores arguments: {', '.join(names)}"
            yield Flaw(binding, what, _instead_of_arguments(binding, subject), names[0])


def _meaningful_arguments(binding: Binding, subject: Subject) -> Set[str]:
    """Return the names of the arguments that mean something to RabbitMQ, whatever the exchange is."""
    queue = subject.topology.queues.get(binding.destination) if binding.destination_type == "queue" else None
    is_partition = queue is not None and subject.topology.type_of(queue) == "stream"
    return {PARTITION_ORDER} if is_partition else frozenset()


def _instead_of_arguments(binding: Binding, subject: Subject) -> str:
    """Return the remedy: a headers exchange would ignore the routing keys, so it can replace only some."""
    if any(each.routing_key not in {"", "#"} for each in subject.out_of[binding.source]):
        return "remove them, and put what they should match into the routing key: here only the key decides"
    return "remove them, or make it a headers exchange"


def duplicate(subject: Subject) -> Iterator[Flaw]:
    """Two bindings match the same messages.

    They connect the same exchange and destination, and differ only in a part that the exchange ignores: the
    routing key on a fanout or headers exchange, the arguments on any other. A queue still gets one copy of a
    message, but it also does so after one of the bindings is removed. On a broker, lint also finds bindings that
    RabbitMQ distinguishes only by the width of an integer in their arguments: an AMQP client sent 32 bits, the
    management API 64.
    """
    for binding in sorted(subject.topology.twins, key=binding_order):
        what = "the broker holds this binding more than once, with integers of different width in its arguments"
        if None in binding.arguments.values():
            what = "the broker holds this binding more than once: with any value of a header, and with `undefined`"
        remedy = "delete all of them over the management API, by their properties_key, and bind once"
        yield Flaw(binding, what, remedy, _ARGUMENTS)
    for group in _parallel_bindings(subject):
        first: dict[object, Binding] = {}
        for binding in group:
            other = first.setdefault(_meaning(binding, subject), binding)
            if other is not binding:
                what = f"it matches the same messages as the binding with {_describe(other)}"
                yield Flaw(binding, what, _instead_of_two(binding, other, subject), _KEY)


def _instead_of_two(binding: Binding, other: Binding, subject: Subject) -> str:
    kind = subject.source_type(binding)
    if kind == "headers":
        return "remove one of the two: a headers exchange ignores routing keys"
    if kind == "fanout" or binding.arguments == other.arguments:
        return "remove one of the two"
    return f"remove one of the two: on a {kind} exchange only the routing key decides, not the arguments"


def shadowed(subject: Subject) -> Iterator[Flaw]:
    """A topic key adds nothing to a wider one.

    Another binding from the same exchange to the same destination matches every message that this one matches. A
    queue gets one copy either way, and removing this binding would stop nothing.
    """
    for group in _parallel_bindings(subject):
        has_wildcards = any("*" in binding.routing_key or "#" in binding.routing_key for binding in group)
        if has_wildcards and subject.source_type(group[0]) == "topic":
            yield from _shadowed_in(group)


def _shadowed_in(group: Sequence[Binding]) -> Iterator[Flaw]:
    wider = dict(find_covered(dict.fromkeys(binding.routing_key for binding in group)))
    for binding in group:
        if binding.routing_key in wider:
            what = f"the key '{wider[binding.routing_key]}' of another binding matches all of its messages"
            yield Flaw(binding, what, "remove it, or the wider one if that was not intended", _KEY)


def wildcard_in_a_word(subject: Subject) -> Iterator[Flaw]:
    """A topic key has a wildcard inside a word.

    `*` and `#` are wildcards only as whole words, between dots: `orders*` and `##` match only themselves.
    """
    for binding in _bindings_from(subject, "topic"):
        key = binding.routing_key
        if "*" not in key and "#" not in key:
            continue
        for word in words_of(key):
            if len(word) > 1 and ("*" in word or "#" in word):
                what = f"'{word}' is not a wildcard: `*` and `#` are wildcards only as whole words, between dots"
                remedy = f"write it as words, such as {word.rstrip('*#')}.#" if word.rstrip("*#") else "write #"
                yield Flaw(binding, what, remedy, _KEY)
                break


def never_matches(subject: Subject) -> Iterator[Flaw]:
    """No message can match a binding.

    Clients cannot publish to an internal exchange. Messages come to it only through bindings, and none of those
    lets through a routing key that matches here. Or a binding of a headers exchange needs any one of its criteria,
    but has none: names that begin with `x-` are criteria only if x-match is any-with-x.
    """
    for binding in _bindings_from(subject, "headers"):
        if demands_any(binding.arguments) and not criteria_of(binding.arguments):
            what = f"it needs one of its criteria, but has none (x-match: {binding.arguments['x-match']})"
            yield Flaw(binding, what, "add headers to match, or remove the binding", "x-match")
    for exchange in subject.exchanges:
        if exchange.internal and exchange.routing_type in {"direct", "topic"}:
            yield from _never_matching_from(exchange, subject)


def _never_matching_from(exchange: Exchange, subject: Subject) -> Iterator[Flaw]:
    keys = _keys_into(exchange, subject)
    if keys is None or not 0 < len(keys) <= _MAX_KEYS_COMPARED:
        return
    for binding in subject.out_of.get(exchange.name, ()):
        mine = key_of(binding, subject)
        if mine is not None and not any(overlap(mine, key) for key in keys):
            what = f"no message matches: none that comes to internal exchange '{exchange.name}' has such a key"
            yield Flaw(binding, what, "bind the exchange to one that gets such messages", _KEY)


def matches_everything(subject: Subject) -> Iterator[Flaw]:
    """A headers binding matches every message.

    A binding that needs all of its criteria, but has none, matches everything. Names that begin with `x-` look
    like criteria, but are criteria only if x-match is all-with-x.
    """
    for binding in _bindings_from(subject, "headers"):
        if not demands_any(binding.arguments) and not criteria_of(binding.arguments):
            ignored = sorted(binding.arguments.keys() - {"x-match"})
            if ignored:
                what = f"it matches every message, since RabbitMQ ignores {', '.join(ignored)}"
                remedy = "set x-match: all-with-x"
            else:
                what = "it matches every message, since it has no criteria"
                remedy = "add headers to match, unless this is intended"
            yield Flaw(binding, what, remedy, _ARGUMENTS)


def many_hashes(subject: Subject) -> Iterator[Flaw]:
    """A topic key has more than two words `#`.

    RabbitMQ tries every way to divide the words of a routing key among them: a long routing key can keep an old
    broker busy for minutes. RabbitMQ 4.3 refuses such a binding; for that release AI050 reports it.
    """
    if subject.version >= FIRST_WITH_FEWER_HASHES:
        return
    for binding in subject.bindings:
        if (count := count_hashes(binding, subject.topology)) > MAX_HASHES:
            what = (
                f"{count} words `#`: long routing keys can stall the broker, and RabbitMQ 4.3 refuses the binding"
            )
            yield Flaw(binding, what, "bind several keys that are more specific", _KEY)


def breaks_listings(subject: Subject) -> Iterator[Flaw]:
    """A binding makes RabbitMQ's management API fail.

    The binding has arguments, and a routing key with a `~` before another character. On every release from 3.10 to
    4.3, the management API then answers every listing of bindings with 500. No tool can list the bindings of this
    virtual host until the binding is removed over AMQP.
    """
    for binding in subject.bindings:
        if binding.arguments and "~" in binding.routing_key[:-1]:
            what = "with arguments and a `~` in its key, the management API answers 500 to any listing of bindings"
            yield Flaw(binding, what, "remove the arguments, or choose a key without `~`", _KEY)


def key_cannot_be_addressed(subject: Subject) -> Iterator[Flaw]:
    """The management API cannot find a binding by its routing key.

    A binding with the key `undefined` or `null` can be created and works. But the management API can neither show
    nor delete it: RabbitMQ takes the word for a missing key and answers 404. On a broker, lint also finds bindings
    that were loaded from definitions without a routing key, or with one that is not a string.
    """
    for binding in subject.bindings:
        if not binding.key_is_text:
            what = f"the broker holds this binding {odd_key(binding)}: no AMQP client can make or delete it"
            yield Flaw(binding, what, "delete its queue or exchange, then bind with a string", _KEY)
        elif binding.routing_key in _UNADDRESSABLE:
            what = f"the management API cannot show or delete a binding with the key '{binding.routing_key}'"
            yield Flaw(binding, what, "choose another key", _KEY)


def _bindings_from(subject: Subject, kind: str) -> Iterator[Binding]:
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is not None and exchange.routing_type == kind:
            yield from bindings


def _parallel_bindings(subject: Subject) -> Iterator[Sequence[Binding]]:
    """Yield the bindings from one exchange to one destination, where there are several."""
    group: list[Binding] = []
    ends: tuple[str, str, str] | None = None
    for binding in subject.bindings:  # sorted by their ends
        mine = (binding.source, binding.destination_type, binding.destination)
        if mine != ends:
            if len(group) > 1:
                yield group
            group, ends = [], mine
        group.append(binding)
    if len(group) > 1:
        yield group


def _meaning(binding: Binding, subject: Subject) -> object:
    """Return a value that is equal for two bindings if their exchange treats them alike."""
    match subject.source_type(binding):
        case "direct" | "topic":
            return binding.routing_key if binding.key_is_text else binding
        case "fanout":
            return None
        case "headers":
            criteria = criteria_of(binding.arguments).items()
            values = frozenset((name, comparable(value, subject.version)) for name, value in criteria)
            return (demands_any(binding.arguments), values)
        case _:
            return binding


def _describe(binding: Binding) -> str:
    key = f"the key '{binding.routing_key}'" if binding.routing_key else "an empty key"
    return f"{key} and arguments {as_written(binding.arguments)}" if binding.arguments else key


def _keys_into(exchange: Exchange, subject: Subject) -> list[Words] | None:
    """Return the routing keys of the messages that come to an exchange; None if they can be any."""
    if exchange.name in subject.dead_letter_exchanges or exchange.name in subject.alternates:
        return None
    keys = [key_of(binding, subject) for binding in subject.into.get(("exchange", exchange.name), ())]
    known = [key for key in keys if key is not None]
    return known if len(known) == len(keys) else None
