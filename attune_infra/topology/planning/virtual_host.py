"""The settings of a virtual host in a plan: its default queue type, which RabbitMQ 3.10 does not have."""

from __future__ import annotations

from dataclasses import replace

from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, NEWEST
from attune_infra.topology.model import Topology


def with_wanted_type(have: Topology, want: Topology) -> Topology:
    """Return the objects of a broker with the default queue type after the plan, where the release has one."""
    wanted = want.virtual_host and want.virtual_host.default_queue_type
    if not wanted or not _has_default_type(have):
        return have
    return replace(have, default_queue_type=wanted)


def as_release_takes_it(want: Topology, have: Topology) -> tuple[Topology, str]:
    """Return the wanted topology for the release of a broker, and a sentence if it ignores a part of it."""
    settings = want.virtual_host
    if settings is None or settings.default_queue_type is None or _has_default_type(have):
        return want, ""
    sentence = (
        f"RabbitMQ before 3.11 ignores the default queue type '{settings.default_queue_type}' of virtual host"
        f" {settings.name}: queues without a type are classic"
    )
    return replace(want, virtual_host=replace(settings, default_queue_type=None)), sentence


def _has_default_type(have: Topology) -> bool:
    return (have.version or NEWEST) >= FIRST_WITH_DEFAULT_QUEUE_TYPE
