"""Built-in topologies: documents that `--topology NAME` finds by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from attune_infra.topology.model import Topology

NAMES: Final = ("attune",)


def text_of(name: str) -> str:
    """Return the document of a built-in topology."""
    return Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")


@cache
def attune() -> Topology:
    """Return the topology of the Attune platform."""
    from attune_infra.topology.document.parse import parse

    return parse(text_of("attune"), source="attune.yaml")
