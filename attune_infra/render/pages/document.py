"""A document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.render.data import sort_data
from attune_infra.render.text import Line
from attune_infra.topology.document.text import Document

if TYPE_CHECKING:
    from attune_infra.contract.machines import DocumentData, LeftOutData


def lines(document: Document) -> Iterator[Line]:
    return (Line(line) for line in document.text.splitlines())


def data(document: Document) -> DocumentData:
    left_out: list[LeftOutData] = [
        {"kind": each.kind, "names": list(each.names), "why": each.why} for each in document.left_out
    ]
    return {"document": document.content, "text": document.text, "left_out": sort_data(left_out)}


def text(document: Document) -> str:
    """Return the text of the document, as it is written to a file: no character is escaped."""
    return document.text
