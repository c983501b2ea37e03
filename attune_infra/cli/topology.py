"""attune-infra topology check, topology show, topology schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display, Output
from attune_infra.cli._documents import Files, Together, documents_in, some_of
from attune_infra.cli._files import STDIN
from attune_infra.cli._options import Vhosts
from attune_infra.cli._output import finish, tell
from attune_infra.cli._reports import finish_reviewed
from attune_infra.cli._shared import displayed, displayed_in_ci
from attune_infra.cli._values import SetOption, ValuesOption, read_values
from attune_infra.errors import WrongUsage
from attune_infra.settings import DEFAULT_TOPOLOGY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attune_infra.topology.check import CheckedText
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.variables import Values

app = App()

_Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|FILE", help="Built-in topology, or a document beside --resolved.", show_default=False
    ),
]
_SameNames = Annotated[
    list[str] | None,
    typer.Option(
        "--topology", metavar="NAME|FILE", help="The same as NAME or FILE. May repeat.", show_default=False
    ),
]
_Resolved = Annotated[
    bool,
    typer.Option("--resolved", help="Put the values of its variables into a document."),
]


@app.command()
@displayed_in_ci
def check(
    display: Display,
    files: Files = None,
    *,
    topology: Together = None,
    vhost: Vhosts = None,
    pairs: SetOption = None,
    values: ValuesOption = None,
) -> None:
    """Check documents and run their routes. Every problem is named with its line and column.

    Each FILE is checked alone; the documents of --topology are checked together, as other commands read them.
    """
    from attune_infra.render.pages import check as page
    from attune_infra.topology.check import CheckedTexts

    texts = [[name] for name in documents_in(files or (), needed=not topology)]
    texts += [topology] if topology else []
    given = read_values(pairs or (), values or ())
    checked = CheckedTexts(tuple(text for names in texts for text in _checked(names, vhost, given)))
    if display.output == Output.TEXT:
        for text in checked.texts:
            for complaint in text.complaints():
                tell(complaint)
    finish_reviewed("topology-check", page, checked, display)


@app.command("show")
@displayed
def show_(
    display: Display,
    name: _Name = None,
    *,
    topology: _SameNames = None,
    resolved: _Resolved = False,
    pairs: SetOption = None,
    values: ValuesOption = None,
) -> None:
    """Print a built-in topology, as a start for your own, or a document with values in place of its variables."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.text import Document

    chosen = some_of(name, topology) or [DEFAULT_TOPOLOGY]
    given = read_values(pairs or (), values or ())
    finish("topology-show", page, Document(_resolved(chosen, given) if resolved else _own(chosen, given)), display)


@app.command()
@displayed
def schema(display: Display) -> None:
    """Print the JSON Schema of topology documents, for editors."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.schema.document import schema_text
    from attune_infra.topology.document.text import Document

    finish("topology-schema", page, Document(schema_text()), display)


def _resolved(names: Sequence[str], values: Values) -> str:
    from attune_infra.cli._topology import read_topologies

    return replace(read_topologies(names), values=values).resolve()


def _own(names: Sequence[str], values: Values) -> str:
    """Return the text of a built-in topology; raise `WrongUsage` for a file or for values."""
    from attune_infra.topology.builtin import NAMES, text_of

    if values or len(names) > 1 or names[0] not in NAMES:
        raise WrongUsage(
            "a document, --set and --values are for --resolved",
            hint="give --resolved, or no more than a built-in name",
        )
    return text_of(names[0])


def _checked(names: list[str], vhost: list[str] | None, values: Values) -> Iterator[CheckedText]:
    """Yield the outcome for a text, or for each virtual host in it."""
    from attune_infra.errors import InvalidInput
    from attune_infra.topology.check import CheckedText, check_routes
    from attune_infra.topology.document.problems import InvalidDocument

    source, file, parts = " + ".join(names), None if names[0] == STDIN else names[0], list["Reading"]()
    try:
        parts = _parts(names, vhost or (), values)
    except InvalidDocument as error:
        yield CheckedText(source=source, problems=error.problems, file=file)
    except InvalidInput as error:
        yield CheckedText(source=source, failure=error.sentence, hint=error.hint, file=file)
    yield from (replace(check_routes(source, reading.topology), file=file) for reading in parts)


def _parts(names: list[str], vhosts: Sequence[str], values: Values) -> list[Reading]:
    """Return what texts hold; --vhost chooses one of definitions, and any number of a document."""
    from attune_infra.cli._topology import texts_in

    text = replace(texts_in(names), values=values)
    chosen = next(iter(vhosts), None) if text.holds_definitions() else None
    whole = text.read_for(lambda: "/", chosen=chosen)
    whole.refuse_doubtful()
    return list(whole.parts(vhosts))
