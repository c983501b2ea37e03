"""A plan -> review: each change with its details and its losses, at the place that declares the object."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final, assert_never

from attune_infra.links import code_url
from attune_infra.render.pages.plan import change_lines
from attune_infra.render.reports.review import Grade, Guide, Remark, Review
from attune_infra.topology.diff import Await, Change, Create, Delete, Recreate, Update
from attune_infra.topology.facts.refusals import ForeseenRefusal
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Queue, TopologyObject, label
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.words import counted

_MATCHES: Final = "diff-match"
_DOWN: Final = "diff-down"
_FAULT: Final = "diff-fault"

CHANGE_TITLES: Final = {
    "diff-create": "An object is missing; setup creates it",
    "diff-update": "A policy differs; setup updates it",
    "diff-recreate": "An object differs and must be deleted and recreated",
    "diff-delete": "An undeclared object would be deleted",
    "diff-await": "An external object is missing or differs",
    "diff-refused": "RabbitMQ would refuse an object",
    _DOWN: "A queue is down",
    _FAULT: "RabbitMQ would refuse the file",
}
"""The codes of changes, each in a sentence; docs/codes.md has them too."""


def review_of(plan: Plan, *, verdict: str, loss: str) -> Review:
    """Return the review of a plan; `loss` is what its changes can lose, in words."""
    remarks = tuple(chain(_of_changes(plan), _of_down(plan), _of_faults(plan), _of_matches(plan)))
    guides = {code: _guide(code, title) for code, title in CHANGE_TITLES.items()}
    return Review(remarks=remarks, verdict=verdict, loss=loss, guides=guides, exit_code=plan.exit_code)


def _guide(code: str, title: str) -> Guide:
    grade = Grade.WARNING if code in {"diff-create", "diff-update"} else Grade.ERROR
    return Guide(code=code, title=title, url=code_url(code), grade=grade)


def _of_changes(plan: Plan) -> Iterator[Remark]:
    refusals = {refusal.object: refusal for refusal in plan.refusals}
    for change in plan.changes:
        item = change.have if isinstance(change, Delete) else change.want
        refusal = None if isinstance(change, Delete) else refusals.get(item)
        yield _refused(change, refusal, plan) if refusal else _of_change(change, item, plan)


def _of_change(change: Change, item: TopologyObject, plan: Plan) -> Remark:
    code, what = _kind(change)
    loss = ", ".join(_losses(change, plan))
    is_harmless = isinstance(change, Create | Update) and not plan.stakes_of(change)
    differences = () if isinstance(change, Create | Delete) else change.differences
    attribute = differences[0].attribute if differences else ""
    return Remark(
        code=code,
        name=label(item),
        grade=Grade.WARNING if is_harmless else Grade.ERROR,
        what=what,
        details=_details(change, plan),
        loss=loss,
        fails=True,
        spot=plan.origin.spot_of(item, attribute),
        file=plan.origin.file,
    )


def _kind(change: Change) -> tuple[str, str]:
    """Return the code of a change, and its sentence."""
    match change:
        case Create():
            return "diff-create", "is missing; `setup` creates it"
        case Update():
            return "diff-update", "differs; `setup` updates it"
        case Recreate():
            return "diff-recreate", "differs; it must be deleted and recreated"
        case Delete():
            return "diff-delete", "is undeclared; `setup --prune` deletes it"
        case Await():
            return "diff-await", change.reason
        case _:
            assert_never(change)


def _details(change: Change, plan: Plan) -> tuple[str, ...]:
    """Return the lines below the headline of a change."""
    [_, *lines] = change_lines(change, plan)
    return tuple(line.text.removeprefix("      ") for line in lines)


def _losses(change: Change, plan: Plan) -> Iterator[str]:
    """Yield what a change can lose, in words."""
    if isinstance(change, Recreate | Delete):
        loss = plan.loss_by(change)
        counts = [(loss.messages, "message"), (loss.consumers, "consumer"), (loss.bindings, "binding")]
        yield from (counted(count, noun) for count, noun in [*counts, (loss.exchanges, "exchange")] if count != 0)
    if stakes := plan.stakes_of(change):
        from attune_infra.topology.planning.stakes import expiring_queues, most_messages

        messages, queues = most_messages(stakes), expiring_queues(stakes)
        if messages != 0:
            yield counted(None, "message") if messages is None else f"up to {counted(messages, 'message')}"
        if queues:
            yield counted(queues, "queue")


def _refused(change: Change, refusal: ForeseenRefusal, plan: Plan) -> Remark:
    return Remark(
        code="diff-refused",
        name=label(refusal.object),
        grade=Grade.ERROR,
        what=f"RabbitMQ would refuse it: {refusal.reason}",
        hint=refusal.hint,
        details=_details(change, plan),
        fails=True,
        spot=plan.origin.spot_of(refusal.object),
        file=plan.origin.file,
    )


def _of_down(plan: Plan) -> Iterator[Remark]:
    for queue in plan.down:
        yield Remark(
            code=_DOWN,
            name=label(queue),
            grade=Grade.ERROR,
            what=f"exists, but its state is {condition(queue)}",
            fails=True,
            spot=plan.origin.spot_of(queue),
            file=plan.origin.file,
        )


def _of_faults(plan: Plan) -> Iterator[Remark]:
    for fault in plan.faults:
        yield Remark(
            code=_FAULT,
            name="the file of the topology",
            grade=Grade.ERROR,
            what=fault.what,
            fails=True,
            spot=plan.origin.spot_of(fault),
            file=plan.origin.file,
        )


def _of_matches(plan: Plan) -> Iterator[Remark]:
    for item in plan.unchanged:
        if not (isinstance(item, Queue) and not item.works):
            yield Remark(code=_MATCHES, name=label(item), file=plan.origin.file)
