"""The inputs of a plan: a document and options, or a file in which `diff --out` has kept both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune_infra import __version__
from attune_infra.background import run_in_background
from attune_infra.cli._output import tell
from attune_infra.cli._progress import busy
from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.settings import TOPOLOGY, WORKER_QUEUE_TTL, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

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
            self.saved.refuse_elsewhere(broker.target(), self.file)
        with busy("comparing"):
            topology = self.session.topology_on(broker)
            have, want, plan = plan_against(broker, topology, self.workers, prune=self.prune)
            plan = plan.naming_migrations(have, want, self.session.topology_options)
        plan.insist_on(self.expect, again=self.again)
        return have, want, plan

    def part(self, session: Session) -> Prepared:
        """Return the inputs of the plan for one of several virtual hosts, which has no digest of its own to be."""
        return replace(self, session=session, expect=None, is_for_several=False)

    @property
    def again(self) -> str:
        """The command that makes such a plan again."""
        return "`attune-infra diff --out FILE`" if self.saved else "`attune-infra diff`"


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
    for sentence in ignored:
        tell(f"warning: {sentence}")
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
    if prune or expect or session.vhosts or session.flags.get(WORKER_QUEUE_TTL) or session.has_values:
        raise _options_twice(text.source)
    return _prepare_saved(session, text.text, text.source)


def _prepare_saved(session: Session, text: str, source: str) -> Prepared:
    from attune_infra.topology.planning.saved import read_plan

    saved = read_plan(text, source)
    session = _as_planned(session, saved, source)
    is_for_several = session.is_for_several
    session = session if is_for_several else session.with_reading()
    options = (saved.prune, saved.digest, saved.workers, saved, Path(source))
    return Prepared(session, *options, is_for_several=is_for_several)


def _options_twice(source: str) -> WrongUsage:
    return WrongUsage(
        f"{source} is a plan, which holds its options; --prune, --expect, --vhost, --set, --values or"
        f" {WORKER_QUEUE_TTL.flag} is given too",
        hint="leave them out, or give the document",
    )


def _as_planned(session: Session, saved: SavedPlan, file: str) -> Session:
    """Return the session with the document and the options that a plan was made with."""
    flags = {**session.flags, TOPOLOGY: _names_of(saved)}
    vhosts = () if saved.vhost is None else (saved.vhost,)
    planned = replace(session, flags=flags, vhosts=vhosts, kept_queue_ttl=(saved.worker_queue_ttl,))
    source = saved.source if isinstance(saved.source, str) else " + ".join(saved.source)
    planned = planned.with_text(f"{source} in {file}", saved.text)
    if not saved.virtual_hosts:
        return planned
    chosen = saved.chosen_of(planned.whole.topology.virtual_hosts)
    return replace(planned, vhosts=chosen).with_text(f"{source} in {file}", saved.text)


def _names_of(saved: SavedPlan) -> str | None:
    """Return the names by which another command finds the documents of a plan."""
    from attune_infra.topology.builtin import NAMES, text_of

    return next((name for name in NAMES if text_of(name) == saved.text), joined(saved.source))


def save(session: Session, plan: Plan, path: Path, *, workers: tuple[int, ...], prune: bool) -> None:
    """Write a plan to a file, which `setup` applies."""
    from attune_infra.render.pages.plan import data

    assert plan.target is not None  # noqa: S101 - the plan of a broker has one
    place: dict[str, Any] = {"cluster": plan.target.cluster or "", "virtual_host": plan.target.virtual_host}
    place |= {"digest": plan.digest, "vhost": session.vhost, "changes": tuple(data(plan)["changes"])}
    _write(session, place, path, workers=workers, prune=prune)


def save_several(
    session: Session, plans: Mapping[str, Plan], digest: str, path: Path, *, workers: tuple[int, ...], prune: bool
) -> None:
    """Write the plans for several virtual hosts, with their common digest, to one file, which `setup` applies."""
    from attune_infra.render.pages.plan import data

    targets = [plan.target for plan in plans.values() if plan.target is not None]
    changes = [
        {"virtual_host": name, **change} for name, plan in plans.items() for change in data(plan)["changes"]
    ]
    place: dict[str, Any] = {"digest": digest, "cluster": targets[0].cluster or "", "virtual_host": ""}
    place |= {"vhost": None, "virtual_hosts": tuple(plans), "changes": tuple(changes)}
    _write(session, place, path, workers=workers, prune=prune)


def _write(
    session: Session, place: Mapping[str, Any], path: Path, *, workers: tuple[int, ...], prune: bool
) -> None:
    from attune_infra.cli._files import write_whole
    from attune_infra.topology.planning.saved import SavedPlan

    text = {"source": session.topology_source, "text": session.topology_text.resolve()}
    options = {"worker_queue_ttl": session.queue_ttl, "workers": workers, "prune": prune}
    saved = SavedPlan(**place, **text, **options, **_made())  # type: ignore[arg-type] # by their names
    write_whole(path, saved.to_json())
    tell(f"plan {saved.digest} is in {path}; `attune-infra setup {path}` applies exactly it")


def _made() -> dict[str, str]:
    """Return the time, and the program that makes a plan."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"made_at": now, "made_by": f"attune-infra {__version__}"}
