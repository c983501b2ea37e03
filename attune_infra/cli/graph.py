"""attune-infra graph."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Output
from attune_infra.cli._message import read_message
from attune_infra.cli._options import Live
from attune_infra.cli._output import tell
from attune_infra.cli._release import BrokerVersion, read_release, release_of
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.graph.values import Drawing, Graph
    from attune_infra.topology.model import Message, Topology

    _Material: TypeAlias = tuple[Topology, Mapping[str, Topology], Version]
    """A topology to draw, the virtual hosts of its document, and a release."""
    _Reader: TypeAlias = Callable[[Session], _Material]

app = App()

_DEFAULT_DEPTH = 2


class Format(StrEnum):
    """The format of a graph."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    HTML = "html"
    TEXT = "text"


class Grouping(StrEnum):
    """The property that the members of a group share."""

    EXCHANGE = "exchange"
    PREFIX = "prefix"
    NONE = "none"


_Format = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="Format to write; default: text. html is one page with search; svg and html need Graphviz.",
        show_default=False,
    ),
]
_Highlight = Annotated[
    str | None,
    typer.Option("--highlight", metavar="'EXCHANGE ROUTING_KEY'", help="Mark the path of such a message."),
]
_Group = Annotated[
    Grouping, typer.Option("--group", help="Frame queues of one exchange, or names that begin alike.")
]
_Collapse = Annotated[bool, typer.Option("--collapse", help="Draw each group as one box.")]
_Focus = Annotated[
    str | None,
    typer.Option("--focus", metavar="QUEUE", help="Draw only what is near this queue or exchange."),
]
_Depth = Annotated[
    int | None,
    typer.Option("--depth", min=0, help="Steps from --focus, in both directions; default: 2.", show_default=False),
]


@dataclass(frozen=True)
class _View:
    """The part of a topology to draw, and its groups."""

    group: Grouping
    collapse: bool
    focus: str | None
    depth: int | None
    message: Message | None

    def check(self) -> None:
        """Raise `WrongUsage` for an option that changes nothing without another one."""
        if self.depth is not None and self.focus is None:
            raise WrongUsage("--depth counts steps from --focus, which is missing", hint="add --focus QUEUE")
        if self.collapse and self.group is Grouping.NONE:
            raise WrongUsage(
                "--collapse draws a group as one box, and there are no groups",
                hint="add --group exchange or prefix",
            )

    def check_frames(self, as_format: Format) -> None:
        """Raise `WrongUsage` for groups in one drawing of several virtual hosts, which are the groups."""
        if self.group is not Grouping.NONE and not self.collapse:
            raise WrongUsage(
                f"--format {as_format} frames each virtual host, and --group would frame others inside",
                hint="add --collapse, or choose one virtual host with --vhost NAME",
            )

    def graph_of(self, topology: Topology, beside: Mapping[str, Topology], version: Version, fold: bool) -> Graph:
        from attune_infra.topology.graph.build import graph
        from attune_infra.topology.lint.linter import lint

        findings = lint(topology, version=version, beside=beside).findings
        drawn = graph(topology, findings=findings, message=self.message, version=version, fold=fold)
        if self.focus is not None:
            from attune_infra.topology.graph.focus import focus

            drawn = focus(drawn, self.focus, self._steps, topology)
        return drawn if self.group is Grouping.NONE else self._grouped(drawn)

    def graph_of_several(
        self, topologies: Mapping[str, Topology], beside: Mapping[str, Topology], version: Version, name: str
    ) -> Graph:
        """Return one graph of several virtual hosts, each a group."""
        from attune_infra.topology.graph.group import frame_virtual_hosts
        from attune_infra.topology.graph.several import graph_of_several
        from attune_infra.topology.lint.linter import lint

        found = {vhost: lint(each, version=version, beside=beside).findings for vhost, each in topologies.items()}
        drawn = graph_of_several(topologies, name=name, findings=found, message=self.message, version=version)
        if self.focus is not None:
            from attune_infra.topology.graph.focus import focus_in_each

            drawn = focus_in_each(drawn, self.focus, self._steps, topologies)
        return frame_virtual_hosts(drawn if self.group is Grouping.NONE else self._grouped(drawn))

    @property
    def _steps(self) -> int:
        return _DEFAULT_DEPTH if self.depth is None else self.depth

    def _grouped(self, drawn: Graph) -> Graph:
        from attune_infra.topology.graph.group import GroupBy, collapse, group

        drawn = group(drawn, GroupBy(self.group))
        return collapse(drawn) if self.collapse else drawn


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.VHOST | Uses.BROKER)
def graph(
    session: Session,
    *,
    live: Live = False,
    as_format: _Format = None,
    group: _Group = Grouping.NONE,
    collapse: _Collapse = False,
    focus: _Focus = None,
    depth: _Depth = None,
    highlight: _Highlight = None,
    broker_version: BrokerVersion = None,
) -> None:
    """Draw a topology: exchanges, queues, bindings, dead letter paths, and findings of lint.

    --output json has every object as a node and every binding as an edge.
    """
    from attune_infra.cli._each import finish_one_or_each
    from attune_infra.render.pages import graph as page

    view = _View(group, collapse, focus, depth, _message(highlight))
    view.check()
    release = read_release(broker_version)
    _check_format(session, as_format)
    read = partial(_read_broker if live else _read, release=release)
    if as_format not in {None, Format.TEXT} and (several := session.several(live=live)) is not None:
        session.finish("graph", page, _draw_together(session, several, view, read, as_format))
    draw = partial(_drawing, view=view, read=read, as_format=as_format or Format.TEXT)
    finish_one_or_each(session, "graph", page, draw, live=live)


