"""Super streams as the operator makes them: what a resource of the kind SuperStream stands for.

The operator makes resources for an exchange, streams and bindings, and calls them after the SuperStream. The
exchange has its name, and no argument: the mark of other super streams is missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from attune_infra.topology.document.foreign.slugs import is_dns_subdomain
from attune_infra.topology.document.sections.super_streams import SuperStream, split_super_streams
from attune_infra.topology.model import Argument, Topology

SUPER_STREAM: Final = "SuperStream"
_KEY: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""A routing key that can be part of the name of a resource."""


def names_of_resources(parts: Sequence[Topology]) -> Collection[str]:
    """Return the names of exchanges and queues, which may be those of resources too."""
    return {name for each in parts for name in (*each.exchanges, *each.queues)}


def split_super_streams_of_operator(
    topology: Topology, taken: Collection[str], made_elsewhere: Collection[str]
) -> tuple[Sequence[SuperStream], Topology]:
    """Return the super streams that are exactly what the operator makes, and the topology without their objects.

    One is none if Kubernetes refuses the name of a resource that the operator would make for it, or if that is
    `taken`; or if a super stream of another virtual host has its name.
    """

    def can_be_made(stream: SuperStream) -> bool:
        numbers = range(len(stream.keys))
        made = {f"{stream.name}-exchange", *(f"{stream.name}-partition-{number}" for number in numbers)}
        names = {stream.name, *made, *(f"{stream.name}-binding-{key}" for key in stream.keys)}
        is_named = all(map(_KEY.fullmatch, stream.keys)) and all(map(is_dns_subdomain, names))
        is_free = made.isdisjoint(taken) and stream.name not in made_elsewhere
        return is_named and is_free and not stream.arguments

    return split_super_streams(topology, mark={}, choose=can_be_made)


def spec_of_super_stream(stream: SuperStream, vhost: str) -> dict[str, Argument]:
    keys: dict[str, Argument] = {} if stream.is_numbered else {"routingKeys": [*stream.keys]}
    return {"name": stream.name, "vhost": vhost, "partitions": len(stream.keys), **keys}
