"""Values -> plain data for JSON, each stamped with its schema and sorted, so that runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from attune_infra.render.page import page_of

if TYPE_CHECKING:
    from attune_infra.render.showable import Showable


Data: TypeAlias = dict[str, Any]


def in_order(items: Iterable[Data]) -> list[Data]:
    """Return the items sorted by their JSON text."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def document(command: str, shown: Showable, exit_code: int) -> str:
    """Return the JSON text of a command's result."""
    stamped = {"schema": f"attune-infra/{command}/1", "exit_code": exit_code, **page_of(shown).data(shown)}
    return json.dumps(stamped, indent=2, sort_keys=True, ensure_ascii=False)
