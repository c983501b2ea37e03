"""What text is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; the style is the name of a colour, or empty."""

    text: str
    style: str = ""
