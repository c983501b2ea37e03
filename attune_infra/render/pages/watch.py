"""The fleet on a screen of a given size: what is shown, and what a key does to it. Draws nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from attune_infra.fleet.model import Fleet, FleetWorker
from attune_infra.render.pages.fleet import HEADINGS, STYLES, cells, summary
from attune_infra.render.text import Line
from attune_infra.render.words import visible
from attune_infra.topology.verify import Verdict

_WIDTHS: Final = {"": 1, "id": 6, "name": 16, "status": 8, "heartbeat": 9, "ready": 6, "unacked": 7}
"""The columns that stand on a screen, and how wide they are; the verdict gets what is left of 80 or more."""
_RIGHT: Final = frozenset({"id", "heartbeat", "ready", "unacked"})
_KEYS: Final = "arrows, page up and down: scroll   w: only what is wrong   q: leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which part of the fleet is looked at."""

    offset: int = 0
    only_wrong: bool = False
    name: str = ""
    """Only workers whose names have this in them."""

    def of(self, fleet: Fleet) -> tuple[FleetWorker, ...]:
        return tuple(
            worker
            for worker in fleet.workers
            if (not self.only_wrong or worker.verdict is not Verdict.PASSED)
            and self.name in (worker.member.name if worker.member else "")
        )

    def pressed(self, key: str, *, rows: int, page: int) -> View:
        """Return the view after a key, for so many workers of which a page fits on the screen."""
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page, "home": -rows, "end": rows}
        if key == "w":
            return replace(self, only_wrong=not self.only_wrong, offset=0)
        return replace(self, offset=max(0, min(self.offset + steps.get(key, 0), rows - page)))


def page_of(height: int) -> int:
    """Return how many workers fit on a screen: beside title, headings, summary and keys."""
    return max(height - 4, 1)


def screen(fleet: Fleet, view: View, *, width: int, height: int, trouble: str | None = None) -> list[Line]:
    """Return no more than `height` lines of no more than `width` characters."""
    shown = view.of(fleet)
    page = page_of(height)
    first = max(0, min(view.offset, len(shown) - page))
    part = shown[first : first + page]
    rows = [
        Line(_row(dict(zip(HEADINGS, cells(worker), strict=True)), width), STYLES[worker.verdict])
        for worker in part
    ]
    where = f"{first + 1} to {first + len(part)} of {len(shown)}" if part else "none"
    lines = [
        Line(trouble or summary(fleet), "red" if trouble else ""),
        Line(_row({name: name for name in HEADINGS}, width), "bold"),
        *rows,
        Line(f"shown: {where}" + ", only what is wrong" * view.only_wrong),
        Line(_KEYS),
    ]
    return [Line(visible(line.text)[:width], line.style) for line in lines]


def _row(cells: dict[str, str], width: int) -> str:
    fixed = " ".join(_fitted(cells[name], size, right=name in _RIGHT) for name, size in _WIDTHS.items())
    return f"{fixed}  {_fitted(cells['verdict'], max(width - len(fixed) - 2, 1))}".rstrip()


def _fitted(text: str, size: int, *, right: bool = False) -> str:
    short = text if len(text) <= size else f"{text[: size - 1]}…"
    return short.rjust(size) if right else short.ljust(size)
