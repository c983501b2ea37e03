"""A plan: the changes, and the number of objects that match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from attune_infra.render.data import Data, sort_data
from attune_infra.render.objects import (
    difference_data,
    difference_lines,
    identify,
    loss_data,
    loss_lines,
    stake_data,
    stake_lines,
    why_not_in_place,
)
from attune_infra.render.text import Line
from attune_infra.render.words import attributes, value
from attune_infra.topology.diff import Await, Change, Create, Delete, Recreate, Update
from attune_infra.topology.facts.deletion import reason_to_keep
from attune_infra.topology.facts.refusals import ForeseenRefusal
from attune_infra.topology.model import Queue, label
from attune_infra.topology.planning.consent import Consent
from attune_infra.topology.planning.plan import Destructive, DryRun, Plan
from attune_infra.topology.words import counted


def lines(plan: Plan) -> Iterator[Line]:
    refusals = {refusal.object: refusal for refusal in plan.refusals}
    for change in plan.changes:
        yield from _change_lines(change, plan)
        yield from stake_lines(plan.stakes_of(change))
        if not isinstance(change, Delete) and change.want in plan.waiting:
            yield Line(f"      it waits for {label(plan.waiting[change.want].want)}")
        if not isinstance(change, Delete) and change.want in refusals:
            yield from _refusal_lines(refusals[change.want])
    for queue in plan.down:
        yield Line(f"! {label(queue)} exists, but its state is {queue.state}", "red")
    if plan.faults:
        count = counted(len(plan.faults), "fault")
        yield Line(f"RabbitMQ would refuse the file for {count}; `setup` would change nothing", "red")
    if not (plan.changes or plan.down):
        yield Line(f"no changes: all {len(plan.unchanged)} objects match")
        yield Line(f"plan {plan.digest}")
        return
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
    yield Line(", ".join(f"{count} {words}" for count, words in counts if count))
    yield Line(f"plan {plan.digest}")
    if excess := _excess(plan):
        yield Line(f"{excess}; `setup` would change nothing", "red")
    if plan.refusals:
        yield Line(f"{plan.refusal_in_words}; `setup` would change nothing", "red")


def data(plan: Plan) -> Data:
    return {
        "digest": plan.digest,
        "changes": sort_data(_change_data(change, plan) for change in plan.changes),
        "unchanged": sort_data(identify(item) for item in plan.unchanged),
        "down": sort_data({**identify(queue), "state": queue.state} for queue in plan.down),
        "waiting": sort_data(map(identify, plan.waiting)),
        "refusals": sort_data(map(_refusal_data, plan.refusals)),
        "excess": _excess(plan),
        "faults": [{"line": each.line, "column": each.column, "what": each.what} for each in plan.faults],
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


def _losses(change: Recreate | Delete, plan: Plan) -> Data:
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


def _refusal_data(refusal: ForeseenRefusal) -> Data:
    return {
        "object": identify(refusal.object),
        "code": str(refusal.code),
        "reason": refusal.reason,
        "hint": refusal.hint,
    }


def _change_data(change: Change, plan: Plan) -> Data:
    return _plain_data(change, plan) | stake_data(plan.stakes_of(change))


def _plain_data(change: Change, plan: Plan) -> Data:
    match change:
        case Create():
            return {**identify(change.want), "change": "create"}
        case Recreate():
            differences = difference_data(change.differences)
            return {**identify(change.want), "change": "recreate", **differences, **_losses(change, plan)}
        case Update():
            return {**identify(change.want), "change": "update", **difference_data(change.differences)}
        case Await():
            return {**identify(change.want), "change": "await", **difference_data(change.differences)}
        case Delete():
            kept_by = sort_data(map(identify, change.kept_by))
            found = {**identify(change.have), "change": "delete", **_losses(change, plan), "kept_by": kept_by}
            return {**found, "kept_because": reason_to_keep(change.have)} if change.stuck else found
        case _:
            assert_never(change)
