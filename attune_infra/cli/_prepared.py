"""The inputs of a plan: a document and options, or a file in which `diff --out` has kept both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attune_infra import __version__
from attune_infra.background import run_in_background
from attune_infra.cli._output import tell
from attune_infra.cli._progress import busy
from attune_infra.dataclass import dataclass
from attune_infra.errors import PlanRefused, WrongUsage
from attune_infra.settings import TOPOLOGY, WORKER_QUEUE_TTL, joined

if TYPE_CHECKING:
    from attune_infra.cli._session import Session
    from attune_infra.interfaces import Broker
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.plan import Plan
    from attune_infra.topology.planning.saved import SavedPlan


@dataclass(frozen=True)
class Prepared:
    """The session whose topology is wanted, and the options of its plan."""

    session: Session
    prune: bool
    expect: str | None
    workers: tuple[int, ...] = ()
    saved: SavedPlan | None = None
    file: Path | None = None
    """The file of a saved plan."""
    is_for_several: bool = False
    """True if the plan is for several virtual hosts of the document."""

    def plan_on(self, broker: Broker) -> tuple[Topology, Topology, Plan]:
        """Return the objects of a broker, the wanted ones, and the plan; raise `PlanRefused` for another plan."""
        if self.saved is not None:
            _insist_on_place(self.saved, broker, self.file)
        with busy("comparing"):
            topology = self.session.topology_on(broker)
            have, want, plan = plan_against(broker, topology, self.workers, prune=self.prune)
            plan = plan.naming_migrations(have, want, self.session.topology_options)
        again = "`attune-infra diff --out FILE`" if self.saved else "`attune-infra diff`"
        plan.insist_on(self.expect, again=again)
        return have, want, plan


def plan_against(
    broker: Broker, topology: Topology, worker_ids: tuple[int, ...], *, prune: bool
) -> tuple[Topology, Topology, Plan]:
    """Return the objects of a broker, the wanted ones with those of workers, and the plan.

    The code of plans is loaded while the broker makes its lists.
    """
    listed = run_in_background(partial(broker.read, controls=topology.control_kinds))
    from attune_infra.operations.setup import make_plan

    want, have = _wanted(topology, worker_ids), listed()
    want = _as_taken(want, have)
    return have, want, make_plan(broker, have, want, prune=prune)


def _wanted(topology: Topology, worker_ids: tuple[int, ...]) -> Topology:
    """Return a topology with what these workers own and with the secrets that it names, as a plan needs it."""
    from attune_infra.operations.secrets import with_secrets
    from attune_infra.topology.worker import with_workers

    return with_secrets(with_workers(topology, worker_ids))


def _as_taken(want: Topology, have: Topology) -> Topology:
    """Return the wanted topology for the release of the broker; tell what it ignores."""
    if want.virtual_host is None:
        return want
    from attune_infra.topology.planning.virtual_host import as_release_takes_it

    found, ignored = as_release_takes_it(want, have)
    if ignored:
        tell(f"warning: {ignored}")
    return found


def is_plan(text: str) -> bool:
    """Return True if a text is meant to be a saved plan. What reads one is not loaded for it."""
    return text.lstrip().startswith("{") and '"attune-infra/plan/' in text[:200]


def prepare(session: Session, *, prune: bool, expect: str | None) -> Prepared:
    """Return the inputs of a plan; raise `PlanRefused` if they are in a plan's file that was changed."""
    text = session.topology_text
    if not is_plan(text.text):
        if session.is_for_several:
            return Prepared(session, prune, expect, is_for_several=True)
        return Prepared(session.with_reading(), prune, expect)
    from attune_infra.topology.planning.saved import read_plan

    if prune or expect or session.vhosts or session.flags.get(WORKER_QUEUE_TTL) or session.has_values:
        raise _options_twice(text.source)
    saved = read_plan(text.text, text.source)
    session = _as_planned(session, saved, text.source)
    return Prepared(session.with_reading(), saved.prune, saved.digest, saved.workers, saved, Path(text.source))


def _options_twice(source: str) -> WrongUsage:
    return WrongUsage(
        f"{source} is a plan, which holds its options; --prune, --expect, --vhost, --set, --values or"
        f" {WORKER_QUEUE_TTL.flag} is given too",
        hint="leave them out, or give the document",
    )


def _as_planned(session: Session, saved: SavedPlan, file: str) -> Session:
    """Return the session with the document and the options that a plan was made with."""
    flags = {**session.flags, TOPOLOGY: _names_of(saved)}
    planned = replace(session, flags=flags, vhosts=_chosen(saved), kept_queue_ttl=(saved.worker_queue_ttl,))
    source = saved.source if isinstance(saved.source, str) else " + ".join(saved.source)
    return planned.with_text(f"{source} in {file}", saved.text)


def _chosen(saved: SavedPlan) -> tuple[str, ...]:
    return () if saved.vhost is None else (saved.vhost,)


def _names_of(saved: SavedPlan) -> str | None:
    """Return the names by which another command finds the documents of a plan."""
    from attune_infra.topology.builtin import NAMES, text_of

    return next((name for name in NAMES if text_of(name) == saved.text), joined(saved.source))


def save(session: Session, plan: Plan, path: Path, *, workers: tuple[int, ...], prune: bool) -> None:
    """Write a plan to a file, which `setup` applies."""
    from attune_infra.cli._files import write_whole
    from attune_infra.topology.planning.saved import SavedPlan

    options = {"vhost": session.vhost, "worker_queue_ttl": session.queue_ttl, "workers": workers, "prune": prune}
    text = {"source": session.topology_source, "text": session.topology_text.resolve()}
    write_whole(path, SavedPlan(**_place_of(plan), **text, **options).to_json())  # type: ignore[arg-type]
    tell(f"plan {plan.digest} is in {path}; `attune-infra setup {path}` applies exactly it")


def _place_of(plan: Plan) -> dict[str, object]:
    """Return the identity of a plan, the place and the time of it, and its changes for readers."""
    from attune_infra.render.pages.plan import data

    assert plan.target is not None  # noqa: S101 - the plan of a broker has one
    return {
        "digest": plan.digest,
        "cluster": plan.target.cluster or "",
        "virtual_host": plan.target.virtual_host,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": f"attune-infra {__version__}",
        "changes": tuple(data(plan)["changes"]),
    }


def _insist_on_place(saved: SavedPlan, broker: Broker, file: Path | None) -> None:
    target = broker.target()
    made, here = (saved.cluster, saved.virtual_host), (target.cluster or "", target.virtual_host)
    if made != here:
        raise PlanRefused(
            f"{file} is a plan for virtual host {made[1]} of cluster {made[0]}, and this is virtual host "
            f"{here[1]} of cluster {here[0]}; nothing was changed",
            hint="name the broker that it was made on, or make a plan on this one: `attune-infra diff --out FILE`",
        )
