"""The plan: all changes to a broker, decided before the first of them is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, fields, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, FeatureDenied, RequestRefused
from attune_infra.topology.diff import (
    Await,
    Change,
    Create,
    Delete,
    Recreate,
    Update,
    change_of,
    find_control,
    managed_users,
)
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.deletion import Companion
from attune_infra.topology.facts.refusals import ForeseenRefusal, Restrictions, foresee_refusals
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    VirtualHost,
    kind_of,
    label,
)
from attune_infra.topology.planning.companions import with_companions
from attune_infra.topology.planning.consent import TO_NOTHING, Consent
from attune_infra.topology.planning.digest import canonical_change, canonical_text, digest_of, insist_on_digest
from attune_infra.topology.planning.prune import prunable
from attune_infra.topology.planning.remedy import migration_instead
from attune_infra.topology.planning.report import Loss
from attune_infra.topology.planning.virtual_host import with_wanted_type
from attune_infra.topology.policy import policies_like, stakes_key, with_policies
from attune_infra.topology.target import Target
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.topology.planning.stakes import Contents, Stake, Stakes

_MAX_REFUSALS_LISTED = 20

Destructive: TypeAlias = Recreate | Delete | Create | Update
"""A change that needs consent; of creations and updates, those of policies that put something at stake."""


@dataclass(frozen=True)
class Plan:
    """The changes that create all wanted objects and, with pruning, delete the undeclared ones that are managed.

    The `unchanged` objects match the wanted ones. A queue among them whose node is down has the state that the
    broker reports. `contents` are the numbers of messages and consumers of queues, as far as they were counted.
    The broker is certain to refuse the changes of `refusals`, so none of the changes may be made. Neither may they
    if the broker would refuse the file of the wanted topology for its `faults`. The changes of policies put the
    `stakes` at stake; their `risks` are the settings by which they can, whatever the queues hold.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[TopologyObject, ...]
    contents: Mapping[str, Contents] = field(default_factory=dict, kw_only=True)
    refusals: tuple[ForeseenRefusal, ...] = field(default=(), kw_only=True)
    faults: tuple[Problem, ...] = field(default=(), kw_only=True)
    target: Target | None = field(default=None, kw_only=True)
    existing: int = field(default=0, kw_only=True)
    """The number of objects of the virtual host, and of users of the broker that the document manages."""
    stakes: Stakes = field(default_factory=dict, kw_only=True)
    risks: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    origin: Origin = field(default_factory=Origin, kw_only=True, compare=False)
    """The text that declares the wanted objects."""

    @classmethod
    def between(cls, have: Topology, want: Topology, *, prune: bool = False) -> Plan:
        changes: list[Change] = []
        unchanged: list[TopologyObject] = []
        deletions = prunable(have, want) if prune else ()
        settled = with_wanted_type(_with_policies_of_plan(have, want, deletions), want)
        for item in want.objects():
            change = change_of(item, have if isinstance(item, Policy) else settled)
            if change is None:
                unchanged.append(_with_state(item, have))
            else:
                changes.append(change)
        changes += deletions
        stakes = _stakes_of(changes, have, want)
        changes_with_companions = with_companions(changes, have, want)
        existing = have.count - len(have.users) + len(managed_users(have, want))
        return cls(
            changes_with_companions, tuple(unchanged), stakes=stakes, risks=_risks_of(stakes), existing=existing
        )

    @cached_property
    def digest(self) -> str:
        """A name for exactly these changes and matches in this virtual host; any other plan has another one."""
        changes, unchanged = map(canonical_change, self.changes), map(canonical_text, self.unchanged)
        return digest_of(self.target, changes, unchanged, self.risks)

    def insist_on(self, digest: str | None, *, again: str) -> None:
        """Raise `PlanRefused` if the user has seen another plan; `again` is the command that shows this one."""
        insist_on_digest(self.digest, digest, again=again)

    def foreseeing(self, have: Topology, want: Topology, restrictions: Restrictions) -> Plan:
        """Return the same plan with the refusals of a broker."""
        return replace(self, refusals=foresee_refusals(self.declared, have, want, restrictions))

    def naming_migrations(self, have: Topology, want: Topology, options: Sequence[str]) -> Plan:
        """Return the same plan with the commands that migrate queues; `options` name the document for them."""
        refused = {refusal.object for refusal in self.refusals}
        changes = (
            replace(change, migrate=migration_instead(change, have, want, options))
            if isinstance(change, Recreate) and change.want not in refused
            else change
            for change in self.changes
        )
        return replace(self, changes=tuple(changes))

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
        kept = {each.name: getattr(self, each.name) for each in fields(Plan)}
        return DryRun(**kept, consent=consent)

    @cached_property
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
        return tuple(change for change in self.makeable if not self.stakes_of(change))

    @cached_property
    def makeable(self) -> tuple[Create | Update, ...]:
        """The creations and updates that wait for no external object, whatever they put at stake."""
        found = (change for change in self.changes if isinstance(change, Create | Update))
        return tuple(change for change in found if change.want not in self.waiting)

    @property
    def missing_virtual_host(self) -> Create | None:
        """The creation of the virtual host, if it is still to be made."""
        found = (change for change in self.changes if isinstance(change, Create))
        return next((change for change in found if isinstance(change.want, VirtualHost)), None)

    def without(self, made: Collection[TopologyObject]) -> Plan:
        """Return the plan without the changes that are made already."""
        left = (change for change in self.changes if isinstance(change, Delete) or change.want not in made)
        return replace(self, changes=tuple(left)) if made else self

    @cached_property
    def costly(self) -> tuple[Create | Update, ...]:
        """The creations and updates of policies that can lose messages or queues."""
        return tuple(change for change in self.makeable if self.stakes_of(change))

    def stakes_of(self, change: Change) -> tuple[Stake, ...]:
        """Return the queues that can lose something by a change; only policies have any."""
        item = change.have if isinstance(change, Delete) else change.want
        return self.stakes.get(stakes_key(item), ()) if isinstance(item, Policy) else ()

    @cached_property
    def recreations(self) -> tuple[Recreate, ...]:
        """The objects that differ and cannot be changed in place."""
        return tuple(change for change in self.changes if isinstance(change, Recreate))

    @cached_property
    def deletions(self) -> tuple[Delete, ...]:
        """The undeclared objects that the document manages."""
        return tuple(change for change in self.changes if isinstance(change, Delete))

    @property
    def destructive(self) -> tuple[Destructive, ...]:
        """The changes that must be allowed explicitly."""
        return (*self.recreations, *self.deletions, *self.costly)

    def why_kept(self, change: Destructive, consent: Consent) -> str | None:
        """Return the reason why a change may not be made, None if there is consent to it."""
        expiring = [Queue(name=stake.queue) for stake in self.stakes_of(change) if stake.expires]
        return consent.why_not(_old_object(change), (*_lost_with(change), *expiring))

    def permitted(self, consent: Consent) -> tuple[Destructive, ...]:
        """Return the destructive changes that there is consent to."""
        return tuple(change for change in self.destructive if self.why_kept(change, consent) is None)

    def deleted_with(self, consent: Consent, have: Topology) -> Iterator[TopologyObject]:
        """Yield the objects that the permitted changes delete or update, as they are, with those that go along."""
        for change in self.permitted(consent):
            yield from _as_it_is(_old_object(change), have)
            yield from _lost_with(change)
            for item in change.again if isinstance(change, Recreate) else ():
                yield from _as_it_is(item, have)

    def excess(self, consent: Consent) -> str | None:
        """Return a sentence if the plan deletes more than the threshold of a consent, None if it does not."""
        return consent.threshold.excess(self.deletions_with(consent), self.existing)

    def made_with(self, consent: Consent) -> tuple[Create | Update, ...]:
        """Return the creations and updates that are harmless, or that there is consent to."""
        found = ((change, self.stakes_of(change)) for change in self.makeable)
        return tuple(each for each, stakes in found if not stakes or self.why_kept(each, consent) is None)

    def deletions_with(self, consent: Consent) -> int:
        """Return the number of objects that go with the permitted changes, expiring queues included."""
        permitted = self.permitted(consent)
        expiring = {stake.queue for change in permitted for stake in self.stakes_of(change) if stake.expires}
        return sum(isinstance(change, Recreate | Delete) for change in permitted) + len(expiring)

    @property
    def queues_at_risk(self) -> tuple[str, ...]:
        """The names of the queues to recreate or to delete."""
        old = [*(each.want for each in self.recreations), *(each.have for each in self.deletions)]
        return tuple(item.name for item in old if isinstance(item, Queue))

    @property
    def queues_at_stake(self) -> tuple[str, ...]:
        """The names of the queues that can lose something by the change of a policy."""
        return tuple(dict.fromkeys(stake.queue for stake in chain.from_iterable(self.stakes.values())))

    def weighing(self, have: Topology, want: Topology, held: Mapping[str, Contents]) -> Plan:
        """Return the same plan with its stakes by these upper bounds of the contents of queues."""
        return replace(self, stakes=_stakes_of(self.changes, have, want, held))

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
        if self.excess(self.consent):
            return ExitCode.REFUSED
        made = len(set(map(id, self.permitted(self.consent))) - set(map(id, self.kept)))
        refused = made < len(self.destructive)
        if not (refused or self.down or self.awaited):
            return ExitCode.DONE
        if self.applicable or made:
            return ExitCode.PARTLY_DONE
        return ExitCode.FAILED if self.down or self.awaited else ExitCode.REFUSED


