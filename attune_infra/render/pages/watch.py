"""The fleet on a screen of a given size, and the effect of keys on it. Draws nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from attune_infra.fleet.model import Fleet, FleetWorker
from attune_infra.render.pages.fleet import HEADINGS, STYLES, cells, summary
from attune_infra.render.text import Line
from attune_infra.render.words import visible
from attune_infra.topology.verify import Verdict

_WIDTHS: Final = {"": 1, "id": 6, "name": 16, "status": 8, "heartbeat": 9, "ready": 6, "unacked": 7}
"""The columns of a screen and their widths. The verdict gets the rest."""
_RIGHT: Final = frozenset({"id", "heartbeat", "ready", "unacked"})
_KEYS: Final = "arrows, page up and down: scroll   w: only findings   q: quit"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of the fleet that is shown."""

    offset: int = 0
    only_wrong: bool = False
    name: str = ""
    """Show only workers with this in their names."""

    def select(self, fleet: Fleet) -> tuple[FleetWorker, ...]:
        return tuple(
            worker
            for worker in fleet.workers
            if (not self.only_wrong or worker.verdict is not Verdict.PASSED)
            and self.name in (worker.member.name if worker.member else "")
        )

    def press(self, key: str, *, rows: int, page: int) -> View:
        """Return the view after a key; `rows` workers are selected, and `page` of them fit on the screen."""
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page, "home": -rows, "end": rows}
        if key == "w":
            return replace(self, only_wrong=not self.only_wrong, offset=0)
        return replace(self, offset=max(0, min(self.offset + steps.get(key, 0), rows - page)))


def page_size(height: int) -> int:
    """Return the number of workers that fit on a screen, beside title, headings, summary and keys."""
    return max(height - 4, 1)


def screen(fleet: Fleet, view: View, *, width: int, height: int, trouble: str | None = None) -> list[Line]:
    """Return at most `height` lines of at most `width` characters."""
    shown = view.select(fleet)
    page = page_size(height)
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
        Line(f"shown: {where}, only findings" if view.only_wrong else f"shown: {where}"),
        Line(_KEYS),
    ]
    return [Line(visible(line.text)[:width], line.style) for line in lines]


def _row(cells: dict[str, str], width: int) -> str:
    fixed = " ".join(_fit(cells[name], size, right=name in _RIGHT) for name, size in _WIDTHS.items())
    return f"{fixed}  {_fit(cells['verdict'], max(width - len(fixed) - 2, 1))}".rstrip()


def _fit(text: str, size: int, *, right: bool = False) -> str:
    short = text if len(text) <= size else f"{text[: size - 1]}…"
    return short.rjust(size) if right else short.ljust(size)
