"""Plain data for JSON, with its schema and sorted, so that two runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from attune_infra.topology.target import Target

Data: TypeAlias = dict[str, Any]


def sort_data(items: Iterable[Data]) -> list[Data]:
    """Return the items sorted by their JSON text."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def json_document(command: str, data: Data, exit_code: int, target: Target | None = None) -> str:
    """Return the JSON text of a command's result; `target` is the broker that it asked."""
    stamped = {"schema": f"attune-infra/{command}/1", "exit_code": exit_code, **data}
    if target is not None:
        stamped["target"] = asdict(target)
    return json.dumps(stamped, indent=2, sort_keys=True, ensure_ascii=False)
