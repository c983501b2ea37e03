"""The reasons to refuse an object of a document, of definitions JSON or of a broker, each with the part at fault.

`parse` asks here too and adds the place. Problems between objects (two of one name, a binding without its
exchange) are not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from attune_infra.topology.facts.argument_problems import policy_problem, queue_problems, spelling_problem
from attune_infra.topology.facts.arguments import (
    APPLY_TO,
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    HIGHEST,
    LOWEST,
    QUEUE_ARGUMENTS,
    QUEUE_TYPES,
    Rule,
)
from attune_infra.topology.facts.names import name_problem, pattern_problem, routing_key_problem
from attune_infra.topology.facts.plugin_exchanges import exchange_problems
from attune_infra.topology.model import Argument, Arguments, Binding, Exchange, Policy, Queue, TopologyObject
from attune_infra.topology.words import describe, either, guess

_MAX_DEPTH = 40
"""Tables and lists inside each other; a document may nest deeper, but needs some levels around them."""


class Defect(NamedTuple):
    """A reason to refuse an object.

    `part` is an attribute, an argument or a key of a policy's definition. `in_key` is true if the name of an
    argument is wrong, false if its value is.
    """

    part: str
    sentence: str
    in_key: bool = False


def judge(item: TopologyObject, *, from_headers: bool = False) -> Iterator[Defect]:
    """Yield the defects of an object of a document; `from_headers` is true for a binding of a headers exchange."""
    match item:
        case Exchange():
            yield from _name(item.name)
            if not item.type:
                yield Defect("type", "the type is empty; RabbitMQ has direct, topic, fanout and headers")
            yield from _arguments(item.arguments, EXCHANGE_ARGUMENTS)
            for part, sentence in exchange_problems(item):
                yield Defect(part, sentence)
        case Queue():
            yield from _name(item.name)
            yield from _queue(item)
        case Binding():
            if what := routing_key_problem(item.routing_key):
                yield Defect("routing_key", f"the routing key {what}")
            if from_headers:
                yield from _arguments(item.arguments, HEADERS_BINDING_ARGUMENTS)
        case Policy():
            yield from _name(item.name)
            yield from _policy(item)


def judge_with_values(item: TopologyObject, *, from_headers: bool = False) -> Iterator[Defect]:
    """Yield the defects of any object, also those of values that no YAML could have become."""
    yield from judge(item, from_headers=from_headers)
    for name, value in (item.definition if isinstance(item, Policy) else item.arguments).items():
        for sentence in _unstorable(name, value):
            yield Defect(name, sentence)


def _name(name: str) -> Iterator[Defect]:
    if what := name_problem(name):
        yield Defect("name", f"the name {what}")


def _queue(queue: Queue) -> Iterator[Defect]:
    yield from _arguments(queue.arguments, QUEUE_ARGUMENTS)
    if queue.type not in {None, *QUEUE_TYPES}:
        close = guess(queue.type or "", QUEUE_TYPES)
        yield Defect("type", f"type expects {either(QUEUE_TYPES)}, got {describe(queue.type)}{close}")
    for part, sentence in queue_problems(queue):
        yield Defect(part, sentence, in_key=True)


def _policy(policy: Policy) -> Iterator[Defect]:
    if policy.apply_to not in APPLY_TO:
        known = ", ".join(APPLY_TO)
        yield Defect("apply_to", f"a policy cannot apply to '{policy.apply_to}'; expected {known}")
    if what := pattern_problem(policy.pattern):
        yield Defect("pattern", f"the pattern {what}")
    if not policy.definition:
        yield Defect("definition", "the definition is empty; RabbitMQ refuses that")
    for key, value in policy.definition.items():
        if what := policy_problem(key, value):
            yield Defect(key, what)


def _arguments(arguments: Arguments, rules: Mapping[str, Rule]) -> Iterator[Defect]:
    for name, value in arguments.items():
        if rule := rules.get(name):
            if what := rule.problem(value):
                yield Defect(name, f"{name} {what}")
        elif what := spelling_problem(name, rules):
            yield Defect(name, what, in_key=True)


def _unstorable(name: str, value: Argument, depth: int = 0) -> Iterator[str]:
    """Yield a sentence for each value that RabbitMQ cannot store or AMQP cannot carry."""
    if depth > _MAX_DEPTH:
        yield f"'{name}' is nested more than {_MAX_DEPTH} levels deep"
        return
    match value:
        case list():
            for item in value:
                yield from _unstorable(name, item, depth + 1)
        case dict():
            for item in value.values():
                yield from _unstorable(name, item, depth + 1)
        case None:
            yield f"'{name}' holds {describe(value)}, which RabbitMQ cannot store"
        case int() if not LOWEST <= value <= HIGHEST:
            yield f"'{name}' holds an integer of more than 64 bits, which AMQP cannot carry"
