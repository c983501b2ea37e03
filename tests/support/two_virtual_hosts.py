"""A document of two virtual hosts that no broker has before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError
from support.virtual_host import VirtualHost

DOCUMENT: Final = """\
topology: platform
virtual_hosts:
  {a}:
    description: Orders
    tags: [shop]
    manages: ['.*']
    exchanges: {{orders: {{type: topic}}}}
    queues: {{orders.new: {{bindings: [{{exchange: orders, routing_key: new}}]}}}}
    routes: [{{publish: {{exchange: orders, routing_key: new}}, reaches: [orders.new]}}]
  {b}:
    queues: {{jobs: {{}}}}
"""


class Platform:
    """A document, and the names of its two virtual hosts."""

    def __init__(self, file: Path, names: tuple[str, str]) -> None:
        self.file, self.names = file, names
        self.write(DOCUMENT)

    def write(self, text: str) -> None:
        self.file.write_text(text.format(a=self.names[0], b=self.names[1]), encoding="utf-8")


@contextmanager
def platform_beside(vhost: VirtualHost, management: Management, folder: Path) -> Iterator[Platform]:
    """Yield a document whose virtual hosts are named after another one, and delete them at the end."""
    stem = re.sub(r"\W", "-", vhost.name)
    names = (f"{stem}-a", f"{stem}-b")
    yield Platform(folder / "platform.yaml", names)
    for name in names:
        try:
            management.delete("vhosts", name)
        except BrokerError:
            continue
