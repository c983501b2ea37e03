"""The schemas of all JSON that the program prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.contract.listing import Listing
from attune_infra.render.text import Line, align

if TYPE_CHECKING:
    from attune_infra.contract.machines import SchemasData


def lines(listing: Listing) -> Iterator[Line]:
    yield from map(Line, align([(each.command, each.name) for each in listing.schemas]))


def data(listing: Listing) -> SchemasData:
    return {"schemas": [{"name": each.name, "command": each.command, "url": each.url} for each in listing.schemas]}
