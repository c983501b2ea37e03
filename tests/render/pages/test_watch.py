"""The screen of `worker watch`, in several sizes."""

from __future__ import annotations

import pytest

from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Fleet, Limits, Member, Sighting
from attune_infra.render.pages.watch import View, page_size, screen
from attune_infra.topology.builtin import attune
from attune_infra.topology.worker import with_workers


def fleet_of(size: int) -> Fleet:
    """Workers of which every tenth lacks its queue."""
    ids = range(1, size + 1)
    return examine(
        Sighting(
            topology=with_workers(attune(), [each for each in ids if each % 10]),
            depths={},
            consumer_tags={f"worker.{each}.executions": (f"worker-{each}",) for each in ids},
            members={
                each: Member(
                    id=each, name=f"worker-{each}.of\x1b.a.long.name", status="active", heartbeat_age=each
                )
                for each in ids
            },
        ),
        attune(),
        Limits(heartbeat_age=1e9),
    )


MANY = fleet_of(2000)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (80, 5), (40, 10), (1, 1)])
def test_it_fits(width: int, height: int) -> None:
    lines = screen(MANY, View(), width=width, height=height)

    assert len(lines) == max(height, 5)
    assert max(len(line.text) for line in lines) <= width
    assert all(line.text.isprintable() for line in lines)


def test_at_80_columns_all_that_matters_can_be_read() -> None:
    lines = [line.text for line in screen(MANY, View(offset=5), width=80, height=10)]

    assert lines == [
        "2000 workers: 1800 passed, 200 failed",
        "      id name             status   heartbeat  ready unacked  verdict",
        "       6 worker-6.of\\x1b… active         6 s      0       0  ok",
        "       7 worker-7.of\\x1b… active         7 s      0       0  ok",
        "       8 worker-8.of\\x1b… active         8 s      0       0  ok",
        "       9 worker-9.of\\x1b… active         9 s      0       0  ok",
        "!     10 worker-10.of\\x1… active        10 s      0       0  queue missing",
        "      11 worker-11.of\\x1… active        11 s      0       0  ok",
        "shown: 6 to 11 of 2000",
        "arrows, page up and down: scroll   w: only findings   q: quit",
    ]


def test_keys_scroll_as_far_as_there_is_something() -> None:
    page, view = page_size(24), View()
    for key, offset in (
        ("up", 0),
        ("down", 1),
        ("page down", 21),
        ("end", 1980),
        ("page down", 1980),
        ("page up", 1960),
        ("home", 0),
        ("?", 0),
    ):
        view = view.press(key, rows=2000, page=page)
        assert view.offset == offset, key
    assert View().press("down", rows=3, page=page).offset == 0


def test_only_what_is_wrong_and_only_some_names() -> None:
    wrong = View(offset=7).press("w", rows=2000, page=20)

    assert (wrong.only_wrong, wrong.offset, len(wrong.select(MANY))) == (True, 0, 200)
    assert screen(MANY, wrong, width=80, height=24)[-2].text == "shown: 1 to 20 of 200, only findings"
    assert len(View(name="worker-19").select(MANY)) == 111
    assert screen(MANY, View(name="nobody"), width=80, height=24)[-2].text == "shown: none"


def test_trouble_is_said_and_what_was_seen_stays() -> None:
    lines = screen(fleet_of(2), View(), width=80, height=24, trouble="cannot reach it")

    assert (lines[0].text, lines[0].style) == ("cannot reach it", "red")
    assert len(lines) == 6
