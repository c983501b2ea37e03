"""Remedies in place of a deletion: a policy, where it has the same effect, or a migration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, count
from shlex import join

from attune_infra.topology.diff import Recreate, change_of
from attune_infra.topology.document.selectors import first_selecting
from attune_infra.topology.facts.compatibility import judgements
from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.facts.patterns import escape
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import ABSENT, Argument, Exchange, Policy, Queue, Topology
from attune_infra.topology.policy import PROVIDED_BY_POLICY, applicable_policies, policy_of, with_policies
from attune_infra.topology.worker import owner_of


def policy_instead(change: Recreate, have: Topology, want: Topology) -> Policy | None:
    """Return a policy for an object alone that ends its differences, None if there is none.

    It counts on the wanted policies, holds what is in effect on the object now, and wins over all others.
    """
    name, is_exchange = change.want.name, isinstance(change.want, Exchange)
    existing = have.find_exchange(name) if is_exchange else have.find_queue(name)
    added: dict[str, Argument] = {}
    for found in change.differences:
        if found.attribute not in PROVIDED_BY_POLICY or found.have is not ABSENT or found.want is ABSENT:
            return None
        added[PROVIDED_BY_POLICY[found.attribute]] = found.want  # type: ignore[assignment] # it is not ABSENT
    if existing is None:
        return None
    settled = with_policies(have, {**have.policies, **want.policies})
    current = policy_of(existing, settled)
    rivals = applicable_policies(existing, settled.policies, settled)
    policy = Policy(
        name=_free_name(name, settled.policies),
        pattern=f"^{escape(name)}$",
        apply_to="exchanges" if is_exchange else "queues",
        definition={**(current.definition if current else {}), **added},
        priority=max((rival.priority for rival in rivals), default=-1) + 1,
    )
    is_enough = change_of(change.want, with_policies(settled, {**settled.policies, policy.name: policy})) is None
    return policy if is_enough and _is_accepted(policy, have) else None


def migration_instead(change: Recreate, have: Topology, want: Topology, options: Sequence[str]) -> str | None:
    """Return the command that migrates a queue to the wanted one, None if `migrate` would not accept the queue.

    The `options` name the document. A worker's queue is not in it, a protected one has to stay, and nobody
    else can use an exclusive one.
    """
    name, existing = change.want.name, have.find_queue(change.want.name)
    if not isinstance(change.want, Queue) or existing is None or existing.exclusive or not existing.works:
        return None
    if first_selecting(want.demands.protect, change.want) is not None:
        return None
    if want.workers is not None and owner_of(want.workers, name) is not None:
        return None
    words = [*options, "--", name] if name.startswith("-") else [name, *options]
    return join(["attune-infra", "migrate", *words])


def _is_accepted(policy: Policy, topology: Topology) -> bool:
    found = judgements(policy, topology, topology.version or NEWEST)
    return not any(each.effect in {Effect.REFUSED, Effect.MISREAD} for each in found)


def _free_name(name: str, taken: Collection[str]) -> str:
    others = (f"{name}.{number}" for number in count(2))
    return next(each for each in chain([name], others) if each not in taken)
