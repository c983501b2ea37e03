"""Virtual hosts: the settings that RabbitMQ takes.

Tried on 3.10, 4.0 and 4.3. A request that sets a virtual host replaces its description and its tags, and on 4.3
the default queue type too. 4.0 and 4.3 refuse a default queue type that is none; 3.10 has none, and ignores it.
4.0 takes any text for a virtual host that exists. No release refuses a tag; 3.10 garbles those that are not ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.names import user_name_problem
from attune_infra.topology.model import VirtualHost
from attune_infra.topology.words import either, guess

SETTINGS: Final = ("description", "tags", "default_queue_type")
"""The attributes that can differ, and be changed in place."""

TAG: Final = r"[!-+\--~]+"
"""The form of a tag, as a regular expression."""


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
