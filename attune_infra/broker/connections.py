"""The connections to one broker: HTTP and AMQP, each opened at its first use, and both to the same cluster."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from attune_infra.broker.management import Management, Overview
from attune_infra.errors import WrongTarget
from attune_infra.topology.permissions.needs import Denied, Over
from attune_infra.topology.target import Target

if TYPE_CHECKING:
    from attune_infra.broker.amqp import Amqp
    from attune_infra.settings import Settings

TWO_URLS: Final = (
    "give both URLs of one broker; without a management URL it is looked for beside AMQP, at port 15672; "
    "a named connection holds both"
)


class Connections:
    """HTTP and AMQP for the virtual host of the settings.

    As soon as both are known, `WrongTarget` is raised if they lead to clusters of different names.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._over_amqp: Target | None = None
        self._overview: Overview | None = None

    @cached_property
    def http(self) -> Management:
        return Management(self.settings)

    @cached_property
    def amqp(self) -> Amqp:
        from attune_infra.broker.amqp import Amqp

        return Amqp(self.settings, on_open=self._note_amqp)

    def overview(self) -> Overview:
        """Ask the management API which broker it is, unless it has answered before."""
        if self._overview is None:
            self._overview = self.http.overview()
        self._compare()
        return self._overview

    def target(self) -> Target:
        """Return the broker as the management API names it."""
        overview, settings = self.overview(), self.settings
        same_user = settings.management.user == settings.amqp.user
        return Target(
            cluster=overview.cluster,
            node=overview.node,
            version=overview.version,
            virtual_host=settings.virtual_host,
            user=settings.amqp.user,
            management_user=None if same_user else settings.management.user,
            connection=settings.connection,
        )

    def _note_amqp(self, target: Target) -> None:
        self._over_amqp = target
        self._compare()

    def _compare(self) -> None:
        here, there = self._over_amqp, self._overview
        if here and there and here.cluster and there.cluster and here.cluster != there.cluster:
            raise _two_clusters(here.cluster, there.cluster, self.settings)

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


def _two_clusters(over_amqp: str, over_http: str, settings: Settings) -> WrongTarget:
    """Return the error for AMQP and HTTP that lead to clusters of these names."""
    return WrongTarget(
        f"AMQP and the management API are two clusters: {settings.amqp.base_url} is '{over_amqp}', and "
        f"{settings.management.base_url} is '{over_http}'; nothing was changed",
        hint=TWO_URLS,
    )
