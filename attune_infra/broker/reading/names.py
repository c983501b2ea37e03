"""Names of objects in a virtual host, listed quickly for completion."""

from __future__ import annotations

import re
from typing import Final

from attune_infra.broker import answers
from attune_infra.broker.http.management import Management
from attune_infra.settings import Settings

MAX_NAMES: Final = 500
_NOT_PAGED: Final = frozenset({"policies"})


def names_of(settings: Settings, kind: str, beginning: str) -> list[str]:
    """Return the first names of `queues`, `exchanges` or `policies` that begin so; raise `BrokerError`."""
    query = {"columns": "name", "disable_stats": "true"}
    if kind not in _NOT_PAGED:
        query |= {
            "page": "1",
            "page_size": str(MAX_NAMES),
            "use_regex": "true",
            "name": f"^{re.escape(beginning)}",
        }
    management = Management(settings)
    try:
        shape = answers.NAMES if kind in _NOT_PAGED else answers.NAMES_FOUND
        found = management.get(kind, settings.virtual_host, shape=shape, **query)
    finally:
        management.close()
    items = found if isinstance(found, list) else found["items"]
    return sorted(item["name"] for item in items if item["name"].startswith(beginning))
