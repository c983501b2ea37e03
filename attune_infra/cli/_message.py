"""Messages typed on the command line. A header is NAME=VALUE, its value as in YAML: `5` is an integer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.topology.model import Argument, Message


def read_message(exchange: str, routing_key: str, headers: Iterable[str] = ()) -> Message:
    """Return a message; raise `WrongUsage` if no client could publish it."""
    from attune_infra.topology.facts.exchanges import parse_exchange_name
    from attune_infra.topology.facts.names import routing_key_problem
    from attune_infra.topology.model import Message

    if problem := routing_key_problem(routing_key):
        raise WrongUsage(f"the routing key {problem}", hint="shorten it: AMQP carries no longer routing key")
    return Message(exchange=parse_exchange_name(exchange), routing_key=routing_key, headers=_headers(headers))


def read_private_queue(name: str) -> str:
    """Return the name of a tap's queue; raise `WrongUsage` if it, or those beside it, can have no such name."""
    from attune_infra.topology.facts.names import name_problem
    from attune_infra.topology.routing.tap import COUNTING

    if problem := name_problem(name and f"{name}{COUNTING}"):
        raise WrongUsage(f"--queue: the name {problem}", hint="give another name")
    return name


def _headers(words: Iterable[str]) -> dict[str, Argument]:
    headers: dict[str, Argument] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise WrongUsage(f"'{word}' is not a header", hint="write a header as NAME=VALUE")
        if name in headers:
            raise WrongUsage(f"header {name} is given twice", hint="give each header once")
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
