"""The settings of a virtual host in a plan, and those that the release of the broker ignores."""

from __future__ import annotations

from dataclasses import replace

from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, NEWEST
from attune_infra.topology.facts.virtual_hosts import ignored_settings
from attune_infra.topology.model import Topology


def with_wanted_type(have: Topology, want: Topology) -> Topology:
    """Return the objects of a broker with the default queue type after the plan, where the release has one."""
    wanted = want.virtual_host and want.virtual_host.default_queue_type
    if not wanted or not _has_default_type(have):
        return have
    return replace(have, default_queue_type=wanted)


def as_release_takes_it(want: Topology, have: Topology) -> tuple[Topology, tuple[str, ...]]:
    """Return the wanted topology for the release of a broker, and a sentence for each part that it ignores."""
    settings = want.virtual_host
    if settings is None or not (ignored := dict(ignored_settings(settings, have))):
        return want, ()
    kept = replace(settings, **dict.fromkeys(ignored))  # type: ignore[arg-type] # each may be None
    return replace(want, virtual_host=kept), tuple(ignored.values())


def _has_default_type(have: Topology) -> bool:
    return (have.version or NEWEST) >= FIRST_WITH_DEFAULT_QUEUE_TYPE
