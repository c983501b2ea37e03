"""The way a command shows its result: format, file, level of detail and colour, as options of every command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attune_infra.cli import _colour
from attune_infra.dataclass import dataclass


class Output(StrEnum):
    """The format of a result."""

    TEXT = "text"
    JSON = "json"


class CiOutput(StrEnum):
    """The format of a result that CI may read."""

    TEXT = Output.TEXT
    JSON = Output.JSON
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"

    @classmethod
    def of_reports(cls) -> tuple[CiOutput, ...]:
        """Return the formats that only some commands have, each of which may go to a file of its own."""
        return (cls.GITHUB, cls.SARIF, cls.JUNIT, cls.MARKDOWN)


@dataclass(frozen=True, slots=True)
class Report:
    """A file to write beside the output."""

    format: CiOutput
    file: Path


@dataclass(frozen=True, slots=True)
class Display:
    """The format of a result, the file that it goes to, and the details in it."""

    output: str = Output.TEXT
    to: Path | None = None
    """The file to write; None for standard output."""
    verbosity: int = 0
    """-1 for problems only, 1 for all objects, 2 for the requests too."""
    reports: tuple[Report, ...] = ()

    @property
    def is_for_ci(self) -> bool:
        return bool(self.reports) or self.output in CiOutput.of_reports()

    @property
    def wants_places(self) -> bool:
        """True if the result names places in documents, which take longer to read."""
        return self.output != Output.TEXT or self.is_for_ci


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Format of the result.")]
CiOutputOption = Annotated[
    CiOutput, typer.Option("--output", "-o", help="Format of the result; all but text and json are for CI.")
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT=FILE",
        help="Also write the result to a file: github, sarif, junit or markdown. May repeat.",
        show_default=False,
    ),
]
ToFile = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write the result to this file, whole or not at all."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="List all objects, not only changes and problems, and hosts that were passed over; "
        "-vv: also each request to the broker.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")]
Colour = Annotated[
    _colour.When,
    typer.Option(
        "--color",
        help="Colour the text: auto means on a terminal, unless NO_COLOR is set.",
        callback=_colour.choose,
        is_eager=True,
    ),
]
