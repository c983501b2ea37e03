"""The named connections of a configuration file, without their passwords."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.render.data import Data
from attune_infra.render.text import Line, align
from attune_infra.topology.target import Listed, Listing


def lines(listing: Listing) -> Iterator[Line]:
    if not listing.connections:
        yield Line(f"no connections in {listing.file}" if listing.file else "no configuration file is given")
        return
    rows = [_row(each) for each in listing.connections]
    for each, text in zip(listing.connections, align(rows), strict=True):
        yield Line(text, "" if each.target else "red")


def data(listing: Listing) -> Data:
    return {
        "file": str(listing.file) if listing.file else None,
        "connections": [_data(each) for each in listing.connections],
    }


def _row(listed: Listed) -> list[str]:
    sign = " " if listed.target else "!"
    return [f"{sign} {listed.name}", "protected" if listed.protected else "", _place(listed), _answer(listed)]


def _place(listed: Listed) -> str:
    settings = listed.settings
    if settings is None:
        return ""
    return f"{settings.amqp.base_url}, virtual host {settings.virtual_host}, user {settings.amqp.user}"


def _answer(listed: Listed) -> str:
    if listed.target is None:
        return listed.trouble or ""
    return f"answers: cluster {listed.target.cluster}, RabbitMQ {listed.target.version}"


def _data(listed: Listed) -> Data:
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
        "target": asdict(listed.target) if listed.target else None,
        "trouble": listed.trouble,
    }
