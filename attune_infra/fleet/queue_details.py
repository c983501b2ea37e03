"""One queue in detail, with the way of an example message through each of its bindings. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, InvalidInput
from attune_infra.fleet.queues import Queues, WatchedQueue
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Binding, Message, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import Trace, trace
from attune_infra.topology.verify import Verdict
from attune_infra.topology.words import guess

MAX_TRACES: Final = 3
"""Bindings whose message is followed; the ways of others are often the same."""
_ANY_WORD: Final = "any"
"""Word of an example that stands for a wildcard."""


@dataclass(frozen=True, slots=True)
class QueueDetails:
    """A queue, and the traces of messages into it, one for each of its first bindings."""

    queue: WatchedQueue
    traces: tuple[Trace, ...]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DRIFT if self.queue.verdict is Verdict.FAILED else ExitCode.DONE


def details_of(queues: Queues, name: str) -> QueueDetails:
    """Return the details of a queue; raise `InvalidInput` if there is none of this name."""
    found = next((queue for queue in queues.queues if queue.name == name), None)
    if found is None:
        known = [queue.name for queue in queues.queues]
        raise InvalidInput(
            f"queue '{name}' does not exist{guess(name, known)}", hint="`attune-infra queues` lists all queues"
        )
    routing = Routing(queues.topology, version=queues.topology.version or NEWEST)
    messages = example_messages(found, queues.topology)
    return QueueDetails(found, tuple(trace(routing, message) for message in messages))


def example_messages(queue: WatchedQueue, topology: Topology) -> Iterator[Message]:
    """Yield messages that reach a queue: through its first bindings, or by its name if it has none."""
    if not queue.bindings:
        yield Message(exchange="", routing_key=queue.name)
    for binding in queue.bindings[:MAX_TRACES]:
        yield _example(binding, topology)


def _example(binding: Binding, topology: Topology) -> Message:
    exchange = topology.find_exchange(binding.source)
    key = binding.routing_key
    match exchange.routing_type if exchange else "":
        case "topic":
            key = ".".join(_ANY_WORD if word in {"*", "#"} else word for word in key.split("."))
        case "headers":
            headers = {name: value for name, value in binding.arguments.items() if not name.startswith("x-")}
            return Message(exchange=binding.source, routing_key=key, headers=headers)
    return Message(exchange=binding.source, routing_key=key)
