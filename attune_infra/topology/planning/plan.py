"""The plan: all changes to a broker, decided before the first of them is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, TypeVar

from attune_infra.errors import ExitCode, FeatureDenied, RequestRefused
from attune_infra.topology.diff import Await, Change, Create, Delete, Recreate, Update, change_of
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.deletion import Companion, Deletions, reason_to_keep
from attune_infra.topology.facts.machinery import with_hidden
from attune_infra.topology.facts.refusals import ForeseenRefusal, Restrictions, foresee_refusals
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    kind_of,
    label,
)
from attune_infra.topology.planning.consent import TO_NOTHING, Consent
from attune_infra.topology.planning.digest import canonical_change, canonical_object, digest_of, insist_on_digest
from attune_infra.topology.planning.prune import prunable
from attune_infra.topology.planning.remedy import policy_instead
from attune_infra.topology.planning.report import Loss
from attune_infra.topology.policy import with_policies
from attune_infra.topology.target import Target
from attune_infra.topology.words import counted

_MAX_REFUSALS_LISTED = 20
_Destructive = TypeVar("_Destructive", Recreate, Delete)


Contents: TypeAlias = "tuple[int | None, int | None]"
"""The numbers of messages and consumers of a queue; None for a number that is unknown."""


@dataclass(frozen=True)
class Plan:
    """The changes that create all wanted objects and, with pruning, delete the undeclared ones that are managed.

    The `unchanged` objects match the wanted ones. A queue among them whose node is down has the state that the
    broker reports. `contents` are the numbers of messages and consumers of queues, as far as they were counted.
    The broker is certain to refuse the changes of `refusals`, so none of the changes may be made. Neither may they
    if the broker would refuse the file of the wanted topology for its `faults`.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[TopologyObject, ...]
    contents: Mapping[str, Contents] = field(default_factory=dict, kw_only=True)
    refusals: tuple[ForeseenRefusal, ...] = field(default=(), kw_only=True)
    faults: tuple[Problem, ...] = field(default=(), kw_only=True)
    target: Target | None = field(default=None, kw_only=True)

    @classmethod
    def between(cls, have: Topology, want: Topology, *, prune: bool = False) -> Plan:
        changes: list[Change] = []
        unchanged: list[TopologyObject] = []
        deletions = prunable(have, want) if prune else ()
        settled = _with_policies_of_plan(have, want, deletions)
        for item in want.objects():
            change = change_of(item, have if isinstance(item, Policy) else settled)
            if change is None:
                unchanged.append(_with_state(item, have))
            else:
                changes.append(change)
        changes += deletions
        return cls(_with_companions(changes, have, want), tuple(unchanged))

    @cached_property
    def digest(self) -> str:
        """A name for exactly these changes and matches in this virtual host; any other plan has another one."""
        return digest_of(self.target, map(canonical_change, self.changes), map(canonical_object, self.unchanged))

    def insist_on(self, digest: str | None, *, again: str) -> None:
        """Raise `PlanRefused` if the user has seen another plan; `again` is the command that shows this one."""
        insist_on_digest(self.digest, digest, again=again)

    def foreseeing(self, have: Topology, want: Topology, restrictions: Restrictions) -> Plan:
        """Return the same plan with the refusals of a broker."""
        return replace(self, refusals=foresee_refusals(self.declared, have, want, restrictions))

    def check_possible(self) -> None:
        """Raise `RequestRefused`, naming every object, if the broker is certain to refuse one.

        Raise `FeatureDenied` if the broker denies a deprecated feature, which often concerns many objects.
        """
        if not self.refusals:
            return
        for refusal in self.refusals:
            if refusal.feature is not None:
                raise FeatureDenied(refusal.reason, hint=refusal.hint, feature=refusal.feature)
        listed = self.refusals[:_MAX_REFUSALS_LISTED]
        sentences = [f"{label(refusal.object)}: {refusal.reason}" for refusal in listed]
        if len(self.refusals) > len(listed):
            sentences.append(f"and {len(self.refusals) - len(listed)} more; `attune-infra diff` names them all")
        raise RequestRefused(
            "\n".join((f"{self.refusal_in_words}, so nothing is changed:", *sentences)),
            hint="\n".join(dict.fromkeys(refusal.hint for refusal in listed)),
        )

    @property
    def refusal_in_words(self) -> str:
        return f"RabbitMQ would refuse {counted(len(self.refusals), 'object')}"

    @property
    def declared(self) -> tuple[TopologyObject, ...]:
        """The objects that the changes declare."""
        return tuple(change.want for change in self.changes if not isinstance(change, Delete | Await))

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if there is a change to make or a queue that cannot be used; failed if no change can be made."""
        if self.refusals or self.faults:
            return ExitCode.FAILED
        return ExitCode.DRIFT if self.changes or self.down else ExitCode.DONE

    def dry_run(self, consent: Consent = TO_NOTHING) -> DryRun:
        """Return the plan for a command that shows it and exits as if it had carried it out."""
        kept = {"contents": self.contents, "refusals": self.refusals, "target": self.target}
        return DryRun(self.changes, self.unchanged, consent, **kept)  # type: ignore[arg-type] # each as it is here

    @property
    def down(self) -> tuple[Queue, ...]:
        """The queues that match the wanted ones but are unavailable, because their node is down."""
        return tuple(item for item in self.unchanged if isinstance(item, Queue) and not item.works)

    @cached_property
    def awaited(self) -> tuple[Await, ...]:
        """The external objects that are missing or differ."""
        return tuple(change for change in self.changes if isinstance(change, Await))

    @cached_property
    def waiting(self) -> Mapping[TopologyObject, Await]:
        """The bindings that cannot be made, each with a missing external end of it."""
        missing = {(kind_of(each.want), each.want.name): each for each in self.awaited if not each.differences}
        found: dict[TopologyObject, Await] = {}
        for change in self.changes if missing else ():
            if isinstance(change, Create) and isinstance(item := change.want, Binding):
                ends = (("exchange", item.source), (item.destination_type, item.destination))
                found.update((item, missing[end]) for end in ends if end in missing)
        return found

    @cached_property
    def applicable(self) -> tuple[Create | Update, ...]:
        """The changes that destroy nothing, and wait for no external object."""
        found = (change for change in self.changes if isinstance(change, Create | Update))
        return tuple(change for change in found if change.want not in self.waiting)

    @cached_property
    def recreations(self) -> tuple[Recreate, ...]:
        """The objects that differ and cannot be changed in place."""
        return tuple(change for change in self.changes if isinstance(change, Recreate))

    @cached_property
    def deletions(self) -> tuple[Delete, ...]:
        """The undeclared objects that the document manages."""
        return tuple(change for change in self.changes if isinstance(change, Delete))

    @property
    def destructive(self) -> tuple[Recreate | Delete, ...]:
        """The changes that must be allowed explicitly."""
        return (*self.recreations, *self.deletions)

    def why_kept(self, change: Recreate | Delete, consent: Consent) -> str | None:
        """Return the reason why a change may not be made, None if there is consent to it."""
        return consent.why_not(_old_object(change), change.lost)

    def permitted(self, consent: Consent) -> tuple[Recreate | Delete, ...]:
        """Return the destructive changes that there is consent to."""
        return tuple(change for change in self.destructive if self.why_kept(change, consent) is None)

    def deleted_with(self, consent: Consent, have: Topology) -> Iterator[TopologyObject]:
        """Yield the objects that the permitted changes delete, as they are, with those that go along."""
        for change in self.permitted(consent):
            yield from _as_it_is(_old_object(change), have)
            yield from change.lost

    @property
    def queues_at_risk(self) -> tuple[str, ...]:
        """The names of the queues to recreate or to delete."""
        return tuple(item.name for item in map(_old_object, self.destructive) if isinstance(item, Queue))

    @property
    def kept(self) -> tuple[Delete, ...]:
        """The deletions that will not be made, since the object is in use."""
        return tuple(
            change for change in self.deletions if change.kept_by or change.stuck or self._is_in_use(change.have)
        )

    def _is_in_use(self, item: TopologyObject) -> bool:
        return isinstance(item, Queue) and any(self.contents.get(item.name, ()))

    def with_contents(self, contents: Mapping[str, Contents]) -> Plan:
        """Return the same plan with the numbers of messages and consumers of the queues at risk."""
        return replace(self, contents=contents)

    def loss_by(self, change: Recreate | Delete) -> Loss:
        """Return the loss by a change; messages and consumers that were not counted are unknown."""
        item = _old_object(change)
        messages, consumers = self.contents.get(item.name, (None, None)) if isinstance(item, Queue) else (0, 0)
        return loss_by(change, messages, consumers)


@dataclass(frozen=True)
class DryRun(Plan):
    """A plan that is only shown; those of its destructive changes would be made that there is `consent` to.

    The exit code is that of carrying it out, if nothing fails on the way.
    """

    consent: Consent = TO_NOTHING

    @property
    def exit_code(self) -> ExitCode:
        if self.refusals:
            return ExitCode.FAILED
        made = len(set(map(id, self.permitted(self.consent))) - set(map(id, self.kept)))
        refused = made < len(self.destructive)
        if not (refused or self.down or self.awaited):
            return ExitCode.DONE
        if self.applicable or made:
            return ExitCode.PARTLY_DONE
        return ExitCode.FAILED if self.down or self.awaited else ExitCode.REFUSED


def _with_policies_of_plan(have: Topology, want: Topology, deletions: Iterable[Delete]) -> Topology:
    """Return the objects of a broker with the policies after the plan; one to delete provides nothing any more."""
    gone = {change.have.name for change in deletions if isinstance(change.have, Policy)}
    kept = {name: policy for name, policy in have.policies.items() if name not in gone}
    return with_policies(have, {**kept, **want.policies})


def loss_by(change: Recreate | Delete, messages: int | None, consumers: int | None) -> Loss:
    """Return the loss by a change to an object with these contents."""
    bindings = sum(isinstance(item, Binding) for item in change.lost)
    return Loss(
        messages=messages,
        consumers=consumers,
        bindings=bindings,
        exchanges=len(change.lost) - bindings,
    )


def _old_object(change: Recreate | Delete) -> TopologyObject:
    return change.want if isinstance(change, Recreate) else change.have


def _as_it_is(item: TopologyObject, have: Topology) -> Iterator[TopologyObject]:
    found: TopologyObject | None = item
    if isinstance(item, Queue):
        found = have.find_queue(item.name)
    elif isinstance(item, Exchange):
        found = have.find_exchange(item.name)
    if found is not None:
        yield found


def _with_companions(changes: Sequence[Change], have: Topology, want: Topology) -> tuple[Change, ...]:
    """Add to each destructive change the objects that RabbitMQ deletes along.

    The changes are made in this order: old objects of recreations are deleted, everything wanted is created,
    and undeclared objects are deleted.
    """
    deleted = {_identity(each.have) for each in changes if isinstance(each, Delete)}
    planned = deleted.union(_identity(each.want) for each in changes if isinstance(each, Recreate))
    if not planned:
        return tuple(changes)
    found: list[Change] = []
    whole = with_hidden(have)
    bindings, exchanges = whole.bindings, whole.exchanges
    before = Deletions(exchanges, bindings)
    gone: set[object] = set()
    for change in changes:
        if isinstance(change, Recreate):
            companions = before.delete(change.want)
            gone.update(map(_identity, companions))
            with_remedy = replace(change, instead=policy_instead(change, have, want))
            found.append(_with_fates(with_remedy, companions, planned, want))
        elif not isinstance(change, Delete):
            found.append(change)
    kept = {name: item for name, item in exchanges.items() if _identity(item) not in gone}
    after = Deletions(kept | dict(want.exchanges), want.bindings.union(bindings - gone))
    for change in changes:
        if isinstance(change, Delete):
            item = change.have
            kept_by = after.bindings_from(item.name) if isinstance(item, Exchange) else ()
            companions = () if kept_by or reason_to_keep(item) else after.delete(item)
            found.append(replace(_with_fates(change, companions, deleted, want), kept_by=kept_by))
    return tuple(_with_hold(change, after) for change in found)


def _with_hold(change: Change, after: Deletions) -> Change:
    """Return a deletion with the mark that it cannot be made, if that is so; any other change unchanged."""
    if not isinstance(change, Delete) or reason_to_keep(change.have) is None:
        return change
    return replace(change, stuck=isinstance(change.have, Binding) and after.has(change.have))


def _with_fates(
    change: _Destructive, companions: Iterable[Companion], planned: set[object], want: Topology
) -> _Destructive:
    """Return a change with the objects that it takes along, except those that have a change of their own."""
    again: list[Companion] = []
    lost: list[Companion] = []
    for item in companions:
        if _identity(item) in planned:
            continue
        wanted = _wanted_form(item, want)
        if wanted is not None:
            again.append(wanted)
        else:
            lost.append(item)
    return replace(change, again=tuple(again), lost=tuple(lost))


def _wanted_form(item: Companion, want: Topology) -> Companion | None:
    """Return the wanted form of an existing object; None if it is not wanted."""
    if isinstance(item, Exchange):
        exchange = want.exchanges.get(item.name)
        return None if exchange is None or exchange.external else exchange
    return item if item in want.bindings else None


def _identity(item: TopologyObject) -> object:
    return item if isinstance(item, Binding) else (type(item), item.name)


def _with_state(item: TopologyObject, have: Topology) -> TopologyObject:
    """Return an unchanged object; a queue that does not work gets the state that the broker reports."""
    if not isinstance(item, Queue):
        return item
    existing = have.find_queue(item.name)
    return item if existing is None or existing.works else replace(item, state=existing.state)
