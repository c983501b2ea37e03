"""What JSON is made of: plain data, in an order that does not depend on the run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

Data: TypeAlias = dict[str, Any]


def in_order(items: Iterable[Data]) -> list[Data]:
    """Return the items sorted by their JSON text."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
