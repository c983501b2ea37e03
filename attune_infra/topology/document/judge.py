"""The reasons to refuse an object of a document, of definitions JSON or of a broker, each with the part at fault.

`parse` asks here too and adds the place. Problems between objects (two of one name, a binding without its
exchange) are not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from attune_infra.topology.facts.argument_problems import (
    mirroring_problem,
    policy_problem,
    queue_problems,
    spelling_problem,
)
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
from attune_infra.topology.facts.controls import control_problems
from attune_infra.topology.facts.names import name_problem, routing_key_problem
from attune_infra.topology.facts.patterns import policy_pattern_problem
from attune_infra.topology.facts.plugin_exchanges import exchange_problems
from attune_infra.topology.facts.policies import OPERATOR_KEYS
from attune_infra.topology.facts.tables import table_problems
from attune_infra.topology.facts.users import user_problems
from attune_infra.topology.facts.virtual_hosts import virtual_host_problems
from attune_infra.topology.model import (
    PRESENT,
    VOID_AS_LISTED,
    Argument,
    Arguments,
    Binding,
    Control,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    Structure,
    TopologyObject,
    User,
    VirtualHost,
    freeze,
)
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
    if isinstance(item, VirtualHost):
        return (Defect(part, sentence) for part, sentence in virtual_host_problems(item))
    if isinstance(item, User):
        return (Defect(part, sentence) for part, sentence in user_problems(item))
    if isinstance(item, Control):
        return (Defect(part, sentence) for part, sentence in control_problems(item))
    return _judge(item, from_headers=from_headers)


def _judge(item: Structure, *, from_headers: bool) -> Iterator[Defect]:
    if not isinstance(item, Policy) and item.arguments:
        yield from _carriage(item.arguments)
    match item:
        case Exchange():
            yield from _name(item.name)
            if not (item.type or item.external):
                yield Defect("type", "the type is empty; RabbitMQ has direct, topic, fanout and headers")
            yield from _arguments(item.arguments, EXCHANGE_ARGUMENTS)
            for part, sentence in () if item.external else exchange_problems(item):
                yield Defect(part, sentence)
        case Queue():
            yield from _name(item.name)
            yield from _queue(item)
        case Binding():
            if what := routing_key_problem(item.routing_key):
                yield Defect("routing_key", f"the routing key {what}")
            if from_headers:
                yield from _arguments(item.arguments, HEADERS_BINDING_ARGUMENTS)
            yield from _presence(item.arguments, from_headers=from_headers)
        case Policy():
            yield from _name(item.name)
            yield from _policy(item)


def judge_with_values(
    item: TopologyObject, *, from_headers: bool = False, with_void: bool = False
) -> Iterator[Defect]:
    """Yield the defects of any object, also those of values that no YAML could have become.

    With `with_void`, None in a binding is AMQP's void; without, it is the null of JSON, which RabbitMQ refuses.
    """
    judged = item if with_void or not isinstance(item, Binding) else _without_null(item)
    yield from judge(judged, from_headers=from_headers)
    if isinstance(item, Control):
        return
    for name, value in (item.definition if isinstance(item, Policy) else item.arguments).items():
        if with_void and value is None and isinstance(item, Binding):
            continue
        if isinstance(item, Binding) and freeze(value) == freeze(dict(PRESENT)):
            yield Defect(name, f"'{name}' holds a table that a document cannot tell from a header's presence")
        for sentence in _unstorable(name, value):
            yield Defect(name, sentence)


def _presence(arguments: Arguments, *, from_headers: bool) -> Iterator[Defect]:
    """Yield the defects of arguments that mean, or seem to mean, the presence of a header."""
    for name, value in arguments.items():
        if value is None and not from_headers:
            yield Defect(name, f"'{name}' is {{present: true}}, which only headers exchanges match")
        if from_headers and isinstance(value, dict) and value.get("present") is False:
            yield Defect(name, f"'{name}' is {{present: false}}; RabbitMQ cannot match the absence of a header")
        if from_headers and value == VOID_AS_LISTED:
            what = f"'{name}' is '{value}', which RabbitMQ lists for any value"
            yield Defect(name, f"{what}; write {{present: true}} or another text")


def _without_null(binding: Binding) -> Binding:
    arguments = binding.arguments
    return replace(binding, arguments={name: value for name, value in arguments.items() if value is not None})


def _carriage(arguments: Arguments) -> Iterator[Defect]:
    """Yield the defects for which AMQP cannot carry arguments."""
    for found in table_problems(arguments):
        yield Defect("arguments" if found.argument is None else found.argument, found.sentence, found.in_key)


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
    if what := policy_pattern_problem(policy.pattern):
        yield Defect("pattern", f"the pattern {what}")
    if not policy.definition:
        yield Defect("definition", "the definition is empty; RabbitMQ refuses that")
    for key, value in policy.definition.items():
        if isinstance(policy, OperatorPolicy) and key not in OPERATOR_KEYS:
            known = ", ".join(sorted(OPERATOR_KEYS))
            yield Defect(key, f"RabbitMQ takes no '{key}' in an operator policy; it takes {known}", in_key=True)
        elif what := policy_problem(key, value):
            yield Defect(key, what)
    if what := mirroring_problem(policy.definition):
        yield Defect("ha-params" if "ha-params" in policy.definition else "ha-mode", what)


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
