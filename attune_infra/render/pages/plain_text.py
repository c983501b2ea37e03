"""A text for people or for another program, such as help or a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune_infra.render.pages.document import lines, text
from attune_infra.topology.document.text import Document

if TYPE_CHECKING:
    from attune_infra.contract.machines import TextData

__all__ = ["data", "lines", "text"]


def data(document: Document) -> TextData:
    return {"text": document.text}