def _with_policies_of_plan(have: Topology, want: Topology, deletions: Iterable[Delete]) -> Topology:
    """Return the objects of a broker with the policies after the plan; one to delete provides nothing any more."""
    gone = {change.have for change in deletions if isinstance(change.have, Policy)}
    regular, operators = (
        {name: policy for name, policy in found.items() if policy not in gone}
        for found in (have.policies, have.operator_policies)
    )
    return with_policies(have, {**regular, **want.policies}, {**operators, **want.operator_policies})


def _stakes_of(
    changes: Sequence[Change], have: Topology, want: Topology, held: Mapping[str, Contents] | None = None
) -> Stakes:
    """Return the stakes of changes; what finds them is loaded only if a policy changes."""
    if not any(isinstance(each.have if isinstance(each, Delete) else each.want, Policy) for each in changes):
        return {}
    from attune_infra.topology.planning.stakes import stakes_of

    return stakes_of(changes, have, want, held)


def _risks_of(stakes: Stakes) -> tuple[tuple[str, str], ...]:
    found = {(name, each.setting) for name, of in stakes.items() for stake in of for each in stake.threats}
    return tuple(sorted(found))


def loss_by(change: Recreate | Delete, messages: int | None, consumers: int | None) -> Loss:
    """Return the loss by a change to an object with these contents."""
    bindings = sum(isinstance(item, Binding) for item in change.lost)
    return Loss(
        messages=messages,
        consumers=consumers,
        bindings=bindings,
        exchanges=len(change.lost) - bindings,
    )


def _old_object(change: Destructive) -> TopologyObject:
    return change.have if isinstance(change, Delete) else change.want


def _lost_with(change: Destructive) -> tuple[Companion, ...]:
    return change.lost if isinstance(change, Recreate | Delete) else ()


def _as_it_is(item: TopologyObject, have: Topology) -> Iterator[TopologyObject]:
    match item:
        case Queue():
            found: TopologyObject | None = have.find_queue(item.name)
        case Exchange():
            found = have.find_exchange(item.name)
        case Policy():
            found = policies_like(item, have).get(item.name)
        case Binding():
            found = item
        case _:
            found = find_control(item, have)
    if found is not None:
        yield found


def _with_state(item: TopologyObject, have: Topology) -> TopologyObject:
    """Return an unchanged object; a queue that does not work gets the state that the broker reports."""
    if not isinstance(item, Queue):
        return item
    existing = have.find_queue(item.name)
    return item if existing is None or existing.works else replace(item, state=existing.state, node=existing.node)
