"""attune-infra export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._output import tell, tell_left_out
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._transform import (
    Exclude,
    Only,
    RenameVhost,
    StripPolicies,
    ToQuorum,
    transformation,
)
from attune_infra.errors import WrongUsage
from attune_infra.settings import TOPOLOGY, Via

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from attune_infra.topology.document.export import Extent
    from attune_infra.topology.document.foreign.kubernetes.write import ClusterReference
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.model import Topology

app = App()

_OF_USERS: Final = frozenset({"user", "permission", "topic_permission"})
"""Kinds that are read once, with the first virtual host."""


class Format(StrEnum):
    """The format of an export."""

    YAML = "yaml"
    DEFINITIONS = "definitions"
    KUBERNETES = "kubernetes"
    TERRAFORM = "terraform"


_RESOURCES: Final = frozenset({Format.KUBERNETES, Format.TERRAFORM})

_Format = Annotated[
    Format,
    typer.Option(
        "--format",
        help="A document for this program, definitions that RabbitMQ loads, resources of RabbitMQ's topology "
        "operator for Kubernetes, or of Terraform's provider.",
    ),
]
_Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster-reference",
        metavar="NAME[.NAMESPACE]",
        help="RabbitmqCluster of --format kubernetes; default: rabbitmq.",
        show_default=False,
    ),
]

_All = Annotated[
    bool,
    typer.Option("--all", help="Also operator policies, limits, permissions and users; as an administrator."),
]

_Users = Annotated[
    bool, typer.Option("--users", help="Also all users, and their permissions here; as an administrator.")
]
_Hashes = Annotated[
    bool,
    typer.Option("--password-hashes", help="With --users or --all, also hashes of passwords, which are secrets."),
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.VHOST | Uses.BROKER)
def export(
    session: Session,
    *,
    as_format: _Format = Format.YAML,
    cluster_reference: _Cluster = None,
    users: _Users = False,
    everything: _All = False,
    password_hashes: _Hashes = False,
    only: Only = None,
    exclude: Exclude = None,
    to_quorum: ToQuorum = False,
    strip_policies: StripPolicies = False,
    rename_vhost: RenameVhost = None,
) -> None:
    """Write virtual hosts, or with --topology a document, in one of several forms. Names omissions."""
    is_live = not session.flags.get(TOPOLOGY)
    extent = _extent(users=users, everything=everything or not is_live, password_hashes=password_hashes)
    is_whole = _is_whole(as_format, users=users, password_hashes=password_hashes)
    write = _writer(as_format, cluster_reference, is_live and rename_vhost is None, password_hashes)
    changes = transformation(
        only, exclude, to_quorum=to_quorum, strip_policies=strip_policies, rename_vhost=rename_vhost
    )
    names = (is_whole or as_format in _RESOURCES) and rename_vhost is None
    read = _read(session, extent, is_whole) if is_live else _offline(session, names_vhost=names)
    found, notes = changes.apply(read)
    _finish(session, write(_within(found) if is_whole else found, extent=extent).leaving_out(notes))


def _finish(session: Session, document: Document) -> NoReturn:
    from attune_infra.render.pages import document as page

    tell_left_out(document.left_out)
    session.finish("export", page, document)


def _is_whole(as_format: Format, *, users: bool, password_hashes: bool) -> bool:
    """Return True for definitions of a whole broker, since those of a single virtual host hold no users.

    Raise `WrongUsage` if the format cannot hold them like this.
    """
    if password_hashes and as_format in _RESOURCES:
        raise WrongUsage(f"--format {as_format} holds no hashes", hint="leave out --password-hashes")
    is_whole = users and as_format is Format.DEFINITIONS
    if is_whole and not password_hashes:
        raise WrongUsage(
            "definitions hold users only with the hashes of their passwords, which are secrets",
            hint="add --password-hashes",
        )
    return is_whole


def _within(topology: Topology) -> Topology:
    """Return the topology with its virtual host as one of several."""
    from attune_infra.topology.model import Topology

    return topology if topology.virtual_hosts else Topology(virtual_hosts={topology.vhost: topology})


def _extent(*, users: bool, everything: bool, password_hashes: bool) -> Extent:
    from attune_infra.topology.document.export import Extent

    if password_hashes and not (users or everything):
        raise WrongUsage("--password-hashes is about users, and none is written", hint="add --users or --all")
    if everything:
        return Extent.EVERYTHING
    return Extent.WITH_USERS if users else Extent.USUAL


def _writer(
    as_format: Format, cluster_reference: str | None, with_imports: bool, hashes: bool
) -> Callable[..., Document]:
    """Return the function that writes a topology: everything in it, or what needs no administrator."""
    from attune_infra.topology.document import export as forms

    if cluster_reference is not None and as_format is not Format.KUBERNETES:
        raise WrongUsage("--cluster-reference goes with --format kubernetes", hint="leave it out")
    match as_format:
        case Format.YAML:
            return partial(forms.as_document, password_hashes=hashes)
        case Format.DEFINITIONS:
            return partial(forms.as_definitions, password_hashes=hashes)
        case Format.KUBERNETES:
            return partial(forms.as_kubernetes, cluster=_cluster(cluster_reference))
        case Format.TERRAFORM:
            return partial(forms.as_terraform, with_imports=with_imports)


def _cluster(reference: str | None) -> ClusterReference:
    from attune_infra.topology.document.foreign.kubernetes.write import ClusterReference

    return ClusterReference() if reference is None else ClusterReference.parse(reference)


def _read(session: Session, extent: Extent, is_whole: bool) -> Topology:
    """Return what the broker holds: in the virtual host of the AMQP URL, or with their settings in those named.

    For definitions of a whole broker, that of the AMQP URL has its settings too.
    """
    from attune_infra.topology.document.export import Extent
    from attune_infra.topology.model import CONTROL_KINDS, KINDS_OF_BROKER, Topology

    kinds_of = {Extent.USUAL: frozenset[str](), Extent.WITH_USERS: _OF_USERS, Extent.EVERYTHING: CONTROL_KINDS}
    kinds = kinds_of[extent]
    if not (session.vhosts or is_whole):
        return _live(session, kinds - {"virtual_host"})
    from attune_infra.cli._each import run_each

    first, *others = session.each_on_broker() if session.vhosts else [session.on(session.virtual_host())]
    found = run_each(partial(_live, kinds={*kinds, "virtual_host"}), [first])
    found |= run_each(partial(_live, kinds={*kinds, "virtual_host"} - KINDS_OF_BROKER), others)
    return next(iter(found.values())) if len(found) == 1 else Topology(virtual_hosts=found)


def _live(session: Session, kinds: Collection[str]) -> Topology:
    with session.broker(Via.HTTP) as broker, busy("reading"):
        found = broker.read(controls=kinds)
        missing = "virtual_host" in kinds and not found.virtual_host
        return broker.read() if missing else _without_usual(found)


def _without_usual(found: Topology) -> Topology:
    """Return a topology that says of protection from deletion only that there is one."""
    settings = found.virtual_host
    if settings is None or settings.protected_from_deletion:
        return found
    return replace(found, virtual_host=replace(settings, protected_from_deletion=None))


def _offline(session: Session, *, names_vhost: bool) -> Topology:
    """Return the topology of the document, for the virtual host that the text is to name; say which one."""
    session.refuse_broker_options(
        why="with --topology no broker is asked", alternative="leave out --topology to export the broker"
    )
    session.whole.refuse_problems()
    if session.is_for_several:
        return session.of_several()
    found = session.readable_topology
    return replace(found, name=_vhost_of_export(session, found)) if names_vhost else found


def _vhost_of_export(session: Session, topology: Topology) -> str:
    """Return the virtual host that the text made of a document names; say so if the document names none."""
    if topology.virtual_host:
        return topology.vhost
    described = session.reading.vhost
    name = session.virtual_host() if described is None else described
    who = "the AMQP URL" if described is None else session.reading.source
    tell(f"the export is for virtual host '{name}', which {who} names; --rename-vhost NAME names another")
    return name
