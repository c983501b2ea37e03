"""A trace: the path of a message as a tree, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.render.objects import odd_key_data
from attune_infra.render.pages.trace_tree import tree_of_trace
from attune_infra.render.text import Line
from attune_infra.render.tree import render_tree
from attune_infra.topology.facts.plugin_exchanges import LOCAL_RANDOM
from attune_infra.topology.facts.unavailable import without_bindings
from attune_infra.topology.model import Binding, Message, kind_of, label
from attune_infra.topology.routing.route import Hop, Routed
from attune_infra.topology.routing.trace import Cause, Death, Life, Trace, Unmatched
from attune_infra.topology.routing.why import why
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.routes import (
        CauseData,
        DeathData,
        HopData,
        LifeData,
        MessageData,
        RoutedData,
        TraceData,
        TracedBinding,
        UnmatchedData,
    )


def lines(trace: Trace) -> Iterator[Line]:
    yield from render_tree(tree_of_trace(trace))
    for found in trace.unmatched or ():
        yield Line(f"  {_arrow(found.binding)} does not match: {found.why}")
    for tie in trace.tied:
        names = " and ".join(f"'{name}'" for name in tie.policies)
        what = f"policies {names} apply to {label(tie.object)} with one priority"
        yield Line(f"? {what}: only RabbitMQ knows which is in effect", "yellow")
    yield from _summary(trace)


def data(trace: Trace) -> TraceData:
    """Return a trace as plain data; `queues` are the queues that get the message."""
    routed = trace.routed
    found: TraceData = {
        "message": _message(routed.message),
        "broker_version": ".".join(map(str, trace.version)),
        "refused": routed.refused,
        **_routed(routed),
        "lives": [_life(life) for life in trace.lives],
    }
    if trace.tied:
        found["tied_policies"] = [
            {"kind": kind_of(tie.object), "name": tie.object.name, "policies": list(tie.policies)}
            for tie in trace.tied
        ]
    if trace.expected is not None:
        found["expected"], found["unmet"] = list(trace.expected), list(trace.unmet)
    if trace.unmatched is not None:
        found["unmatched"] = [_unmatched(each) for each in trace.unmatched]
    return found


def _summary(trace: Trace) -> Iterator[Line]:
    routed = trace.routed
    if routed.queues:
        yield Line(f"reaches {_list_queues(routed.queues)}")
    if routed.possible:
        yield Line(_describe_possible(routed), "yellow")
    if trace.unlisted:
        yield Line(f"? may reach more queues: {without_bindings(trace.unlisted)}", "yellow")
    elif routed.leaves:
        names = ", ".join(hop.exchange.name for hop in routed.hops if hop.exchange.external)
        yield Line(f"? may reach more queues through what is external: {names}", "yellow")
    if trace.is_unroutable:
        yield Line("! reaches no queue", "red")
    losses = list(trace.losses())
    if losses:
        queues = sorted({life.queue.name for life, _ in losses})
        yield Line(f"! can be lost on a way out of {_list_queues(tuple(queues))}", "red")
    if stuck := sorted({life.queue.name for life in trace.stuck()}):
        yield Line(f"! can stay for ever, as a dead letter, in {_list_queues(tuple(stuck))}", "red")
    for words in trace.unmet:
        yield Line(f"! {words}", "red")


def _describe_possible(routed: Routed) -> str:
    """Return the queues that a message may reach, in words; an exchange may choose exactly one of its own."""
    [first, *others] = [hop for hop in routed.hops if not hop.is_understood]
    leads_to_queues = all(binding.destination_type == "queue" for binding in first.matched)
    if first.chooses_one and first.certain and leads_to_queues and not (others or routed.queues):
        return f"? reaches exactly one of {_list_queues(routed.possible)}"
    if not first.exchange.type:
        decisive = f"the type of exchange {first.exchange.name}, which the document leaves out"
    elif first.exchange.type == LOCAL_RANDOM and not others:
        decisive = "the publisher's node"
    else:
        decisive = "the message"
    return f"? may reach {_list_queues(routed.possible)}: that depends on {decisive}"


def _list_queues(queues: tuple[str, ...]) -> str:
    return f"{counted(len(queues), 'queue')}: {', '.join(queues)}"


def _arrow(binding: Binding) -> str:
    kind = "" if binding.destination_type == "queue" else "exchange "
    return f"{binding.source} -> {kind}{binding.destination}"


def _message(message: Message) -> MessageData:
    return {
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "headers": dict(message.headers),
    }


def _routed(routed: Routed) -> RoutedData:
    return {
        "queues": list(routed.queues),
        "possible_queues": list(routed.possible),
        "hops": [_hop(hop, routed.message) for hop in routed.hops],
    }


def _hop(hop: Hop, message: Message) -> HopData:
    found: HopData = {
        "exchange": hop.exchange.name,
        "type": hop.exchange.type,
        "certain": hop.certain,
        "alternate_exchange": hop.alternate,
        "matched": [_binding(item, why(item, hop.exchange, message)) for item in hop.matched],
    }
    if hop.exchange.external:
        found["external"] = True
    return found


def _binding(binding: Binding, reason: str) -> TracedBinding:
    return {
        "destination": binding.destination,
        "destination_type": binding.destination_type,
        "routing_key": binding.routing_key,
        "arguments": dict(binding.arguments),
        "why": reason,
        **odd_key_data(binding),
    }


def _life(life: Life) -> LifeData:
    return {
        "queue": life.queue.name,
        "routing_key": life.message.routing_key,
        "deaths": [_death(death) for death in life.deaths],
    }


def _death(death: Death) -> DeathData:
    found: DeathData = {
        "causes": [_cause(cause) for cause in death.causes],
        "ending": death.ending,
        "lost": death.is_loss,
    }
    if death.routed is None:
        return found
    return {
        **found,
        "dead_letter_exchange": death.exchange,
        "routing_key": death.routed.message.routing_key,
        "comes_round_to": list(death.rounds),
        "dropped_at": list(death.dropped),
        "lives": list(death.lives),
        **_routed(death.routed),
    }


def _cause(cause: Cause) -> CauseData:
    if cause.argument is None:
        return {"reason": cause.reason}
    return {"reason": cause.reason, "argument": cause.argument, "value": cause.value}


def _unmatched(found: Unmatched) -> UnmatchedData:
    return {"source": found.binding.source, **_binding(found.binding, found.why)}
