"""A message as it is typed: headers are K=V, the value as in YAML, so that `5` is an integer, `"5"` a string."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.topology.model import Argument, Message


def read_message(exchange: str, routing_key: str, headers: Iterable[str] = ()) -> Message:
    """Return the message that is meant; raise `WrongUsage` if no client could publish it."""
    from attune_infra.topology.facts.exchanges import parse_exchange_name
    from attune_infra.topology.facts.names import routing_key_problem
    from attune_infra.topology.model import Message

    if problem := routing_key_problem(routing_key):
        raise WrongUsage(f"the routing key {problem}", hint="RabbitMQ takes no longer one from a client")
    return Message(exchange=parse_exchange_name(exchange), routing_key=routing_key, headers=_headers(headers))


def _headers(words: Iterable[str]) -> dict[str, Argument]:
    headers: dict[str, Argument] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise WrongUsage(f"'{word}' is no header", hint="a header is written name=value")
        if name in headers:
            raise WrongUsage(f"header {name} is given twice", hint="a message has each header once")
        headers[name] = _value(name, text)
    return headers


def _value(name: str, text: str) -> Argument:
    from attune_infra.topology.document.nodes import Nodes

    if not text:
        return ""
    nodes = Nodes(text)
    node = nodes.root()
    value = "" if node is None else nodes.argument(node, "it")
    if nodes.problems:
        raise WrongUsage(
            f"header {name}: {nodes.problems[0].what}",
            hint='values are written as in YAML: 5 is an integer, true a boolean, "5" a string, [a, b] an array',
        )
    return value
