"""The named connections of a configuration file, without their passwords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.render.data import target_data
from attune_infra.render.text import Level, Line, at_level
from attune_infra.topology.target import Listed, Listing

if TYPE_CHECKING:
    from attune_infra.contract.machines import ConnectionData, ConnectionsData
    from attune_infra.settings import Settings


def lines(listing: Listing) -> Iterator[Line]:
    if not listing.connections:
        yield Line(f"no connections in {listing.file}" if listing.file else "no configuration file is given")
        return
    for each in listing.connections:
        level = Level.NORMAL if each.target else Level.PROBLEM
        yield from at_level(level, _lines_of(each))


def _lines_of(listed: Listed) -> Iterator[Line]:
    """Yield the answer first, and the place below it."""
    sign, style = ("  ", "") if listed.target else ("! ", "red")
    protected = " (protected)" if listed.protected else ""
    yield Line(f"{sign}{listed.name}{protected}: {_answer(listed)}", style)
    if listed.settings is not None:
        yield Line(f"      {_place(listed.settings)}")


def data(listing: Listing) -> ConnectionsData:
    return {
        "file": str(listing.file) if listing.file else None,
        "connections": [_data(each) for each in listing.connections],
    }


def _place(settings: Settings) -> str:
    return f"{settings.amqp.base_url}, virtual host {settings.virtual_host}, user {settings.amqp.user}"


def _answer(listed: Listed) -> str:
    if listed.target is None:
        return listed.trouble or ""
    host = f", host {listed.target.host}" if listed.target.host else ""
    return f"answers: cluster {listed.target.cluster}, RabbitMQ {listed.target.version}{host}"


def _data(listed: Listed) -> ConnectionData:
    settings = listed.settings
    return {
        "name": listed.name,
        "protected": listed.protected,
        "amqp": settings.amqp.base_url if settings else None,
        "management": settings.management.base_url if settings else None,
        "virtual_host": settings.virtual_host if settings else None,
        "user": settings.amqp.user if settings else None,
        "expect_cluster": [each.cluster for each in settings.expected] if settings else None,
        "answers": listed.target is not None,
        "target": target_data(listed.target) if listed.target else None,
        "trouble": listed.trouble,
    }
