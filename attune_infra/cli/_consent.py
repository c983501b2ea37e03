"""Consent to change a broker: a digest, a name typed, an answer to a question; and a file to undo it with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import ALLOW_DESTRUCTIVE
from attune_infra.cli._output import can_ask, tell, tell_left_out
from attune_infra.errors import InvalidInput, PlanRefused
from attune_infra.settings import EXPECT_CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attune_infra.cli._session import Session
    from attune_infra.render.text import Line
    from attune_infra.topology.model import Topology, TopologyObject

Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="DIGEST", help="Refuse any plan except this one, as it was printed."),
]
AllowDestructive = Annotated[
    list[str] | None,
    typer.Option(
        ALLOW_DESTRUCTIVE,
        metavar="[KIND:NAME]",
        help="Make the destructive changes of the plan, after asking: all, or those of the named objects, "
        "as queue:orders.*. May repeat.",
    ),
]
MaxDeletes = Annotated[
    str | None,
    typer.Option(
        "--max-deletes",
        metavar="N|N%",
        help="Refuse to delete more objects: a number, or a share of those that exist; default: 30%, above 10.",
        show_default=False,
    ),
]
UndoFile = Annotated[
    Path | None,
    typer.Option(
        "--undo-file",
        metavar="FILE",
        help="Document that makes deleted objects again; default: beside the plan, or among the user's files.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def ask_to_delete(session: Session, lines: Iterable[Line], question: str, *, hint: str) -> None:
    """Show what would be deleted, and ask; raise `PlanRefused` without a yes or without a terminal to ask on."""
    from attune_infra.render.words import place

    for line in lines:
        tell(line.text)
    where = f" in {place(session.met.target)}" if session.met.target else ""
    question = f"{question.removesuffix('?')}{where}?"
    if not can_ask():
        raise PlanRefused(f"no terminal to ask: {question}", hint=hint)
    if not typer.confirm(question, err=True):
        raise PlanRefused("not confirmed; nothing was changed")


def confirm_target(session: Session, *, expect: str | None = None, has_plan: bool = True) -> None:
    """On a protected broker, insist on a digest or on the name of the cluster; raise `PlanRefused` without it.

    A command without a plan takes --expect-cluster on its command line for the name. For one that asks no broker,
    such as `worker register`, it is the name that the connection expects.
    """
    target, settings = session.met.target, session.settings
    named = None if has_plan else session.flags.get(EXPECT_CLUSTER)
    protected = settings.protected or (target is not None and target.cluster in settings.protected_clusters)
    if not protected or expect or (named and target):
        return
    cluster = target.cluster if target else settings.expected[-1].cluster if settings.expected else None
    if named and named == cluster:
        return
    what = f"connection {settings.connection}" if settings.connection else f"cluster {cluster}"
    if cluster is None or not can_ask():
        named_so = f"{EXPECT_CLUSTER.flag} {cluster or 'NAME'} on the command line"
        hint = "give --expect DIGEST, as the plan prints it" if has_plan else f"give {named_so}"
        raise PlanRefused(f"{what} is protected; nothing was changed", hint=hint)
    _type_name(what, cluster)


def _type_name(what: str, cluster: str) -> None:
    typed = typer.prompt(f"{what} is protected; to change it, type the name of its cluster", err=True)
    if typed != cluster:
        raise PlanRefused(f"'{typed}' is not the name of the cluster, '{cluster}'; nothing was changed")


def keep_undo(
    deleted: Iterable[TopologyObject], have: Topology, digest: str, *, to: Path | None, beside: Path | None = None
) -> None:
    """Write the document that makes these objects again; raise `InvalidInput`, before anything is deleted."""
    if items := list(deleted):
        from attune_infra.topology.planning.undo import undo_topology

        write_undo(undo_topology(items, have), digest, to=to, beside=beside)


def write_undo(undo: Topology, digest: str, *, to: Path | None, beside: Path | None = None) -> None:
    """Write the document of what is deleted; raise `InvalidInput` if there is no place for it."""
    from attune_infra.cli._files import write_whole
    from attune_infra.topology.document.export import as_document

    if to is not None and to.exists():
        raise InvalidInput(f"--undo-file: {to} exists; nothing was changed", hint="name a file that does not")
    document, path = as_document(undo), to or _undo_path(digest, beside)
    write_whole(path, document.text)
    tell_left_out(document.left_out)
    tell(f"undo: `attune-infra setup {path}` makes again what is deleted now, without messages")


def _undo_path(digest: str, beside: Path | None) -> Path:
    """Return a path that no undo file has yet."""
    if beside is not None:
        folder, stem = beside.parent, f"{beside.stem}.undo"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder, stem = Path(state, "attune-infra", "undo"), f"undo-{digest}"
        _make_folder(folder)
    path, number = folder / f"{stem}.yaml", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.yaml"
    return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            f"cannot keep an undo file in {folder}: {error.strerror}; nothing was changed",
            hint="name a file with --undo-file",
        ) from error