def _drawing(session: Session, *, view: _View, read: _Reader, as_format: Format) -> Drawing:
    from attune_infra.topology.graph.values import Drawing

    topology, beside, version = read(session)
    is_text = session.display.output is Output.TEXT
    drawn = view.graph_of(topology, beside, version, is_text)
    return Drawing(drawn, _draw(drawn, as_format) if is_text else "")


def _draw_together(
    session: Session, several: Sequence[Session], view: _View, read: _Reader, as_format: Format
) -> Drawing:
    """Return one drawing of several virtual hosts; name those that have nothing to draw."""
    from attune_infra.cli._each import run_each
    from attune_infra.topology.graph.values import Drawing
    from attune_infra.topology.words import counted

    view.check_frames(as_format)
    found = run_each(read, several)
    _, beside, version = next(iter(found.values()))
    topologies = {name: topology for name, (topology, _, _) in found.items()}
    drawn = view.graph_of_several(topologies, beside, version, session.whole.topology.name if beside else "")
    empty = [name for name, each in topologies.items() if not (each.exchanges or each.queues or each.workers)]
    if empty:
        tell(f"nothing to draw in {counted(len(empty), 'virtual host')}: {', '.join(empty)}")
    return Drawing(drawn, _draw(drawn, as_format))


def _check_format(session: Session, as_format: Format | None) -> None:
    """Raise `WrongUsage` for a format beside JSON."""
    if as_format is not None and session.display.output is not Output.TEXT:
        raise WrongUsage(
            "--output json has nodes and edges and no drawing; --format is given too",
            hint="leave out --output json to draw, or leave out --format",
        )


def _read(session: Session, release: Version | None) -> _Material:
    from attune_infra.topology.facts.releases import NEWEST

    session.refuse_broker_options()
    return session.readable_topology, session.whole.topology.virtual_hosts, release or NEWEST


def _read_broker(session: Session, release: Version | None) -> _Material:
    from attune_infra.topology.facts.unavailable import unlisted, without_bindings

    session.require_live_alone()
    with session.broker(Via.HTTP) as broker:
        topology, version = broker.read(private=True), release or release_of(broker)
    if names := unlisted(topology):
        tell(f"warning: {without_bindings(names)}: they are not drawn")
    return topology, {}, version


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
        case Format.TEXT:
            from attune_infra.render.graph.outline import outline as written
        case Format.SVG | Format.HTML:
            return _picture(drawn, as_format)
    return written(drawn)


def _picture(drawn: Graph, as_format: Format) -> str:
    from attune_infra.render.graph.layout import lay_out

    placed = lay_out(drawn)
    if as_format is Format.HTML:
        from attune_infra.render.graph.html import html

        return html(placed)
    from attune_infra.render.graph.svg import svg

    return svg(placed)
