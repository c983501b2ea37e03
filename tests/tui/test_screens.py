"""The screens of the live view at 80x24, compared with the files in `screens/`.

`WRITE_SCREENS=1 pytest tests/tui/test_screens.py` rewrites the stored screens; read the diff before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from attune_infra.fleet.health import examine as examine_workers
from attune_infra.fleet.model import Depth, Fleet, Limits, Member, Sighting
from attune_infra.fleet.queues import Numbers, Queues, examine
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Policy, Queue, Topology
from attune_infra.topology.worker import with_workers
from attune_infra.tui.app import WatchApp
from attune_infra.tui.sources import Sources
from support.live_view import settled, until, watch

SCREENS = Path(__file__).with_name("screens")
NODES = ("rabbit@one", "rabbit@two")


def queues() -> Queues:
    more: list[Queue | Policy] = [
        Queue(name="billing.invoices.of.all.customers.in.the.archive.of.2019", type="quorum", state="down"),
        Queue(name="old\x1b[31m.reports"),
        Policy(name="limits", pattern="^billing", definition={"max-length": 9}, apply_to="queues"),
    ]
    topology = Topology.of([*with_workers(attune(), range(1, 31)).objects(), *more])
    numbers = {
        name: Numbers(
            depth=Depth(place * 1000, place % 3),
            consumers=place % 2,
            rate_in=place / 3,
            rate_out=place * 150.0,
            idle=None if place % 2 else place * 400.0,
            node=NODES[place % 2],
        )
        for place, name in enumerate(sorted(topology.queues))
    }
    return examine(topology, numbers)


def workers() -> Fleet:
    members = {
        each: Member(id=each, name=f"worker-{each}", status="active", heartbeat_age=each * 9.0)
        for each in range(1, 31)
    }
    topology = with_workers(attune(), [each for each in members if each % 10])
    tags = {f"worker.{each}.executions": (f"worker-{each}",) for each in members}
    seen = Sighting(topology=topology, depths={}, consumer_tags=tags, members=members)
    return examine_workers(seen, attune(), Limits())


SOURCES = Sources(
    title=lambda: "attune-infra: virtual host / of cluster rabbit@prod", queues=queues, workers=workers
)

KEYS: dict[str, tuple[str, ...]] = {
    "queues": (),
    "sorted_by_ready": ("s", "s", "s", "down", "down"),
    "filtered": ("f", "f", "f", "f"),
    "searched": ("slash", "b", "i", "l", "l"),
    "last": ("end",),
    "details": ("slash", "e", "v", "e", "n", "t", "s", ".", "enter", "enter"),
    "down": ("enter",),
    "workers": ("2",),
    "workers_with_findings": ("2", "f"),
    "worker": ("2", "f", "enter"),
    "search_kept": ("slash", "b", "i", "l", "l", "enter"),
    "search_cleared": ("slash", "b", "i", "l", "l", "escape"),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_screen_is_as_it_was(name: str) -> None:
    app = WatchApp(SOURCES, every=3600)
    assert _screen(app, KEYS[name], (80, 24)) == _stored(app, name)


@pytest.mark.parametrize("size", [(40, 10), (200, 50), (20, 6)])
def test_it_fits_other_sizes(size: tuple[int, int]) -> None:
    lines = _screen(WatchApp(SOURCES, every=3600), (), size)

    assert len(lines) == size[1]
    assert max(map(len, lines)) <= size[0]
    assert all(line.isprintable() for line in lines)


def _screen(app: WatchApp, keys: tuple[str, ...], size: tuple[int, int]) -> list[str]:
    shown: list[str] = []

    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, "looking", gone=True)
        await pilot.press(*keys)
        shown[:] = await settled(pilot)

    watch(app, act, size)
    return shown


def _stored(app: WatchApp, name: str) -> list[str]:
    file = SCREENS / f"{name}.txt"
    if os.environ.get("WRITE_SCREENS"):
        lines = _screen(WatchApp(app.sources, every=3600), KEYS[name], (80, 24))
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file.read_text(encoding="utf-8").splitlines()
