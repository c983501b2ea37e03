"""The results of checks -> review, each at the place that declares its object."""

from __future__ import annotations

from typing import Final

from attune_infra.links import code_url
from attune_infra.render.reports.review import Grade, Guide, Remark, Review
from attune_infra.render.words import difference
from attune_infra.topology.document.origin import Origin, Spot
from attune_infra.topology.model import Queue
from attune_infra.topology.verify import Check, Code, Consumer, Named, Verdict, Verification

_GRADES: Final = {
    Verdict.PASSED: Grade.PASSED,
    Verdict.WARNING: Grade.WARNING,
    Verdict.FAILED: Grade.ERROR,
    Verdict.UNKNOWN: Grade.ERROR,
}

_TITLES: Final = {
    Code.BROKER_ANSWERS: "The broker answers",
    Code.EXCHANGE_MATCHES: "An exchange matches its declaration",
    Code.QUEUE_MATCHES: "A queue matches its declaration",
    Code.BINDING_MATCHES: "A binding matches its declaration",
    Code.POLICY_MATCHES: "A policy matches its declaration, and is in effect",
    Code.DEAD_LETTERS_ARRIVE: "Dead letters of a queue reach a queue",
    Code.ROUTE_HOLDS: "A message reaches the queues of its route",
    Code.CONSUMER_PRESENT: "A worker consumes its queue",
    Code.QUORUM_ONLINE: "A majority of the members of a replicated queue is online",
    Code.NOTHING_UNDECLARED: "The broker has no undeclared object",
    Code.FILE_READABLE: "RabbitMQ accepts the file",
    Code.ROUTE_PROVEN: "A real message arrives as its route says",
}


def review_of(verification: Verification, *, verdict: str) -> Review:
    remarks = tuple(_remark(check, verification.origin) for check in verification.checks)
    guides = {str(code): Guide(code=code, title=title, url=code_url(code)) for code, title in _TITLES.items()}
    return Review(remarks=remarks, verdict=verdict, guides=guides, exit_code=verification.exit_code)


def _remark(check: Check, origin: Origin) -> Remark:
    is_passed = check.verdict is Verdict.PASSED
    return Remark(
        code=str(check.code),
        name=check.name,
        grade=_GRADES[check.verdict],
        what=check.detail,
        hint="" if is_passed else check.hint or "",
        details=tuple(map(difference, check.differences)),
        fails=check.verdict in {Verdict.FAILED, Verdict.UNKNOWN},
        unknown=check.verdict is Verdict.UNKNOWN,
        spot=None if is_passed else _spot(check, origin),
        file=origin.file,
    )


def _spot(check: Check, origin: Origin) -> Spot | None:
    match check.about:
        case None | Named():
            return None
        case Consumer():
            return origin.spot_of(Queue(name=check.about.queue))
        case _:
            attribute = check.differences[0].attribute if check.differences else ""
            return origin.spot_of(check.about, attribute)
