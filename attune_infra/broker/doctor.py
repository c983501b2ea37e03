"""Everything that `doctor` asks a broker. Nothing here changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from attune_infra.broker.management import Management
from attune_infra.errors import AccessRefused, AttuneError, BrokerError
from attune_infra.topology.doctor import seen
from attune_infra.topology.facts.releases import FIRST_LISTING_DEPRECATED_FEATURES, version_of

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.settings import Endpoint, Settings

_T = TypeVar("_T")

_NODES: Final = "name,running,partitions,being_drained,fd_used,fd_total"


@dataclass(frozen=True, slots=True)
class BrokerDoctor:
    """Questions to the broker of some settings, over the protocols that a command uses."""

    broker: RabbitMQ
    over_amqp: bool = True
    over_http: bool = True

    def look(self) -> seen.Seen:
        """Return the broker's answers. A failure is an answer; nothing is raised for it."""
        from attune_infra.broker import certificates

        servers = list(self._servers())
        http = next((each.answer for each in servers if each.protocol == "HTTP"), None)
        return seen.Seen(
            servers=servers,
            broker=self._look(http) if isinstance(http, str) else None,
            files=list(certificates.files(self.broker.settings.tls)) if _uses_tls(servers) else (),
            now=datetime.now(UTC),
        )

    def _servers(self) -> Sequence[seen.Server]:
        settings, servers = self.broker.settings, list[seen.Server]()
        if self.over_http:
            servers.append(self._server("HTTP", settings.management, self.broker.check_http))
        if self.over_amqp:
            servers.append(self._server("AMQP", settings.amqp, self.broker.check_amqp))
        return servers

    def _server(self, protocol: str, endpoint: Endpoint, ask: Callable[[], str]) -> seen.Server:
        from attune_infra.broker.certificates import handshake

        settings = self.broker.settings
        tls = _answer(lambda: handshake(endpoint, settings.tls, settings.timeout)) if endpoint.tls else None
        return seen.Server(
            protocol=protocol, address=endpoint.netloc, user=endpoint.user, answer=_answer(ask), tls=tls
        )

    def _look(self, version: str) -> seen.Broker:
        with closing(Management(self.broker.settings)) as http:
            return self._asked(http, version)

    def _asked(self, http: Management, version: str) -> seen.Broker:
        overview = http.get("overview", columns="cluster_name,disable_stats")
        from attune_infra.broker.amqp import MAX_LANES

        user, statistics = _answer(lambda: _user(http)), not overview.get("disable_stats", False)
        limits = _Limits(http, self.broker.settings, lists=statistics and _sees_all(user))
        return seen.Broker(
            cluster=overview.get("cluster_name", ""),
            virtual_host=self.broker.settings.virtual_host,
            statistics=statistics,
            clock_ahead=http.clock_ahead(),
            user=user,
            topology=_answer(self.broker.read),
            restrictions=_answer(self.broker.restrictions),
            alarms=_answer(lambda: _alarms(http)),
            nodes=_answer(lambda: _nodes(http), needs="monitoring", user=user),
            stopped_virtual_hosts=_answer(lambda: http.failed_check("virtual-hosts") is not None),
            used_features=_answer(lambda: _used_features(http, version)),
            tells_denied=_tells_denied(http, version),
            flags=_answer(lambda: _flags(http), needs="administrator", user=user),
            connections_of_virtual_host=_answer(limits.connections_of_virtual_host),
            connections_of_user=_answer(lambda: limits.of_user("max-connections")),
            channels_of_user=_answer(lambda: limits.of_user("max-channels")),
            most_channels=MAX_LANES,
        )


@dataclass(frozen=True, slots=True)
class _Limits:
    """Limits, and the numbers that count against them, if this user `lists` the connections of all users."""

    http: Management
    settings: Settings
    lists: bool

    def connections_of_virtual_host(self) -> seen.Limit | None:
        return self._limit("vhost", self.settings.virtual_host, "max-connections")

    def of_user(self, kind: str) -> seen.Limit | None:
        return self._limit("user", self.settings.amqp.user, kind)

    def _limit(self, of: str, name: str, kind: str) -> seen.Limit | None:
        values = [item["value"].get(kind) for item in self.http.get(f"{of}-limits", name)]
        most = next((value for value in values if isinstance(value, int) and value >= 0), None)
        return None if most is None else seen.Limit(most, self._count(of, name, kind))

    def _count(self, of: str, name: str, kind: str) -> int | None:
        if not self.lists:
            return None
        listing: list[dict[str, str]] = self.http.get(kind.removeprefix("max-"), columns=of)
        return sum(item.get(of) == name for item in listing)


def _uses_tls(servers: Sequence[seen.Server]) -> bool:
    return any(server.tls is not None for server in servers)


def _user(http: Management) -> seen.User:
    found = http.get("whoami")
    tags = found["tags"]
    return seen.User(name=found["name"], tags=frozenset(tags if isinstance(tags, list) else tags.split(",")))


def _alarms(http: Management) -> Sequence[seen.Alarm]:
    """Return the alarms in effect. The list of nodes has them too, but seconds later."""
    failure = http.failed_check("alarms")
    return [seen.Alarm(item["node"], item["resource"]) for item in failure["alarms"]] if failure else ()


def _nodes(http: Management) -> Sequence[seen.Node]:
    return [
        seen.Node(
            name=item["name"],
            running=item["running"],
            partitions=item.get("partitions", ()),
            draining=item.get("being_drained", False),
            files_used=item.get("fd_used"),
            files=item.get("fd_total"),
        )
        for item in http.get("nodes", columns=_NODES)
    ]


def _used_features(http: Management, version: str) -> Sequence[str]:
    if version_of(version) < FIRST_LISTING_DEPRECATED_FEATURES:
        return ()
    return [item["name"] for item in http.get("deprecated-features", "used")]


def _tells_denied(http: Management, version: str) -> bool:
    """Return False for a release that lists deprecated features without their state, such as 4.0."""
    if version_of(version) < FIRST_LISTING_DEPRECATED_FEATURES:
        return True
    listing = _answer(lambda: http.get("deprecated-features"))
    return not isinstance(listing, AttuneError) and all("state" in item for item in listing)


def _flags(http: Management) -> Sequence[seen.FeatureFlag]:
    return [
        seen.FeatureFlag(
            name=item["name"], enabled=item["state"] == "enabled", stability=item.get("stability", "stable")
        )
        for item in http.get("feature-flags")
    ]


def _sees_all(user: seen.User | AttuneError) -> bool:
    return isinstance(user, seen.User) and bool(user.tags & {"administrator", "monitoring"})


def _answer(
    ask: Callable[[], _T], *, needs: str = "", user: seen.User | AttuneError | None = None
) -> _T | AttuneError:
    try:
        return ask()
    except AccessRefused as error:
        return _lacks_tag(needs, user) if needs and isinstance(user, seen.User) else error
    except BrokerError as error:
        return error


def _lacks_tag(tag: str, user: seen.User) -> AccessRefused:
    """Return the error for a list that a user may not see; the line to run keeps the tags that it has."""
    tags = " ".join(sorted({*user.tags, tag} - {""}))
    return AccessRefused(
        f"user '{user.name}' may not ask this: the tag {tag} is missing",
        hint=f"run doctor as a user with the tag, or grant it: rabbitmqctl set_user_tags {user.name} {tags}",
    )
