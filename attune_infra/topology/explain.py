"""Reasons why each wanted object has drifted or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.diff import (
    Await,
    Changed,
    Create,
    Recreate,
    Update,
    compare,
    is_provided,
    treatments,
    undeclared,
)
from attune_infra.topology.facts.redeclaration import Treatment
from attune_infra.topology.facts.unavailable import may_be_unlisted
from attune_infra.topology.model import (
    ABSENT,
    Binding,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    Shovel,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    kind_of,
)
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.prune import why_kept
from attune_infra.topology.policy import PROVIDED_BY_POLICY, effective_definition, policy_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons why a wanted object has drifted or not."""

    object: TopologyObject
    drift: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedPlan:
    """A plan, with the reasons for every wanted object, and the undeclared objects that are kept."""

    plan: Plan
    explanations: tuple[Explanation, ...]
    kept: tuple[tuple[TopologyObject, str], ...]

    @property
    def exit_code(self) -> ExitCode:
        return self.plan.exit_code


def explain_plan(plan: Plan, have: Topology, want: Topology) -> ExplainedPlan:
    """Return a plan with the reasons for it."""
    kept = ((item, why_kept(item, have, want)) for item in undeclared(have, want))
    return ExplainedPlan(plan, explain(have, want), tuple((item, why) for item, why in kept if why is not None))


def explain(have: Topology, want: Topology) -> tuple[Explanation, ...]:
    """Explain every wanted object, in the order of `Topology.objects`."""
    return tuple(_explain(item, change, have) for item, change in compare(have, want))


def _explain(item: TopologyObject, change: Changed | None, have: Topology) -> Explanation:
    match change:
        case Create():
            reasons = [_why_missing(item)]
        case Update():
            reasons = [f"{_KINDS[type(item)]} can be changed in place"]
        case Recreate():
            reasons = [*_why_recreated(change, have)]
        case Await():
            reasons = [f"it {change.reason}"]
        case None:
            reasons = [_why_equal(item)]
    return Explanation(item, change is not None, (*reasons, *_details(item, have)))


def _why_recreated(change: Recreate, have: Topology) -> Iterator[str]:
    name = change.want.name
    existing = have.find_exchange(name) if isinstance(change.want, Exchange) else have.find_queue(name)
    treated = treatments(existing or change.want, have)
    names = [found.attribute for found in change.differences]
    kept = [name for name in names if treated.get(name) is Treatment.KEPT]
    if compared := ", ".join(name for name in names if name not in kept):
        yield f"RabbitMQ compares {compared} with the existing object, and would refuse this declaration"
    for name in kept:
        yield (
            f"{name} is not compared, but has an effect: RabbitMQ would accept this declaration"
            " and go on acting on the existing value"
        )


_KINDS: Final = {
    Policy: "a policy",
    OperatorPolicy: "an operator policy",
    User: "a user of the whole broker",
    Limit: "a limit",
    Permission: "a user's permissions",
    TopicPermission: "a user's topic permissions",
    Parameter: "a parameter",
    FederationUpstream: "a federation upstream",
    FederationUpstreamSet: "a federation upstream set",
    Shovel: "a shovel",
    GlobalParameter: "a global parameter",
}
"""The kinds of objects that RabbitMQ can change in place."""


def _why_missing(item: TopologyObject) -> str:
    if isinstance(item, Binding):
        return "no binding has these ends, this routing key and these arguments (compared with their types)"
    if isinstance(item, Permission | TopicPermission):
        return f"the user has no {kind_of(item).replace('_', ' ')}s here"
    if isinstance(item, User):
        return "the broker has no user of this name, in no virtual host"
    return f"no {kind_of(item).replace('_', ' ')} has this name"


def _why_equal(item: TopologyObject) -> str:
    match item:
        case Binding():
            return "a binding with these ends, this routing key and these arguments exists"
        case Policy():
            return f"{_KINDS[type(item)]} with this pattern and definition exists"
        case User(password=None):
            return "the user has these tags and limits; the document does not speak of the password"
        case User():
            return "the user has these tags and limits, and this password"
        case VirtualHost():
            return "the virtual host exists, with these settings"
        case Limit():
            return "the limit has this value"
        case Permission() | TopicPermission():
            return "the user has exactly these permissions"
        case Parameter() | GlobalParameter():
            return f"{_KINDS[type(item)]} with this name and this value exists"
        case Exchange(external=True) | Queue(external=True):
            return "its owner declares it, and it exists"
        case _:
            return "the existing object matches: RabbitMQ would accept this declaration"


def _details(item: TopologyObject, have: Topology) -> Iterator[str]:
    match item:
        case Queue():
            if queue := have.find_queue(item.name):
                yield from _queue_details(queue, item, have)
        case Exchange():
            if exchange := have.find_exchange(item.name):
                yield from _argument_details(exchange, item, have)
        case Binding():
            if may_be_unlisted(item, have):
                yield "the node of its queue is down; RabbitMQ 3.10 does not list such bindings until it is back"


def _queue_details(have: Queue, want: Queue, live: Topology) -> Iterator[str]:
    if want.type is None:
        default = live.type_of(want)
        yield f"no type is wanted, so the virtual host decides: {default}"
    if have.exclusive and not want.exclusive:
        yield "it is exclusive to another connection, which alone can use and delete it"
    if have.state == "down":
        yield "its node is down: the queue is unavailable, not missing"
    yield from _argument_details(have, want, live)


def _argument_details(have: Exchange | Queue, want: Exchange | Queue, live: Topology) -> Iterator[str]:
    for name in sorted((have.arguments.keys() | want.arguments.keys()) - treatments(have, live).keys()):
        yield f"{name} is not compared: RabbitMQ stores it at the first declaration and never reads it"
    provided, policy = effective_definition(have, live), policy_of(have, live)
    for name, wanted in sorted(want.arguments.items()):
        if is_provided(name, have.arguments.get(name, ABSENT), wanted, provided):
            source = f"policy '{policy.name}'" if policy else "an operator policy"
            yield (
                f"{source} provides {name} ({PROVIDED_BY_POLICY[name]}); RabbitMQ would refuse it as an argument,"
                " and another policy could override it"
            )
