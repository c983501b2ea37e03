"""Characters that do not show as themselves."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cs", "Co", "Cn"}
_DIRECTION = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029)}
"""Characters that turn the direction of what follows, or break a line."""


def is_hidden(character: str) -> bool:
    """Return whether a character acts on what shows it, turns the direction of writing, or means nothing yet."""
    return unicodedata.category(character) in _HIDDEN or character in _DIRECTION
