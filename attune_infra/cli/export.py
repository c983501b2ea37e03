"""attune-infra export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

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

    from attune_infra.topology.document.foreign.kubernetes.write import ClusterReference
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.model import Topology

app = App()

_OF_THE_BROKER: Final = frozenset({"user", "global_parameter"})
"""Kinds that are read once, with the first virtual host."""


class Format(StrEnum):
    """The format of an export."""

    TOPOLOGY = "topology"
    DEFINITIONS = "definitions"
    KUBERNETES = "kubernetes"
    TERRAFORM = "terraform"


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

_Hashes = Annotated[
    bool, typer.Option("--password-hashes", help="With --all, also hashes of passwords, which are secrets.")
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.VHOST | Uses.BROKER)
def export(
    session: Session,
    *,
    as_format: _Format = Format.TOPOLOGY,
    cluster_reference: _Cluster = None,
    everything: _All = False,
    password_hashes: _Hashes = False,
    only: Only = None,
    exclude: Exclude = None,
    to_quorum: ToQuorum = False,
    strip_policies: StripPolicies = False,
    rename_vhost: RenameVhost = None,
) -> None:
    """Write virtual hosts, or with --topology a document, in one of several forms. Names omissions."""
    from attune_infra.render.pages import document as page

    is_live = not session.flags.get(TOPOLOGY)
    if password_hashes and is_live and not everything:
        raise WrongUsage("--password-hashes is about users, and none is written", hint="add --all")
    write = _writer(as_format, cluster_reference, is_live and rename_vhost is None, password_hashes)
    changes = transformation(
        only, exclude, to_quorum=to_quorum, strip_policies=strip_policies, rename_vhost=rename_vhost
    )
    read = _read(session, everything=everything) if is_live else _offline(session, as_format, rename_vhost)
    found, notes = changes.apply(read)
    document = write(found, everything=everything or not is_live).leaving_out(notes)
    tell_left_out(document.left_out)
    session.finish("export", page, document)


def _writer(
    as_format: Format, cluster_reference: str | None, with_imports: bool, hashes: bool
) -> Callable[..., Document]:
    """Return the function that writes a topology: everything in it, or what needs no administrator."""
    from attune_infra.topology.document import export as forms

    if cluster_reference is not None and as_format is not Format.KUBERNETES:
        raise WrongUsage("--cluster-reference goes with --format kubernetes", hint="leave it out")
    match as_format:
        case Format.TOPOLOGY:
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


def _read(session: Session, *, everything: bool) -> Topology:
    """Return what the broker holds: in the virtual host of the AMQP URL, or with their settings in those named."""
    from attune_infra.topology.model import CONTROL_KINDS, Topology

    kinds = CONTROL_KINDS if everything else frozenset[str]()
    if not session.vhosts:
        return _live(session, kinds - {"virtual_host"})
    from attune_infra.cli._each import run_each

    first, *others = session.each_on_broker()
    found = run_each(partial(_live, kinds={*kinds, "virtual_host"}), [first])
    found |= run_each(partial(_live, kinds={*kinds, "virtual_host"} - _OF_THE_BROKER), others)
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


def _offline(session: Session, as_format: Format, renamed: str | None) -> Topology:
    """Return the topology of the document, for the virtual host that resources are to name; say which one."""
    session.refuse_broker_options(
        why="with --topology no broker is asked", alternative="leave out --topology to export the broker"
    )
    session.whole.refuse_problems()
    if session.is_for_several:
        return session.of_several()
    found = session.readable_topology
    is_in_resources = as_format in {Format.KUBERNETES, Format.TERRAFORM} and renamed is None
    return replace(found, name=_vhost_of_resources(session, found)) if is_in_resources else found


def _vhost_of_resources(session: Session, topology: Topology) -> str:
    """Return the virtual host that the resources of a document name; say so if the document names none."""
    if topology.virtual_host:
        return topology.vhost
    described = session.reading.vhost
    name = session.virtual_host() if described is None else described
    who = "the AMQP URL" if described is None else session.reading.source
    tell(f"the resources are for virtual host '{name}', which {who} names; --rename-vhost NAME names another")
    return name
