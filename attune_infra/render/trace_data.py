"""The story of a message -> plain data."""

from __future__ import annotations

from typing import Any, TypeAlias

from attune_infra.topology.model import Binding, Message
from attune_infra.topology.routing import Hop, Routed
from attune_infra.topology.trace import Cause, Death, Life, Trace, Unmatched
from attune_infra.topology.why import why

Data: TypeAlias = dict[str, Any]


def trace_data(trace: Trace) -> Data:
    """Return a trace as plain data; `queues` are the names of those that the message is delivered to."""
    routed = trace.routed
    data: Data = {
        "message": _message(routed.message),
        "broker_version": ".".join(map(str, trace.version)),
        "refused": routed.refused,
        **_routed(routed),
        "lives": [_life(life) for life in trace.lives],
    }
    if trace.expected is not None:
        data |= {"expected": list(trace.expected), "unmet": list(trace.unmet)}
    if trace.unmatched is not None:
        data["unmatched"] = [_unmatched(found) for found in trace.unmatched]
    return data


def _message(message: Message) -> Data:
    return {
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "headers": dict(message.headers),
    }


def _routed(routed: Routed) -> Data:
    return {
        "queues": list(routed.queues),
        "possible_queues": list(routed.possible),
        "hops": [_hop(hop, routed.message) for hop in routed.hops],
    }


def _hop(hop: Hop, message: Message) -> Data:
    return {
        "exchange": hop.exchange.name,
        "type": hop.exchange.type,
        "certain": hop.certain,
        "alternate_exchange": hop.alternate,
        "matched": [{**_binding(item), "why": why(item, hop.exchange, message)} for item in hop.matched],
    }


def _binding(binding: Binding) -> Data:
    return {
        "destination": binding.destination,
        "destination_type": binding.destination_type,
        "routing_key": binding.routing_key,
        "arguments": dict(binding.arguments),
    }


def _life(life: Life) -> Data:
    return {
        "queue": life.queue.name,
        "routing_key": life.message.routing_key,
        "deaths": [_death(death) for death in life.deaths],
    }


def _death(death: Death) -> Data:
    data: Data = {
        "causes": [_cause_data(cause) for cause in death.causes],
        "ending": str(death.ending),
        "lost": death.is_loss,
    }
    if death.routed is not None:
        data |= {
            "dead_letter_exchange": death.exchange,
            "routing_key": death.routed.message.routing_key,
            "comes_round_to": list(death.rounds),
            "dropped_at": list(death.dropped),
            "lives": list(death.lives),
            **_routed(death.routed),
        }
    return data


def _cause_data(cause: Cause) -> Data:
    return {"reason": str(cause.reason)} | (
        {} if cause.argument is None else {"argument": cause.argument, "value": cause.value}
    )


def _unmatched(found: Unmatched) -> Data:
    return {"source": found.binding.source, **_binding(found.binding), "why": found.why}
