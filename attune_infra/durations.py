"""Durations as people write them: `24h`, `30m`, `1h30m`, `500ms`."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
"""Milliseconds in each unit."""

EXAMPLES: Final = "90s, 30m, 24h or 7d"
PATTERN: Final = r"([0-9]{1,15}(ms|s|m|h|d|w))+"
"""Every duration matches it as a whole; also a regular expression of JSON Schema."""

_PART: Final = re.compile(r"([0-9]{1,15})(ms|s|m|h|d|w)", re.ASCII)


def milliseconds(text: str) -> int | None:
    """Return the milliseconds of a duration; None if the text is none, such as a number without a unit."""
    if not re.fullmatch(PATTERN, text, re.ASCII):
        return None
    return sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))
