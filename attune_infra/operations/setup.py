"""Set up a broker: apply a plan, and read back the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from attune_infra.errors import BrokerError
from attune_infra.operations.progress import Watch, watched
from attune_infra.operations.put_back import put_back_old
from attune_infra.operations.secrets import with_secrets
from attune_infra.topology.diff import Changed, Create, Delete, Recreate, Update, diff
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import (
    Permission,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    User,
    label,
)
from attune_infra.topology.planning.consent import NOT_ALLOWED, TO_NOTHING, Consent
from attune_infra.topology.planning.plan import Plan, loss_by
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.policy import stakes_key

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker, CountingBroker

_NEEDS_CONSENT: Final = "it can lose messages or queues, which needs --allow-destructive"
MAX_QUEUES_COUNTED: Final = 100
"""Queues whose contents are counted one by one; for more of them it would take too long."""


def setup(broker: Broker, want: Topology, *, watch: Watch = lambda *_: None) -> Report:
    """Create missing objects and return the outcome of every wanted object, different and down ones included."""
    want = with_secrets(want)
    return apply_plan(make_plan(broker, _read(broker, want), want), broker, want, watch=watch)


def _read(broker: Broker, want: Topology) -> Topology:
    """Return all that can be compared with the wanted topology."""
    return broker.read(controls=want.control_kinds)


def make_plan(broker: Broker, have: Topology, want: Topology, *, prune: bool = False) -> Plan:
    """Return the plan for a broker that has these objects, with its stakes and the refusals that are certain."""
    plan = replace(Plan.between(have, want, prune=prune), target=broker.target())
    if plan.stakes:
        plan = plan.weighing(have, want, broker.contents_at_most(plan.queues_at_stake))
    is_restricted = any(isinstance(item, Queue | Policy) for item in plan.declared)
    return plan.foreseeing(have, want, broker.restrictions() if is_restricted else Restrictions())


def apply_plan(
    plan: Plan, broker: Broker, want: Topology, *, consent: Consent = TO_NOTHING, watch: Watch = lambda *_: None
) -> Report:
    """Apply a plan and read back the result; raise `BrokerError`, and change nothing, if a refusal is certain.

    Nothing is deleted without consent, and no policy is set that puts something at stake: such changes are
    reported with their loss. A missing virtual host is made first; if it cannot be, nothing else is tried. Several
    runs may overlap: an object that another run created counts as created. An interrupted run can be repeated.
    """
    plan.check_possible()
    ground = _break_ground(plan, broker)
    if any(outcome.status is Status.FAILED for outcome in ground.values()):
        return _report_of(want, ground)
    return _carry_out(plan.without(ground), broker, want, consent, watch=watch, made_before=ground)


def _carry_out(
    plan: Plan,
    broker: Broker,
    want: Topology,
    consent: Consent,
    *,
    watch: Watch,
    made_before: Mapping[TopologyObject, Outcome],
) -> Report:
    """Make all changes of a plan in a virtual host that exists."""
    if plan.changes:
        broker.check_same_cluster()
    recreations = [change for change in plan.recreations if plan.why_kept(change, consent) is None]
    if any(plan.permitted(consent)):
        broker.check_declaring(plan.declared)
    outcomes = {item: Outcome(item, Status.UNCHANGED) for item in plan.unchanged}
    outcomes |= {queue: Outcome(queue, Status.DOWN, condition(queue)) for queue in plan.down}
    outcomes |= {**made_before} | _awaited(plan) | _withheld(plan, consent)
    refusals = {
        change.want: _refusal(change, broker, plan.why_kept(change, consent)) for change in plan.recreations
    }
    before = _read(broker, want) if recreations else Topology()
    removals = _remove(recreations, broker)
    gone = [change for change in plan.recreations if _is_deleted(removals.get(change.want))]
    made = _make_all(plan.made_with(consent), gone, broker, want, watch)
    recreated = {
        change.want: replace(refusals[change.want], status=Status.RECREATED)
        for change in gone
        if made[change.want].status is Status.CREATED
    }
    losses = [refusals[change.want] for change in gone if made[change.want].status is Status.FAILED]
    put_back = put_back_old(losses, made, before, broker) if losses else {}
    deleted = _delete(plan, broker, consent, watch)
    again = _make_again(plan.deletions, deleted, broker, want)
    outcomes |= refusals | removals | made | recreated | put_back | again
    outcomes |= _set_by_others(outcomes.values(), broker, want)
    found = (*(outcomes[item] for item in want.objects()), *deleted)
    return Report(tuple(_with_stakes(each, plan) for each in found))


def _break_ground(plan: Plan, broker: Broker) -> dict[TopologyObject, Outcome]:
    """Make a missing virtual host, with users and their permissions: AMQP can be used in it only then.

    RabbitMQ permits everything to the user who makes it, whose permissions may get fewer at the end.
    """
    if plan.missing_virtual_host is None or plan.target is None:
        return {}
    maker = plan.target.management_user or plan.target.user
    early = [
        change
        for change in plan.applicable
        if isinstance(change.want, User) or (isinstance(change.want, Permission) and change.want.user != maker)
    ]
    return {each.object: each for each in broker.apply([plan.missing_virtual_host, *early])}


def _report_of(want: Topology, made: Mapping[TopologyObject, Outcome]) -> Report:
    """Return the report of a plan that ended with its virtual host."""
    reason = "the virtual host or its permissions could not be made"
    found = (made.get(item) or Outcome(item, Status.SKIPPED, reason) for item in want.objects())
    return Report(tuple(found))


def _with_stakes(outcome: Outcome, plan: Plan) -> Outcome:
    if not isinstance(outcome.object, Policy) or outcome.status is Status.UNCHANGED:
        return outcome
    return replace(outcome, stakes=plan.stakes.get(stakes_key(outcome.object), ()))


def _withheld(plan: Plan, consent: Consent) -> dict[TopologyObject, Outcome]:
    """Return the outcomes of policies that put something at stake, as long as nobody allows them."""
    found = {}
    for change in plan.costly:
        differences = change.differences if isinstance(change, Update) else ()
        why = plan.why_kept(change, consent)
        reason = _NEEDS_CONSENT if why == NOT_ALLOWED else why or ""
        found[change.want] = Outcome(change.want, Status.WITHHELD, reason, differences=differences)
    return found


def _set_by_others(outcomes: Iterable[Outcome], broker: Broker, want: Topology) -> dict[TopologyObject, Outcome]:
    """Return the outcomes of withheld policies that another run has set meanwhile."""
    withheld = [outcome.object for outcome in outcomes if outcome.status is Status.WITHHELD]
    lacking = {change.want for change in diff(_read(broker, want), want)} if withheld else set()
    return {item: Outcome(item, Status.UNCHANGED) for item in withheld if item not in lacking}


def _awaited(plan: Plan) -> dict[TopologyObject, Outcome]:
    """Return the outcomes of awaited external objects, and of the bindings that wait for them."""
    awaited = (Outcome(each.want, Status.AWAITED, each.reason, each.differences) for each in plan.awaited)
    waiting = (
        Outcome(item, Status.SKIPPED, f"it waits for {label(change.want)}, which is missing")
        for item, change in plan.waiting.items()
    )
    return {outcome.object: outcome for outcome in (*awaited, *waiting)}


def count_contents(plan: Plan, broker: CountingBroker) -> Plan:
    """Return a plan with the numbers of messages and consumers of the queues to recreate or to delete.

    They are asked for one by one; for many queues, the consumers are those of the statistics.
    """
    queues = plan.queues_at_risk
    if len(queues) <= MAX_QUEUES_COUNTED:
        return plan.with_contents({queue: broker.contents(queue) for queue in queues})
    depths = broker.depths()
    messages = {queue: depths[queue].total if queue in depths else None for queue in queues}
    consumers: dict[str, int | None] = dict.fromkeys(queues)
    with suppress(BrokerError):  # the statistics may be switched off
        consumers.update({queue: len(tags) for queue, tags in broker.consumer_tags(queues).items()})
    return plan.with_contents({queue: (messages[queue], consumers[queue]) for queue in queues})


def _refusal(change: Recreate, broker: Broker, why: str | None = None) -> Outcome:
    """Return the outcome for an object that differs: its loss if it is recreated, and the remedies."""
    item = change.want
    messages, consumers = broker.contents(item.name) if isinstance(item, Queue) else (0, 0)
    return Outcome(
        item,
        Status.DIFFERS,
        "" if why == NOT_ALLOWED else why or "",
        differences=change.differences,
        loss=loss_by(change, messages, consumers),
        lost=change.lost,
        again=change.again,
        instead=change.instead,
        migrate=change.migrate,
    )


def _remove(recreations: Iterable[Recreate], broker: Broker) -> dict[TopologyObject, Outcome]:
    return {
        outcome.object: outcome
        for change in recreations
        for outcome in broker.delete([change.want], even_if_used=True)
    }


def _is_deleted(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status is Status.DELETED


def _make_all(
    allowed: Sequence[Create | Update], gone: Sequence[Recreate], broker: Broker, want: Topology, watch: Watch
) -> dict[TopologyObject, Outcome]:
    """Make the changes that destroy nothing or may, and create what was deleted to be recreated.

    Raise `BrokerError` if not even the first change can be tried, but only if nothing was deleted before.
    """
    changes = [*allowed, *(Create(change.want) for change in gone)]
    try:
        if gone:
            known = {change.want for change in changes}
            changes += (each for each in _creations(broker, want) if each.want not in known)
        return _make(changes, broker, want, watch)
    except BrokerError as error:
        if not gone:
            raise
        return {change.want: Outcome(change.want, Status.FAILED, error.sentence) for change in changes}


def _creations(broker: Broker, want: Topology) -> list[Create]:
    """Return the creations of everything that is missing now and can be created."""
    return [change for change in Plan.between(_read(broker, want), want).applicable if isinstance(change, Create)]


def _make_again(
    deletions: Iterable[Delete], deleted: Iterable[Outcome], broker: Broker, want: Topology
) -> dict[TopologyObject, Outcome]:
    """Create again what is wanted and went along with undeclared objects."""
    pairs = zip(deletions, deleted, strict=True)
    gone = [item for change, outcome in pairs if _is_deleted(outcome) for item in change.again]
    return _make([Create(item) for item in gone], broker, want) if gone else {}


def _make(
    changes: Sequence[Create | Update], broker: Broker, want: Topology, watch: Watch = lambda *_: None
) -> dict[TopologyObject, Outcome]:
    applied = list(watched(broker.apply(changes), len(changes), watch))
    changes_left = Plan.between(_read(broker, want), want).changes if applied else ()
    lacking = {change.want: change for change in changes_left if not isinstance(change, Delete)}
    return {outcome.object: _read_back(outcome, lacking.get(outcome.object), broker) for outcome in applied}


def _read_back(outcome: Outcome, lacking: Changed | None, broker: Broker) -> Outcome:
    """Correct an outcome by what exists now."""
    match lacking:
        case None if outcome.status in {Status.FAILED, Status.SKIPPED}:
            return Outcome(outcome.object, Status.UNCHANGED)
        case Recreate():
            return _refusal(lacking, broker)
        case _ if lacking is not None and outcome.status in {Status.CREATED, Status.UPDATED}:
            return replace(
                outcome, status=Status.FAILED, reason="the broker accepted it, but it does not exist now"
            )
        case _:
            return outcome


def _delete(plan: Plan, broker: Broker, consent: Consent, watch: Watch) -> list[Outcome]:
    """Delete undeclared objects; return the outcomes in the order of the plan, kept ones included."""
    kept = {change.have: plan.why_kept(change, consent) for change in plan.deletions}
    going = [change for change in plan.deletions if kept[change.have] is None]
    deleted = watched(broker.delete([each.have for each in going], even_if_used=False), len(going), watch)
    gone = {change.have: _with_loss(outcome, change) for outcome, change in zip(deleted, going, strict=True)}
    return [
        gone.get(change.have) or Outcome(change.have, Status.KEPT, f"it is undeclared, but {kept[change.have]}")
        for change in plan.deletions
    ]


def _with_loss(outcome: Outcome, change: Delete) -> Outcome:
    """Add the objects that went along with an undeclared one, which was empty and unused itself."""
    if not (change.lost and _is_deleted(outcome)):
        return outcome
    messages = outcome.loss.messages if outcome.loss else 0
    return replace(outcome, loss=loss_by(change, messages, 0), lost=change.lost, again=change.again)
