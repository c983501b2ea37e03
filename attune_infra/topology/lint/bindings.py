"""Rules about bindings: what they let through, and whether that is what somebody meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attune_infra.topology.facts.compatibility import MAX_HASHES, count_hashes
from attune_infra.topology.facts.releases import FIRST_WITH_FEWER_HASHES
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, Exchange, binding_order
from attune_infra.topology.routing.headers import comparable, criteria_of, demands_any
from attune_infra.topology.routing.reach import key_of
from attune_infra.topology.routing.topic_keys import Words, find_covered, overlap, words_of

_KEY, _ARGUMENTS = "routing_key", "arguments"
_MANY_SOURCES = 100
_UNADDRESSABLE = ("undefined", "null")


def wildcard_on_direct_exchange(subject: Subject) -> Iterator[Flaw]:
    """A wildcard is bound to a direct exchange.

    Only topic exchanges know `*` and `#`. A direct exchange compares routing keys as they are, so that such a
    binding lets through only messages that were published with the wildcard itself.
    """
    for binding in _from(subject, "direct"):
        if any(word in {"*", "#"} for word in words_of(binding.routing_key)):
            what = f"'{binding.source}' is a direct exchange: it takes the key '{binding.routing_key}' literally"
            remedy = "bind the keys that are published, or make the exchange a topic or fanout exchange"
            yield Flaw(binding, what, remedy, _KEY)


def arguments_without_effect(subject: Subject) -> Iterator[Flaw]:
    """A binding has arguments, but its exchange does not look at any.

    Only headers exchanges (and some of plugins) look at the arguments of a binding. On a direct, topic or fanout
    exchange x-match and its criteria do nothing but make a second binding of the same messages.
    """
    for binding in subject.bindings:
        if binding.arguments and (kind := subject.source_type(binding)) in {"direct", "topic", "fanout"}:
            what = f"a {kind} exchange does not look at arguments: {', '.join(sorted(binding.arguments))}"
            remedy = "leave them out, or make it a headers exchange"
            yield Flaw(binding, what, remedy, min(binding.arguments))


def duplicate(subject: Subject) -> Iterator[Flaw]:
    """Two bindings let the same messages through.

    They lead from one exchange to one destination and differ only in what the exchange does not look at: a
    routing key for a fanout or headers exchange, arguments for any other. A queue still gets one copy; but who
    removes one of them has not removed the way. On a broker also twins, which RabbitMQ tells apart by the width of
    an integer in their arguments: an AMQP client sent 32 bits, the management API 64.
    """
    for binding in sorted(subject.topology.twins, key=binding_order):
        what = "the broker holds this binding more than once: integers of different width are in its arguments"
        remedy = "delete all of them over the management API, by their properties_key, and bind once"
        yield Flaw(binding, what, remedy, _ARGUMENTS)
    for group in _between_the_same_ends(subject):
        first: dict[object, Binding] = {}
        for binding in group:
            other = first.setdefault(_meaning(binding, subject), binding)
            if other is not binding:
                what = f"it lets through the same messages as the binding with {_telling(other)}"
                yield Flaw(binding, what, "remove one of the two", _KEY)


def shadowed(subject: Subject) -> Iterator[Flaw]:
    """A topic key adds nothing to a wider one beside it.

    Another binding from the same exchange to the same destination lets through every message that this one does.
    A queue gets one copy either way; but who thinks that removing this one ends something is wrong.
    """
    for group in _between_the_same_ends(subject):
        has_wildcards = any("*" in binding.routing_key or "#" in binding.routing_key for binding in group)
        if has_wildcards and subject.source_type(group[0]) == "topic":
            yield from _shadowed_in(group)


def _shadowed_in(group: Sequence[Binding]) -> Iterator[Flaw]:
    wider = dict(find_covered(dict.fromkeys(binding.routing_key for binding in group)))
    for binding in group:
        if binding.routing_key in wider:
            what = f"the key '{wider[binding.routing_key]}' beside it lets all of its messages through already"
            yield Flaw(binding, what, "remove it, or the wider one if that was not meant", _KEY)


def wildcard_in_a_word(subject: Subject) -> Iterator[Flaw]:
    """A topic key has a wildcard inside a word.

    `*` and `#` are wildcards only as whole words, between dots: `orders*` and `##` match only themselves.
    """
    for binding in _from(subject, "topic"):
        key = binding.routing_key
        for word in words_of(key) if "*" in key or "#" in key else ():
            if len(word) > 1 and ("*" in word or "#" in word):
                what = f"'{word}' is no wildcard: `*` and `#` are so only as whole words, between dots"
                remedy = f"write it as words, such as {word.rstrip('*#')}.#" if word.rstrip("*#") else "write #"
                yield Flaw(binding, what, remedy, _KEY)
                break


def never_matches(subject: Subject) -> Iterator[Flaw]:
    """No message can match a binding.

    Clients cannot publish to an internal exchange: what comes to it comes through bindings, and none of them lets
    a routing key through that would match here. Or a headers exchange is to match any of no criteria: names that
    begin with `x-` are none unless x-match is any-with-x.
    """
    for binding in _from(subject, "headers"):
        if demands_any(binding.arguments) and not criteria_of(binding.arguments):
            what = f"any of no criteria matches no message (x-match: {binding.arguments['x-match']})"
            yield Flaw(binding, what, "give it headers to match, or leave it out", "x-match")
    for exchange in subject.exchanges:
        if exchange.internal and exchange.type in {"direct", "topic"}:
            yield from _never_matching_from(exchange, subject)


def _never_matching_from(exchange: Exchange, subject: Subject) -> Iterator[Flaw]:
    keys = _keys_into(exchange, subject)
    if keys is None or not 0 < len(keys) <= _MANY_SOURCES:
        return
    for binding in subject.out_of.get(exchange.name, ()):
        mine = key_of(binding, subject)
        if mine is not None and not any(overlap(mine, key) for key in keys):
            what = f"no message matches: none that comes to internal exchange '{exchange.name}' has such a key"
            yield Flaw(binding, what, "bind the exchange to where such messages come from", _KEY)


def matches_everything(subject: Subject) -> Iterator[Flaw]:
    """A headers binding matches every message.

    A binding that demands all of no criteria lets everything through. Names that begin with `x-` are no criteria
    unless x-match is all-with-x, though they look like some.
    """
    for binding in _from(subject, "headers"):
        if not demands_any(binding.arguments) and not criteria_of(binding.arguments):
            ignored = sorted(binding.arguments.keys() - {"x-match"})
            why = f": {', '.join(ignored)} is not looked at" if ignored else ""
            remedy = "give x-match: all-with-x" if ignored else "give it headers to match, if that is not meant"
            yield Flaw(binding, f"all of no criteria matches every message{why}", remedy, _ARGUMENTS)


def many_hashes(subject: Subject) -> Iterator[Flaw]:
    """A topic key has more than two words `#`.

    RabbitMQ tries every way to share out the words of a routing key among them: a long routing key can keep an
    old broker busy for minutes. Since 4.3 it refuses such a binding, which AI050 then says.
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

    A binding with arguments whose routing key has a `~` before another character: all of RabbitMQ 3.10 to 4.3
    answer 500 to every listing of bindings once there is one. Nothing that lists bindings works in that virtual
    host until it is unbound over AMQP.
    """
    for binding in subject.bindings:
        if binding.arguments and "~" in binding.routing_key[:-1]:
            what = "with arguments and a `~` in its key, the management API answers 500 to any listing of bindings"
            yield Flaw(binding, what, "leave the arguments out, or choose a key without `~`", _KEY)


def key_cannot_be_addressed(subject: Subject) -> Iterator[Flaw]:
    """A routing key is one that the management API cannot find again.

    A binding with the key `undefined` or `null` can be made and works, but over HTTP it can neither be looked at
    nor deleted: RabbitMQ takes the word for the lack of a key and answers 404.
    """
    for binding in subject.bindings:
        if binding.routing_key in _UNADDRESSABLE:
            what = f"the management API cannot look at or delete a binding with the key '{binding.routing_key}'"
            yield Flaw(binding, what, "choose another key", _KEY)


def _from(subject: Subject, kind: str) -> Iterator[Binding]:
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is not None and exchange.type == kind:
            yield from bindings


def _between_the_same_ends(subject: Subject) -> Iterator[Sequence[Binding]]:
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
    """Return what is the same for two bindings if their exchange sees no difference."""
    match subject.source_type(binding):
        case "direct" | "topic":
            return binding.routing_key
        case "fanout":
            return None
        case "headers":
            criteria = criteria_of(binding.arguments).items()
            values = frozenset((name, comparable(value, subject.version)) for name, value in criteria)
            return (demands_any(binding.arguments), values)
        case _:
            return binding


def _telling(binding: Binding) -> str:
    key = f"the key '{binding.routing_key}'" if binding.routing_key else "an empty key"
    return f"{key} and arguments {dict(binding.arguments)}" if binding.arguments else key


def _keys_into(exchange: Exchange, subject: Subject) -> list[Words] | None:
    """Return the routing keys of what comes to an exchange; None if they can be any."""
    if exchange.name in subject.dead_letter_exchanges or exchange.name in subject.alternates:
        return None
    keys = [key_of(binding, subject) for binding in subject.into.get(("exchange", exchange.name), ())]
    known = [key for key in keys if key is not None]
    return known if len(known) == len(keys) else None
