"""A document, printed or written to a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.render.data import Data, sort_data
from attune_infra.render.text import Line
from attune_infra.topology.document.text import Document


def lines(document: Document) -> Iterator[Line]:
    if document.file is not None:
        yield Line(f"+ {document.file}: written", "green")
        return
    yield from (Line(line) for line in document.text.splitlines())


def data(document: Document) -> Data:
    place = {"document": document.text} if document.file is None else {"file": document.file}
    return {**place, "left_out": sort_data(asdict(each) for each in document.left_out)}
