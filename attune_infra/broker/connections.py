"""The connections to one broker: HTTP and AMQP, each opened at its first use, and both to the same cluster."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from attune_infra.broker.hosts import host_name
from attune_infra.broker.http.management import Management, Overview
from attune_infra.topology.permissions.needs import Denied, Over
from attune_infra.topology.target import Target

if TYPE_CHECKING:
    from attune_infra.broker.amqp.connection import Amqp
    from attune_infra.broker.shared import Shared
    from attune_infra.settings import Settings

TWO_URLS: Final = (
    "give both URLs of one broker; without a management URL it is looked for beside AMQP, at port 15672; "
    "a named connection holds both"
)


class Connections:
    """HTTP and AMQP for the virtual host of the settings.

    As soon as both are known, `WrongTarget` is raised if they lead to two clusters, also when a host is lost and
    the next one is of another cluster.
    """

    def __init__(self, settings: Settings, shared: Shared | None = None) -> None:
        self.settings = settings
        self.shared = shared if shared is not None and shared.begin(settings.virtual_host) else None
        self._over_amqp: Target | None = None
        self._overview: Overview | None = None
        self._proven: set[tuple[str | None, ...]] = set()
        """Hosts of AMQP, with the names of their cluster over AMQP and HTTP, that are of the cluster of HTTP."""

    @cached_property
    def http(self) -> Management:
        return Management(self.settings)

    @cached_property
    def amqp(self) -> Amqp:
        from attune_infra.broker.amqp.connection import Amqp

        return Amqp(self.settings, on_open=self._note_amqp)

    def overview(self) -> Overview:
        """Ask the management API which broker it is, unless it has answered before."""
        if self._overview is None:
            ask = self.http.overview
            shared = None if self.http.has_other_hosts else self.shared
            self._overview = ask() if shared is None else shared.overview(ask)
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
            host=host_name(settings.management),
            management_user=None if same_user else settings.management.user,
            connection=settings.connection,
        )

    def _note_amqp(self, target: Target) -> None:
        self._over_amqp = target
        self._compare()

    def _compare(self) -> None:
        """Raise `WrongTarget` if AMQP leads to another cluster than HTTP.

        One name is enough for the first host of AMQP; see `same_broker` for two names, and for the hosts after it.
        """
        here, there = self._over_amqp, self._overview
        if not (here and there) or (found := (here.host, here.cluster, there.cluster)) in self._proven:
            return
        if self._proven or not is_one_name(here.cluster, there.cluster):
            from attune_infra.broker.same_broker import insist_on_one_broker

            insist_on_one_broker(self, here.cluster, there.cluster)
        self._proven.add(found)

    def denied(self, over: Over) -> Denied:
        """Return the user of one of the two connections, who was denied something."""
        endpoint = self.settings.amqp if over is Over.AMQP else self.settings.management
        return Denied(over, endpoint.user, self.settings.virtual_host)

    def close(self, *, interrupted: bool = False) -> None:
        """Close what is open; without AMQP's handshake if a frame may have been interrupted."""
        if "amqp" in vars(self):
            if interrupted:
                self.amqp.drop()
            self.amqp.close()
        if "http" in vars(self):
            self.http.close()


def is_one_name(over_amqp: str | None, over_http: str | None) -> bool:
    """Return True unless the two protocols tell different names for their clusters."""
    return over_amqp == over_http or not (over_amqp and over_http)
