"""What a document would be refused for, asked of an object itself.

What a broker reports exists, and what a definitions file holds may have been loaded; neither need be such that
`parse` takes it. Sentences are those of `parse`, without a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attune_infra.topology.facts.argument_problems import policy_problem, queue_problems, spelling_problem
from attune_infra.topology.facts.arguments import (
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    HIGHEST,
    LOWEST,
    QUEUE_ARGUMENTS,
    QUEUE_TYPES,
    Rule,
)
from attune_infra.topology.facts.names import pattern_problem
from attune_infra.topology.model import Argument, Arguments, Binding, Exchange, Policy, Queue, TopologyObject
from attune_infra.topology.words import either, shown

_DEEPEST = 40
"""Tables and lists inside each other; a document may have a few more, of which it needs some around them."""


def problems_of(item: TopologyObject, *, from_headers: bool = False) -> Iterator[str]:
    """Yield what is wrong with an object but for its names; `from_headers` tells of a binding's exchange."""
    match item:
        case Exchange():
            yield from _arguments(item.arguments, EXCHANGE_ARGUMENTS)
        case Queue():
            yield from _arguments(item.arguments, QUEUE_ARGUMENTS)
            yield from _queue(item)
        case Binding():
            yield from _arguments(item.arguments, HEADERS_BINDING_ARGUMENTS if from_headers else {})
        case Policy():
            yield from _policy(item)


def _queue(queue: Queue) -> Iterator[str]:
    if queue.type not in {None, *QUEUE_TYPES}:
        yield f"type must be {either(QUEUE_TYPES)}, is '{queue.type}'"
    yield from (what for _, what in queue_problems(queue))


def _policy(policy: Policy) -> Iterator[str]:
    if what := pattern_problem(policy.pattern):
        yield what
    if not policy.definition:
        yield "the definition is empty, which RabbitMQ refuses"
    for key, value in policy.definition.items():
        yield from _stored(key, value)
        if what := policy_problem(key, value):
            yield what


def _arguments(arguments: Arguments, rules: Mapping[str, Rule]) -> Iterator[str]:
    for name, value in arguments.items():
        yield from _stored(name, value)
        if rule := rules.get(name):
            if what := rule.problem(value):
                yield f"{name} {what}"
        elif what := spelling_problem(name, rules):
            yield what


def _stored(name: str, value: Argument, depth: int = 0) -> Iterator[str]:
    """Yield why RabbitMQ could not store a value, or AMQP not carry it."""
    if depth > _DEEPEST:
        yield f"'{name}' is nested more than {_DEEPEST} levels deep"
        return
    match value:
        case list():
            for item in value:
                yield from _stored(name, item, depth + 1)
        case dict():
            for item in value.values():
                yield from _stored(name, item, depth + 1)
        case None:
            yield f"'{name}' holds {shown(value)}; RabbitMQ cannot store that"
        case int() if not LOWEST <= value <= HIGHEST:
            yield f"'{name}' holds an integer of more than 64 bits, which AMQP cannot carry"
