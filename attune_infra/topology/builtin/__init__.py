"""The topologies the tool knows by name, as documents."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from attune_infra.topology.model import Topology
from attune_infra.topology.parse import parse


@cache
def attune() -> Topology:
    """Return the topology of the Attune platform."""
    return parse(files(__name__).joinpath("attune.yaml").read_text(encoding="utf-8"), source="attune.yaml")
