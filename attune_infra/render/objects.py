"""Objects and their differences, for several pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attune_infra.links import code_url
from attune_infra.render.data import sort_data
from attune_infra.render.text import Line
from attune_infra.render.words import difference
from attune_infra.topology.model import ABSENT, HIDDEN, Binding, Policy, TopologyObject, kind_of, label
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.objects import (
        DifferenceData,
        DifferencesData,
        LossData,
        LossesData,
        ObjectData,
        OddKeyData,
        PlaceData,
        PolicyData,
        ProblemData,
        QueueAtStake,
        StakesData,
    )
    from attune_infra.contract.plans import RemediesData
    from attune_infra.topology.diff import Difference
    from attune_infra.topology.document.origin import Spot
    from attune_infra.topology.document.places import Place
    from attune_infra.topology.document.problems import Problem
    from attune_infra.topology.facts.stakes import Threat
    from attune_infra.topology.planning.report import Loss
    from attune_infra.topology.planning.stakes import Stake

_MAX_OBJECTS_LISTED: Final = 20
_NOT_IN_PLACE: Final = Line("      RabbitMQ cannot change this in place; it must be deleted and recreated")
_EXCLUSIVE: Final = Line("      it is exclusive to another connection, which alone can use and delete it")


def difference_lines(differences: Iterable[Difference]) -> Iterator[Line]:
    for found in differences:
        yield Line(f"      {difference(found)}")


def difference_data(differences: Iterable[Difference]) -> DifferencesData:
    """Return the differences under the key `differences`; nothing if there are none."""
    found = [_difference_data(each) for each in differences]
    return {"differences": found} if found else {}


def _difference_data(item: Difference) -> DifferenceData:
    """Return a difference. An absent or secret value is left out, because null is a value too."""
    found: DifferenceData = {"attribute": item.attribute}
    if item.have is not ABSENT and item.have is not HIDDEN:
        found["have"] = item.have
    if item.want is not ABSENT and item.want is not HIDDEN:
        found["want"] = item.want
    return found


def why_not_in_place(differences: Iterable[Difference]) -> Line:
    """Return the line that says why an object with these differences is not changed in place."""
    is_exclusive = any(found.attribute == "exclusive" and found.have is True for found in differences)
    return _EXCLUSIVE if is_exclusive else _NOT_IN_PLACE


def loss_lines(
    headline: str, loss: Loss, lost: Sequence[TopologyObject], again: Sequence[TopologyObject]
) -> Iterator[Line]:
    """Yield the numbers of what is lost, the names of the lost objects, and the numbers of those created again."""
    counts = [(loss.messages, "message"), (loss.consumers, "consumer"), (loss.bindings, "binding")]
    if loss.exchanges:
        counts.append((loss.exchanges, "exchange"))
    yield Line(f"      {headline}: {', '.join(counted(count, noun) for count, noun in counts)}")
    for item in lost[:_MAX_OBJECTS_LISTED]:
        yield Line(f"        {label(item)}")
    if len(lost) > _MAX_OBJECTS_LISTED:
        yield Line(f"        and {len(lost) - _MAX_OBJECTS_LISTED} more, all of them in --output json")
    if again:
        bindings = sum(isinstance(item, Binding) for item in again)
        words = [counted(bindings, "binding")] if bindings else []
        if len(again) > bindings:
            words.append(counted(len(again) - bindings, "exchange"))
        yield Line(f"      created again: {', '.join(words)}")


def remedy_lines(instead: Policy | None, migrate: str | None) -> Iterator[Line]:
    """Yield the ways to change an object that lose nothing: a policy first, then a migration."""
    if instead:
        from attune_infra.topology.document.write import policy_line  # rarely needed, and YAML is slow to load

        yield Line("      this policy has the same effect, if the document leaves out the arguments:")
        yield Line(f"        {policy_line(instead)}")
    if migrate:
        yield Line(f"      `{migrate}` does it {'with the arguments ' if instead else ''}and keeps every message")


def remedy_data(instead: Policy | None, migrate: str | None) -> RemediesData:
    """Return the ways to change an object that lose nothing; no key for one that there is not."""
    found: RemediesData = {}
    if instead:
        found["instead"] = policy_data(instead)
    if migrate:
        found["migrate"] = migrate
    return found


def loss_in_numbers(loss: Loss) -> LossData:
    """Return a loss in numbers, in which null means unknown."""
    return {
        "messages": loss.messages,
        "consumers": loss.consumers,
        "bindings": loss.bindings,
        "exchanges": loss.exchanges,
    }


def loss_data(loss: Loss, lost: Iterable[TopologyObject], again: Iterable[TopologyObject]) -> LossesData:
    """Return what is lost, in numbers under the key `loss`, and the objects that are lost or created again."""
    return {
        "loss": loss_in_numbers(loss),
        "lost": sort_data(map(identify, lost)),
        "created_again": sort_data(map(identify, again)),
    }


def stake_lines(stakes: Sequence[Stake], headline: str = "at stake") -> Iterator[Line]:
    """Yield what a change of a policy can lose: the numbers, and each queue with the settings in effect on it."""
    if not stakes:
        return
    from attune_infra.topology.planning.stakes import expiring_queues, most_messages  # rarely needed

    expiring = expiring_queues(stakes)
    words = [*_messages(most_messages(stakes)), *([counted(expiring, "queue")] if expiring else [])]
    yield Line(f"      {headline}: {', '.join(words)}", "red")
    for stake in stakes[:_MAX_OBJECTS_LISTED]:
        settings = ", ".join(difference(_setting(found)) for found in stake.threats) or "one of several policies"
        parts = [*(["the queue"] if stake.expires else []), *_messages(stake.messages)]
        yield Line(f"        queue {stake.queue}: {' and '.join(parts)} ({settings})")
    if len(stakes) > _MAX_OBJECTS_LISTED:
        yield Line(f"        and {len(stakes) - _MAX_OBJECTS_LISTED} more, all of them in --output json")


def _messages(most: int | None) -> Iterator[str]:
    if most is None or most:
        yield f"{'' if most is None else 'up to '}{counted(most, 'message')}"


def _setting(threat: Threat) -> Difference:
    from attune_infra.topology.diff import Difference

    return Difference(threat.setting.removeprefix("x-"), threat.have, threat.want)


def stake_data(stakes: Sequence[Stake]) -> StakesData:
    """Return what a change of a policy can lose under the key `at_stake`; nothing if there is nothing."""
    if not stakes:
        return {}
    from attune_infra.topology.planning.stakes import expiring_queues, most_messages  # rarely needed

    found: list[QueueAtStake] = [
        {
            "queue": stake.queue,
            "messages": stake.messages,
            "queue_may_go": stake.expires,
            **difference_data(map(_setting, stake.threats)),
        }
        for stake in stakes
    ]
    messages, queues = most_messages(stakes), expiring_queues(stakes)
    return {"at_stake": {"messages": messages, "queues": queues, "by_queue": sort_data(found)}}


def identify(item: TopologyObject) -> ObjectData:
    """Return the keys that identify an object."""
    if not isinstance(item, Binding):
        return {"kind": kind_of(item), "name": item.name}
    return {
        "kind": "binding",
        "source": item.source,
        "destination": item.destination,
        "destination_type": item.destination_type,
        "routing_key": item.routing_key,
        "arguments": dict(item.arguments),
        **odd_key_data(item),
    }


def odd_key_data(binding: Binding) -> OddKeyData:
    """Return a mark for a routing key that is missing or not a string; `routing_key` is its JSON then."""
    return {} if binding.key_is_text else {"routing_key_is_string": False}


def place_data(spot: Spot | None) -> PlaceData:
    """Return a place in a file; nothing if it is unknown."""
    return {"file": spot.file, **span_data(spot)} if spot else {}


def span_data(place: Place | Spot) -> PlaceData:
    """Return the line and columns of a place."""
    end: PlaceData = {} if place.end is None else {"end": place.end}
    return {"line": place.line, "column": place.column, **end}


def problem_data(problem: Problem) -> ProblemData:
    """Return a problem of a document, with its place in it."""
    return {
        "code": problem.code,
        "url": code_url(problem.code),
        "line": problem.line,
        "column": problem.column,
        "what": problem.what,
    }


def policy_data(policy: Policy) -> PolicyData:
    """Return all of a policy."""
    return {
        "name": policy.name,
        "pattern": policy.pattern,
        "definition": dict(policy.definition),
        "apply_to": policy.apply_to,
        "priority": policy.priority,
    }
