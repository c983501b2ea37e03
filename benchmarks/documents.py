"""Definitions of the objects to make or look for: one file for all contestants, written by the program itself.

They leave out the policy of the built-in topology, which most contestants cannot make.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from attune_infra.topology.builtin import attune
from attune_infra.topology.document.definitions.virtual_host import write_definitions
from attune_infra.topology.model import Topology
from attune_infra.topology.worker import topology_of_workers, with_workers
from benchmarks.contestant import Document

BUILT_IN = replace(attune(), policies={})


def base(folder: Path) -> Document:
    """Return the built-in topology, without workers."""
    return _write(BUILT_IN, folder / "base.json", workers=0)


def workers(folder: Path, count: int) -> Document:
    """Return the queues and bindings of so many workers, and the exchange that they bind to."""
    topology = topology_of_workers(BUILT_IN, range(1, count + 1))
    return _write(topology, folder / f"workers-{count}.json", workers=count)


def everything(folder: Path, count: int) -> Document:
    """Return the built-in topology and so many workers."""
    topology = with_workers(BUILT_IN, range(1, count + 1))
    return _write(topology, folder / f"everything-{count}.json", workers=count)


def _write(topology: Topology, path: Path, *, workers: int) -> Document:
    text = write_definitions(topology)
    path.write_text(text, encoding="utf-8")
    sections = json.loads(text)
    return Document(
        path=path,
        workers=workers,
        exchanges=tuple(sections["exchanges"]),
        queues=tuple(sections["queues"]),
        bindings=tuple(sections["bindings"]),
    )
