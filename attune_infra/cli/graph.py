"""attune-infra graph."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._files import write_whole
from attune_infra.cli._message import read_message
from attune_infra.cli._options import Live, ToFile, TopologyFile, shared_with_vhost
from attune_infra.cli._release import BrokerVersion, read_release, release_of
from attune_infra.cli._session import Session
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.graph import Graph
    from attune_infra.topology.model import Message, Topology


app = App()


class Format(StrEnum):
    """The format of a graph."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    TEXT = "text"


_Format = Annotated[Format, typer.Option("--format", help="Format to write; svg needs the package pygraphviz.")]
_Highlight = Annotated[
    str | None,
    typer.Option("--highlight", metavar="'EXCHANGE ROUTING_KEY'", help="Mark the path of such a message."),
]


@app.command()
@shared_with_vhost
def graph(
    session: Session,
    file: TopologyFile = None,
    *,
    live: Live = False,
    as_format: _Format = Format.TEXT,
    highlight: _Highlight = None,
    broker_version: BrokerVersion = None,
    to: ToFile = None,
) -> None:
    """Draw a topology: exchanges, queues, bindings, dead letter paths, and findings of lint."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.graph import graph
    from attune_infra.topology.lint.linter import lint

    message, release = _message(highlight), read_release(broker_version)
    topology, version = (
        _read_broker(session, file, release) if live else _read_document(session.using(file), release)
    )
    findings = lint(topology, version=version).findings
    text = _draw(graph(topology, findings=findings, message=message, version=version), as_format)
    if to is not None:
        write_whole(to, text)
    session.finish("graph", page, Document(text, file=str(to) if to else None))


def _read_document(session: Session, release: Version | None) -> tuple[Topology, Version]:
    from attune_infra.topology.facts.releases import NEWEST

    return session.readable_topology, release or NEWEST


def _read_broker(session: Session, file: str | None, release: Version | None) -> tuple[Topology, Version]:
    session.require_live_alone(file)
    with session.broker(Via.HTTP) as broker:
        return broker.read(private=True), release or release_of(broker)


def _message(text: str | None) -> Message | None:
    if text is None:
        return None
    exchange, _, routing_key = text.partition(" ")
    return read_message(exchange, routing_key)


def _draw(drawn: Graph, as_format: Format) -> str:
    match as_format:
        case Format.MERMAID:
            from attune_infra.render.graph.mermaid import mermaid as written
        case Format.DOT:
            from attune_infra.render.graph.dot import dot as written
        case Format.SVG:
            from attune_infra.render.graph.layout import lay_out
            from attune_infra.render.graph.svg import svg

            return svg(lay_out(drawn))
        case Format.TEXT:
            from attune_infra.render.graph.outline import outline as written
    return written(drawn)
