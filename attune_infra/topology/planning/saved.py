"""A plan in a file: the document and the options that it was made from, and its digest.

To apply it, the plan is made again. It is applied only if its digest is still the same, and if nobody has changed
the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from types import NoneType
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput, PlanRefused

if TYPE_CHECKING:
    from attune_infra.topology.target import Target

SCHEMA: Final = "attune-infra/plan/1"
_AGAIN: Final = "make a new plan with `attune-infra diff --out FILE`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """All that makes a plan, and the digest that it had; `changes` are for readers only."""

    digest: str
    cluster: str
    virtual_host: str
    """The virtual host that it is for; empty for the plan of several."""
    source: str | tuple[str, ...]
    """The name of the document, or the names of several."""
    text: str
    """The text of the document, of definitions, or of one document with all that several hold."""
    vhost: str | None
    """The virtual host that was chosen, from definitions or from a document of several."""
    worker_queue_ttl: int | None
    workers: tuple[int, ...]
    prune: bool
    made_at: str
    made_by: str
    changes: tuple[Mapping[str, object], ...]
    virtual_hosts: tuple[str, ...] = ()
    """The virtual hosts that the plan of several is for."""

    def chosen_of(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the virtual hosts that were chosen from those of its text; none if they are all of them."""
        if self.virtual_hosts:
            return () if set(self.virtual_hosts) == set(known) else self.virtual_hosts
        return () if self.vhost is None else (self.vhost,)

    def refuse_elsewhere(self, target: Target, file: object) -> None:
        """Raise `PlanRefused` for another broker, or a virtual host that the plan is not for."""
        places, cluster = self.virtual_hosts or (self.virtual_host,), target.cluster or ""
        if self.cluster == cluster and target.virtual_host in places:
            return
        raise PlanRefused(
            f"{file} is a plan for virtual host {' and '.join(places)} of cluster {self.cluster}, and this is "
            f"virtual host {target.virtual_host} of cluster {cluster}; nothing was changed",
            hint="name the broker that it was made on, or make a plan on this one: `attune-infra diff --out FILE`",
        )

    def to_json(self) -> str:
        """Return the text of the file."""
        held = asdict(self)
        return json.dumps({"schema": SCHEMA, **held, "seal": _seal(held)}, indent=2, ensure_ascii=False) + "\n"


_TYPES: Final[Mapping[str, frozenset[type]]] = {
    **dict.fromkeys(("digest", "cluster", "virtual_host", "text", "made_at", "made_by"), frozenset({str})),
    "source": frozenset({str, list}),
    "vhost": frozenset({str, NoneType}),
    "worker_queue_ttl": frozenset({int, NoneType}),
    "prune": frozenset({bool}),
    "workers": frozenset({list}),
    "changes": frozenset({list}),
    "virtual_hosts": frozenset({list}),
}
"""The types of the values in the file, whose seal anybody can make."""


def read_plan(text: str, source: str) -> SavedPlan:
    """Return the plan of a file; raise `InvalidInput` if it is none, and `PlanRefused` if the file was changed."""
    try:
        held = json.loads(text)
        seal = held.pop("seal")
        held.pop("schema")
        known = {each.name for each in fields(SavedPlan)}
        if held.keys() != known:
            raise KeyError(*sorted(held.keys() ^ known))
        is_sealed = seal == _seal(held)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise InvalidInput(f"{source} is no plan that can be read: {error}", hint=_AGAIN) from error
    if not is_sealed:
        raise PlanRefused(f"{source} was changed after the plan was made; nothing was changed", hint=_AGAIN)
    if wrong := [name for name, types in _TYPES.items() if type(held[name]) not in types]:
        raise InvalidInput(f"{source} is no plan that can be read: {wrong[0]} is of a wrong type", hint=_AGAIN)
    lists = {name: tuple(held[name]) for name in ("workers", "changes", "virtual_hosts")}
    plan = SavedPlan(**{**held, **lists, "virtual_hosts": tuple(map(str, lists["virtual_hosts"]))})
    return plan if isinstance(plan.source, str) else replace(plan, source=tuple(map(str, plan.source)))


def _seal(held: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
