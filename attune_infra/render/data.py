"""Values -> plain data for JSON, each stamped with its schema and sorted, so that runs can be compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attune_infra.render.pages import page_of

if TYPE_CHECKING:
    from attune_infra.render.showable import Showable


def document(command: str, shown: Showable, exit_code: int) -> str:
    """Return the JSON text of a command's result."""
    stamped = {"schema": f"attune-infra/{command}/1", "exit_code": exit_code, **page_of(shown).data(shown)}
    return json.dumps(stamped, indent=2, sort_keys=True, ensure_ascii=False)
