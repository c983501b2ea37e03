"""YAML nodes <-> the section `virtual_hosts`: the settings of each, and a document for what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import yaml

from attune_infra.topology.document.keys import (
    OF_BROKER,
    SECTION_OF_VIRTUAL_HOSTS,
    WITHIN_VIRTUAL_HOST,
)
from attune_infra.topology.document.nodes import Entry
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.facts.virtual_hosts import PROTECTION, SETTINGS
from attune_infra.topology.model import Argument, Topology, VirtualHost

_SHARED: Final = ("topology", "expect_cluster", "protect")
_BESIDE: Final = (*_SHARED, "extends", "variables", SECTION_OF_VIRTUAL_HOSTS, *OF_BROKER)
"""Keys of a document that may stand beside its virtual hosts."""
_KEYS: Final = (*SETTINGS, *WITHIN_VIRTUAL_HOST)


def read_virtual_hosts(
    document: Objects,
    keys: Mapping[str, yaml.Node],
    read: Callable[[Objects, Mapping[str, yaml.Node], VirtualHost], Topology],
) -> Iterator[tuple[str, Topology]]:
    """Yield the name and the topology of each virtual host, which `read` makes of its keys."""
    for name in keys:
        if name not in _BESIDE:
            what = f"'{name}' stands beside virtual_hosts; move it into the virtual host that it is for"
            document.problem(keys[name], what)
    shared = {name: keys[name] for name in _SHARED if name in keys}
    of_broker = {name: keys[name] for name in OF_BROKER if name in keys}
    entries = document.entries(keys[SECTION_OF_VIRTUAL_HOSTS], SECTION_OF_VIRTUAL_HOSTS)
    if not entries:
        document.problem(keys[SECTION_OF_VIRTUAL_HOSTS], "virtual_hosts names no virtual host")
    for name, entry in entries.items():
        what = f"virtual host '{name}'"
        places = None if document.places is None else document.places.within(name)
        part = replace(document, bound=[], places=places, here=what)
        inner = part.mapping(entry.value, what, _KEYS)
        settings = _settings(part, name, entry, inner)
        within = {key: node for key, node in inner.items() if key in WITHIN_VIRTUAL_HOST}
        yield name, read(part, {**shared, **of_broker, **within}, settings)
        of_broker = {}


def _settings(document: Objects, name: str, entry: Entry, keys: Mapping[str, yaml.Node]) -> VirtualHost:
    def text(key: str) -> str | None:
        return document.string(keys[key], "") if key in keys else None

    tags = [document.string(each, "") for each in document.sequence(keys.get("tags"), "tags")]
    found = VirtualHost(
        name=name,
        description=text("description"),
        tags=tuple(sorted(dict.fromkeys(tags))) if "tags" in keys else None,
        default_queue_type=text("default_queue_type"),
        protected_from_deletion=document.boolean(keys[PROTECTION], default=False) if PROTECTION in keys else None,
    )
    parts = Parts(entry.key, keys, {})
    document.judge(found, parts)
    document.note(found, parts)
    return found


def settings_section(virtual_host: VirtualHost | None) -> dict[str, Argument]:
    """Return the keys that say what a virtual host is, as `read_virtual_hosts` reads them."""
    if virtual_host is None:
        return {}
    tags = None if virtual_host.tags is None else list[Argument](virtual_host.tags)
    found = {
        "description": virtual_host.description,
        "tags": tags,
        "default_queue_type": virtual_host.default_queue_type,
        PROTECTION: virtual_host.protected_from_deletion,
    }
    return {name: value for name, value in found.items() if value is not None}
