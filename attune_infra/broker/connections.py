"""The connections of one virtual host: HTTP and AMQP, each opened at its first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attune_infra.broker.management import Management
from attune_infra.topology.permissions.needs import Denied, Over

if TYPE_CHECKING:
    from attune_infra.broker.amqp import Amqp
    from attune_infra.settings import Settings


class Connections:
    """HTTP and AMQP for the virtual host of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def http(self) -> Management:
        return Management(self.settings)

    @cached_property
    def amqp(self) -> Amqp:
        from attune_infra.broker.amqp import Amqp

        return Amqp(self.settings)

    def denied(self, over: Over) -> Denied:
        """Return the user of one of the two connections, who was denied something."""
        endpoint = self.settings.amqp if over is Over.AMQP else self.settings.management
        return Denied(over, endpoint.user, self.settings.virtual_host)

    def close(self, *, interrupted: bool = False) -> None:
        """Close what is open; without AMQP's handshake if a frame may have been interrupted."""
        if "amqp" in vars(self):
            if interrupted:
                self.amqp.forget()
            self.amqp.close()
        if "http" in vars(self):
            self.http.close()
