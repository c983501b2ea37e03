"""The deletion of workers' leftovers, which `deprovision` and `prune` share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._consent import ask_to_delete, confirm_target, keep_undo
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.dataclass import dataclass

if TYPE_CHECKING:
    from attune_infra.fleet.leftovers import Leftovers
    from attune_infra.fleet.model import Fleet
    from attune_infra.interfaces import Broker

EvenIfUsed = Annotated[
    bool,
    typer.Option("--even-if-used", help="Also delete queues with consumers, or with messages, which are lost."),
]


@dataclass(frozen=True)
class Removal:
    """The options of a command that deletes leftovers; `share` is the threshold if --max-deletes gives none."""

    session: Session
    command: str
    dry_run: bool
    expect: str | None
    max_deletes: str | None
    undo_file: Path | None
    yes: bool
    share: str | None = None

    def carry_out(self, found: Leftovers, fleet: Fleet, broker: Broker) -> NoReturn:
        """Delete leftovers with consent; show them with --dry-run, or if there are none."""
        from attune_infra.render.pages import leftovers as shown
        from attune_infra.render.pages import report as page
        from attune_infra.worker.leftovers import remove

        found = replace(found, target=self.session.met.target)
        found.insist_on(self.expect, again=f"`attune-infra {self.command.replace('-', ' ')} --dry-run`")
        if self.dry_run or not found.items:
            self.session.finish(self.command, shown, found)
        self._agree(found, fleet)
        self._keep_undo(found, broker)
        with progress("deleting") as watch:
            removed = remove(found, broker, watch=watch)
        self.session.finish(self.command, page, removed)

    def _keep_undo(self, found: Leftovers, broker: Broker) -> None:
        """Keep a document of what is deleted; only the ends of bindings have to be looked up for it."""
        from attune_infra.topology.model import Binding, Topology

        deleted = [item.object for item in found.items if found.even_if_used or not item.used]
        has_bindings = any(isinstance(item, Binding) for item in deleted)
        keep_undo(deleted, broker.read() if has_bindings else Topology(), found.digest, to=self.undo_file)

    def _agree(self, found: Leftovers, fleet: Fleet) -> None:
        from attune_infra.render.pages import leftovers as page
        from attune_infra.topology.planning.consent import Threshold, refuse_excess

        if limit := self.max_deletes or self.share:
            existing = sum(len(worker.queues) for worker in fleet.workers)
            refuse_excess(Threshold.of(limit).excess(len(found.items), existing))
        confirm_target(self.session, expect=self.expect)
        if not self.yes:
            question = f"Delete {page.summary(found)}?"
            ask_to_delete(
                self.session, page.lines(found), question, hint="look at it with --dry-run; then give --yes"
            )
