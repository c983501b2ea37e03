"""Commands in all virtual hosts of a document: plans and questions first, with one digest, then changes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn

from attune_infra.cli._consent import ask_to_delete, confirm_target, write_undo
from attune_infra.cli._each import run_each
from attune_infra.cli._over_amqp import broker_to_change
from attune_infra.cli._prepared import Prepared
from attune_infra.dataclass import dataclass
from attune_infra.errors import BrokerError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.cli._session import Session
    from attune_infra.render.page import ReviewedPage
    from attune_infra.settings import Via
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.consent import Consent
    from attune_infra.topology.planning.plan import Plan
    from attune_infra.topology.planning.report import Report


@dataclass(frozen=True)
class Part:
    """The plan for one virtual host, on its broker."""

    session: Session
    broker: RabbitMQ
    have: Topology
    want: Topology
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The options of `setup` about its changes."""

    consent: Callable[[Topology], Consent]
    via: Via | None
    undo_file: Path | None
    dry_run: bool
    yes: bool


def finish_plans(session: Session, page: ReviewedPage[Plan], plans: Mapping[str, Plan]) -> NoReturn:
    """Show the plans of `diff` for several virtual hosts with their common digest."""
    from attune_infra.render.page import ReviewedPageOfSeveral, Several

    session.finish_reviewed("diff", ReviewedPageOfSeveral(page), Several.of(plans, digest_of_plans(plans)))


def digest_of_plans(plans: Mapping[str, Plan]) -> str:
    from attune_infra.topology.planning.digest import digest_of

    return digest_of(None, sorted((name, plan.digest) for name, plan in plans.items()))


def set_up_several(given: Prepared, wishes: Wishes) -> NoReturn:
    """Plan all virtual hosts, ask before the first change, and set them up."""
    with _parts(given, wishes.via) as parts:
        plans = {str(part.session.place): part.plan for part in parts}
        digest = digest_of_plans(plans)
        _insist_on(digest, given)
        consent = wishes.consent(parts[0].want)
        if wishes.dry_run:
            _finish_dry_run(given.session, parts, digest, consent if wishes.yes else None)
        _agree(given, parts, consent, yes=wishes.yes)
        _keep_undo(given, parts, consent, digest, wishes.undo_file)
        _finish(given.session, _apply(parts, consent))


def _insist_on(digest: str, given: Prepared) -> None:
    from attune_infra.topology.planning.digest import insist_on_digest

    insist_on_digest(digest, given.expect, again=given.again)


@contextmanager
def _parts(given: Prepared, via: Via | None) -> Iterator[Sequence[Part]]:
    """Yield the plans; raise `InvalidInput` if the broker does not answer over HTTP, which makes virtual hosts."""
    with ExitStack() as stack:

        def part_of(session: Session) -> Part:
            broker = stack.enter_context(broker_to_change(session, via))
            if session.met.is_over_amqp:
                raise InvalidInput(
                    "virtual hosts need the management API, which does not answer; nothing was changed",
                    hint="enable the plugin rabbitmq_management",
                )
            return Part(session, broker, *given.part(session).plan_on(broker))

        yield [*run_each(part_of, given.session.each()).values()]


def _finish_dry_run(session: Session, parts: Sequence[Part], digest: str, consent: Consent | None) -> NoReturn:
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.page import PageOfSeveral, Several
    from attune_infra.render.pages import plan as page
    from attune_infra.topology.planning.consent import TO_NOTHING

    agreed = consent or TO_NOTHING
    plans: dict[str, Plan] = {
        str(part.session.place): count_contents(part.plan, part.broker).dry_run(agreed) for part in parts
    }
    session.finish("setup", PageOfSeveral(page), Several.of(plans, digest))


def _agree(given: Prepared, parts: Sequence[Part], consent: Consent, *, yes: bool) -> None:
    """Raise if a plan is impossible, if all together delete too much, or if they are not agreed to."""
    from attune_infra.topology.planning.consent import refuse_excess

    for part in parts:
        part.plan.check_possible()
    deletions = sum(part.plan.deletions_with(consent) for part in parts)
    refuse_excess(consent.threshold.excess(deletions, sum(part.plan.existing for part in parts)))
    if any(part.plan.changes for part in parts):
        confirm_target(given.session, expect=given.expect)
    for part in parts if not yes else ():
        if part.plan.permitted(consent):
            _ask(part, consent)


def _ask(part: Part, consent: Consent) -> None:
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.pages import plan as page

    plan = count_contents(part.plan, part.broker)
    question = f"{page.question(plan, consent).removesuffix('?')} in virtual host {part.session.place}?"
    hint = "look at the plan with `attune-infra diff`; then give --yes beside --allow-destructive"
    ask_to_delete(part.session, page.lines_of_part(plan), question, hint=hint)


def _keep_undo(given: Prepared, parts: Sequence[Part], consent: Consent, digest: str, to: Path | None) -> None:
    """Write one document that makes again what is deleted in all virtual hosts."""
    deleted = [(part, list(part.plan.deleted_with(consent, part.have))) for part in parts]
    if not any(items for _, items in deleted):
        return
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.undo import undo_topology

    found = {str(part.session.place): undo_topology(items, part.have) for part, items in deleted if items}
    write_undo(Topology(virtual_hosts=found), digest, to=to, beside=given.file)


def _apply(parts: Sequence[Part], consent: Consent) -> Mapping[str, Report]:
    """Set up all: the first one alone, since it has the users that others give permissions to.

    A failure is part of the result, and ends no other. Raise the first one if nothing was done.
    """
    by_place = {part.session.place: part for part in parts}

    def apply(session: Session) -> Report | BrokerError:
        try:
            return _apply_one(by_place[session.place], consent)
        except BrokerError as error:
            return error

    first, *others = (part.session for part in parts)
    found = run_each(apply, [first]) | run_each(apply, others)
    if all(isinstance(each, BrokerError) for each in found.values()):
        raise next(each for each in found.values() if isinstance(each, BrokerError))
    return {name: _report_of(each, by_place[name]) for name, each in found.items()}


def _apply_one(part: Part, consent: Consent) -> Report:
    from attune_infra.operations.setup import apply_plan

    return apply_plan(part.plan, part.broker, part.want, consent=consent)


def _report_of(found: Report | BrokerError, part: Part) -> Report:
    from attune_infra.topology.planning.report import Outcome, Report, Status

    if not isinstance(found, BrokerError):
        return found
    return Report(tuple(Outcome(item, Status.FAILED, found.sentence) for item in part.want.objects()))


def _finish(session: Session, reports: Mapping[str, Report]) -> NoReturn:
    """Show the reports; the exit code is that of all their outcomes together."""
    from attune_infra.render.page import PageOfSeveral, Several
    from attune_infra.render.pages import report as page
    from attune_infra.topology.planning.report import Report

    together = Report(tuple(outcome for report in reports.values() for outcome in report.outcomes))
    session.finish("setup", PageOfSeveral(page), Several(reports, together.exit_code))
