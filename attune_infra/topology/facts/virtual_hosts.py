"""Virtual hosts: the settings that RabbitMQ takes.

Tried on 3.10, 4.0 and 4.3. A request that sets a virtual host replaces its description and its tags, and on 4.3
the default queue type too. 4.0 and 4.3 refuse a default queue type that is none; 3.10 has none, and ignores it.
4.0 takes any text for a virtual host that exists. No release refuses a tag; 3.10 garbles those that are not ASCII.

Protection from deletion came with 4.0.6, says its list of changes. On 4.3.6, it has a request of its own: the one
that sets a virtual host leaves it as it is, and ignores it in its body. Definitions set it, under `metadata`.
3.10.8 and 4.0.5 answer 405, list no such key, and ignore it in definitions without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.names import user_name_problem
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, NEWEST
from attune_infra.topology.model import Topology, VirtualHost
from attune_infra.topology.words import either, guess

PROTECTION: Final = "protected_from_deletion"
SETTINGS: Final = ("description", "tags", "default_queue_type", PROTECTION)
"""The attributes that can differ, and be changed in place."""

_FIRST_WITH_PROTECTION: Final = (4, 0, 6)

TAG: Final = r"[!-+\--~]+"
"""The form of a tag, as a regular expression."""


def lacking_settings(version: str) -> frozenset[str]:
    """Return `protected_from_deletion` for a version of RabbitMQ that does not know it, such as `4.0.5`."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    release = tuple(int(part or 0) for part in found.groups()) if found else _FIRST_WITH_PROTECTION
    return frozenset() if release >= _FIRST_WITH_PROTECTION else frozenset({PROTECTION})


def ignored_settings(want: VirtualHost, have: Topology) -> Iterator[tuple[str, str]]:
    """Yield each wanted setting that the release of a broker ignores, and what that means."""
    kind, there = want.default_queue_type, have.virtual_host
    if kind is not None and (have.version or NEWEST) < FIRST_WITH_DEFAULT_QUEUE_TYPE:
        what = f"RabbitMQ before 3.11 ignores the default queue type '{kind}' of virtual host {want.name}"
        yield "default_queue_type", f"{what}: queues without a type are classic"
    lacks = PROTECTION in have.lacking if there is None else there.protected_from_deletion is None
    if want.protected_from_deletion and lacks:
        what = "RabbitMQ before 4.0.6 cannot protect a virtual host from deletion"
        yield PROTECTION, f"{what}: virtual host {want.name} is not protected"


def virtual_host_problems(item: VirtualHost) -> Iterator[tuple[str, str]]:
    """Yield the problems of a virtual host: the attribute at fault, and a sentence."""
    if what := user_name_problem(item.name):
        yield "name", f"the name of the virtual host {what}"
    kind = item.default_queue_type
    if kind is not None and kind not in QUEUE_TYPES:
        yield "default_queue_type", f"expected {either(QUEUE_TYPES)}, got '{kind}'{guess(kind, QUEUE_TYPES)}"
    for tag in item.tags or ():
        if not re.fullmatch(TAG, tag):
            yield "tags", f"a tag is made of visible ASCII characters except the comma, got '{tag}'"
