"""A plan: the changes, and the number of objects that match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, assert_never

from attune_infra.links import code_url
from attune_infra.render.data import sort_data
from attune_infra.render.objects import (
    difference_data,
    difference_lines,
    identify,
    loss_data,
    loss_lines,
    place_data,
    problem_data,
    remedy_data,
    remedy_lines,
    stake_data,
    stake_lines,
    why_not_in_place,
)
from attune_infra.render.text import Level, Line, at_level
from attune_infra.render.words import attributes, value
from attune_infra.topology.diff import Await, Change, Create, Delete, Recreate, Update
from attune_infra.topology.facts.deletion import reason_to_keep
from attune_infra.topology.facts.refusals import ForeseenRefusal
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Queue, User, label
from attune_infra.topology.planning.consent import Consent
from attune_infra.topology.planning.plan import Destructive, DryRun, Plan
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.objects import LossesData
    from attune_infra.contract.plans import ChangeData, ChangeKind, DownData, PlanData, RefusalData
    from attune_infra.render.reports.review import Review


def lines(plan: Plan) -> Iterator[Line]:
    return _lines(plan, Line(f"plan {plan.digest}"))


def lines_of_part(plan: Plan) -> Iterator[Line]:
    """Return the lines of a plan for one of several virtual hosts, which have one digest together."""
    return _lines(plan)


def _lines(plan: Plan, *digest: Line) -> Iterator[Line]:
    yield from at_level(Level.PROBLEM, _problem_lines(plan))
    yield Line(_result(plan))
    yield from digest
    if excess := _excess(plan):
        yield Line(f"{excess}; `setup` would change nothing", "red", Level.PROBLEM)
    if plan.refusals:
        yield Line(f"{plan.refusal_in_words}; `setup` would change nothing", "red", Level.PROBLEM)


def _problem_lines(plan: Plan) -> Iterator[Line]:
    """Yield each difference with its details: to a diff, each is a problem."""
    refusals = {refusal.object: refusal for refusal in plan.refusals}
    for change in plan.changes:
        yield from change_lines(change, plan)
        if not isinstance(change, Delete) and change.want in refusals:
            yield from _refusal_lines(refusals[change.want])
    for queue in plan.down:
        yield Line(f"! {label(queue)} exists, but its state is {condition(queue)}", "red")
    if plan.faults:
        count = counted(len(plan.faults), "fault")
        yield Line(f"RabbitMQ would refuse the file for {count}; `setup` would change nothing", "red")


def change_lines(change: Change, plan: Plan) -> Iterator[Line]:
    """Yield a change: its headline, and what belongs to it, indented."""
    yield from _change_lines(change, plan)
    yield from stake_lines(plan.stakes_of(change))
    if not isinstance(change, Delete) and change.want in plan.waiting:
        yield Line(f"      it waits for {label(plan.waiting[change.want].want)}")


def _result(plan: Plan) -> str:
    """Return the numbers of changes, in words."""
    if plan.changes or plan.down:
        return _summary(plan)
    return f"no changes: all {len(plan.unchanged)} objects match"


def _summary(plan: Plan) -> str:
    updates = sum(isinstance(change, Update) for change in plan.changes)
    counts = (
        (len(plan.unchanged) - len(plan.down), "match"),
        (len(plan.down), "down"),
        (len(plan.makeable) - updates, "to create"),
        (updates, "to update"),
        (len(plan.recreations), "to recreate"),
        (len(plan.deletions), "to delete"),
        (len(plan.awaited), "awaited"),
        (len(plan.waiting), "waiting"),
        (sum(bool(plan.stakes_of(change)) for change in plan.changes), "that can lose messages or queues"),
    )
    return ", ".join(f"{count} {words}" for count, words in counts if count)


def data(plan: Plan) -> PlanData:
    return {
        "digest": plan.digest,
        "changes": sort_data(_change_data(change, plan) for change in plan.changes),
        "unchanged": sort_data(identify(item) for item in plan.unchanged),
        "down": sort_data(map(_down_data, plan.down)),
        "waiting": sort_data(map(identify, plan.waiting)),
        "refusals": sort_data(map(_refusal_data, plan.refusals)),
        "excess": _excess(plan),
        "faults": [problem_data(each) for each in plan.faults],
    }


def _excess(plan: Plan) -> str | None:
    return plan.excess(plan.consent) if isinstance(plan, DryRun) else None


def question(plan: Plan, consent: Consent) -> str:
    """Return the question for the changes that there is consent to: `Recreate 1 object and delete 2 objects?`."""
    permitted = plan.permitted(consent)
    recreate = sum(isinstance(change, Recreate) for change in permitted)
    delete = sum(isinstance(change, Delete) for change in permitted)
    policies = len(permitted) - recreate - delete
    words = [f"recreate {counted(recreate, 'object')}"] if recreate else []
    if policies:
        words.append("set 1 policy" if policies == 1 else f"set {policies} policies")
    if delete:
        words.append(f"delete {counted(delete, 'object')}")
    lost = ", ".join(_total_loss(plan, permitted))
    return f"{' and '.join(words).capitalize()}{f' (lost: {lost})' if lost else ''}?"


def review(plan: Plan) -> Review:
    from attune_infra.render.reports.diff import review_of

    return review_of(plan, verdict=_result(plan), loss=", ".join(_total_loss(plan, plan.destructive)))


def _total_loss(plan: Plan, permitted: Sequence[Destructive]) -> Iterator[str]:
    """Yield what these changes can lose, in words.

    Deletions lose no messages, since a queue in use is kept. A recreated queue loses its messages only once.
    """
    from attune_infra.topology.planning.stakes import expiring_queues, most_messages  # rarely needed

    recreations = [change for change in permitted if isinstance(change, Recreate)]
    losses = [plan.loss_by(change) for change in recreations]
    all_losses = [*losses, *(plan.loss_by(change) for change in permitted if isinstance(change, Delete))]
    recreated = {change.want.name for change in recreations if isinstance(change.want, Queue)}
    at_stake = [stake for change in permitted for stake in plan.stakes_of(change) if stake.queue not in recreated]
    for counts, noun in (
        ([*(loss.messages for loss in losses), most_messages(at_stake)], "message"),
        ([expiring_queues(at_stake)], "queue"),
        ([loss.consumers for loss in losses], "consumer"),
        ([loss.bindings for loss in all_losses], "binding"),
        ([loss.exchanges for loss in all_losses], "exchange"),
    ):
        if None in counts:
            yield counted(None, noun)
        elif total := sum(count for count in counts if count is not None):
            yield f"{'up to ' if at_stake and noun == 'message' else ''}{counted(total, noun)}"


def _losses(change: Recreate | Delete, plan: Plan) -> LossesData:
    return loss_data(plan.loss_by(change), change.lost, change.again)


def _change_lines(change: Change, plan: Plan) -> Iterator[Line]:
    match change:
        case Create():
            yield _headline(change, plan, "+", "is missing", "green")
            for name, wanted in attributes(change.want):
                yield Line(f"      {name}: {value(wanted)}")
        case Update():
            yield _headline(change, plan, "~", "differs", "yellow")
            yield from difference_lines(change.differences)
        case Recreate():
            yield Line(f"! {label(change.want)} exists but differs", "red")
            yield from difference_lines(change.differences)
            yield why_not_in_place(change.differences)
            yield from loss_lines("would be lost", plan.loss_by(change), change.lost, change.again)
            yield from remedy_lines(change.instead, change.migrate)
        case Await():
            yield Line(f"! {label(change.want)} {change.reason}", "red")
            yield from difference_lines(change.differences)
        case Delete():
            yield Line(f"- {label(change.have)} is undeclared", "red")
            yield from _deletion_lines(change, plan)
        case _:
            assert_never(change)


def _headline(change: Create | Update, plan: Plan, sign: str, verb: str, style: str) -> Line:
    if plan.stakes_of(change):
        sign, style = "!", "red"
    return Line(f"{sign} {label(change.want)} {verb}", style)


def _deletion_lines(change: Delete, plan: Plan) -> Iterator[Line]:
    if isinstance(change.have, User):
        yield Line("      it belongs to the whole broker; its permissions in every virtual host go with it")
    loss = plan.loss_by(change)
    if loss.messages or loss.consumers:
        in_use = f"{counted(loss.messages, 'message')} and {counted(loss.consumers, 'consumer')}"
        yield Line(f"      it has {in_use}; while that is so, it is kept")
    elif change.kept_by:
        bindings = counted(len(change.kept_by), "binding")
        yield Line(f"      it is the source of {bindings}; while that is so, it is kept")
    elif change.stuck:
        yield Line(f"      it is kept: {reason_to_keep(change.have)}")
    elif change.lost or change.again:
        yield from loss_lines("would be lost", loss, change.lost, change.again)


def _refusal_lines(refusal: ForeseenRefusal) -> Iterator[Line]:
    yield Line(f"      RabbitMQ would refuse it: {refusal.reason}", "red")
    yield Line(f"      {refusal.hint}")


def _refusal_data(refusal: ForeseenRefusal) -> RefusalData:
    return {
        "object": identify(refusal.object),
        "code": refusal.code,
        "reason": refusal.reason,
        "hint": refusal.hint,
    }


def _change_data(change: Change, plan: Plan) -> ChangeData:
    item = change.have if isinstance(change, Delete) else change.want
    place = place_data(plan.origin.spot_of(item))
    return {**_plain_data(change, plan), **stake_data(plan.stakes_of(change)), **place}


def _down_data(queue: Queue) -> DownData:
    code = "diff-down"
    return {**identify(queue), "code": code, "url": code_url(code), "state": queue.state}


def _kind(change: str) -> ChangeKind:
    """Return the keys that name the kind of a change."""
    code = f"diff-{change}"
    return {"change": change, "code": code, "url": code_url(code)}


def _plain_data(change: Change, plan: Plan) -> ChangeData:
    match change:
        case Create():
            return {**identify(change.want), **_kind("create")}
        case Recreate():
            differences = difference_data(change.differences)
            remedies = remedy_data(change.instead, change.migrate)
            kind = _kind("recreate")
            return {**identify(change.want), **kind, **differences, **_losses(change, plan), **remedies}
        case Update():
            return {**identify(change.want), **_kind("update"), **difference_data(change.differences)}
        case Await():
            return {**identify(change.want), **_kind("await"), **difference_data(change.differences)}
        case Delete():
            kept_by = sort_data(map(identify, change.kept_by))
            found: ChangeData = {
                **identify(change.have),
                **_kind("delete"),
                **_losses(change, plan),
                "kept_by": kept_by,
            }
            if change.stuck and (reason := reason_to_keep(change.have)):
                found["kept_because"] = reason
            return found
        case _:
            assert_never(change)
