"""Definitions JSON for tests: the objects of its sections, and what is read of them."""

from __future__ import annotations

import json
from typing import Any

from attune_infra.broker.http.management import Management, path
from attune_infra.topology.document.definitions.virtual_host import parse_definitions
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.model import Topology
from support.problems import definitions_problems
from support.virtual_host import VirtualHost

_JSON = {"Content-Type": "application/json"}


def exchange(**changes: Any) -> dict[str, Any]:
    return {"name": "e", "type": "topic", "durable": True, "auto_delete": False, "internal": False} | changes


def queue(**changes: Any) -> dict[str, Any]:
    return {"name": "q", "durable": True, "auto_delete": False, "arguments": {}} | changes


def binding(**changes: Any) -> dict[str, Any]:
    end = {"source": "e", "destination": "q", "destination_type": "queue", "routing_key": "k"}
    return end | {"arguments": {}} | changes


def policy(**changes: Any) -> dict[str, Any]:
    return {"name": "p", "pattern": "^q", "definition": {"max-length": 5}} | changes


def without(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def read(vhost: str | None = None, **members: object) -> tuple[Topology, tuple[LeftOut, ...]]:
    return parse_definitions(json.dumps(members), source="x.json", vhost=vhost)


def problem(**members: object) -> str:
    [found] = definitions_problems(json.dumps(members))
    return found.partition(": ")[2]


def load(management: Management, vhost: VirtualHost, text: str) -> None:
    """Have RabbitMQ itself load definitions into a virtual host."""
    url = management.url + path("definitions", vhost.name)
    management._request("POST", url=url, data=text.encode(), auth=management.auth, headers=_JSON)
