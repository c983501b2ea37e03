"""Everything that `doctor` asks a broker. Nothing here changes it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from attune_infra.background import Answer, run_in_background
from attune_infra.broker import answers
from attune_infra.broker.reading.logins import logins_of
from attune_infra.dataclass import dataclass
from attune_infra.errors import AccessRefused, AttuneError, BrokerError, WrongTarget
from attune_infra.topology.doctor import seen
from attune_infra.topology.facts.permissions import TAGS_THAT_DO, Tag
from attune_infra.topology.facts.releases import FIRST_LISTING_DEPRECATED_FEATURES, version_of
from attune_infra.topology.permissions.needs import Over

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.settings import Endpoint, Settings
    from attune_infra.topology.facts.permissions import Right

_T = TypeVar("_T")

_NODES: Final = "name,running,partitions,being_drained,fd_used,fd_total"


@dataclass(frozen=True, slots=True)
class BrokerDoctor:
    """Questions to the broker of some settings, and the protocols that a command needs.

    The management API is asked even if the command does not need it.
    """

    broker: RabbitMQ
    needs_amqp: bool = True
    needs_http: bool = True

    def look(self, rights: Iterable[Right]) -> seen.Seen:
        """Return the broker's answers. A failure is an answer; nothing is raised for it."""
        from attune_infra.broker.doctor import certificates

        http, *others = self._servers()
        answers = isinstance(http.answer, str)
        connected = any(isinstance(each.answer, str) for each in others)
        logins = logins_of(self.broker.connections, rights if connected else (), over_http=answers)
        broker = self._look(http.answer, logins[Over.HTTP]) if isinstance(http.answer, str) else None
        return seen.Seen(
            servers=[http, *map(self._compared, others)],  # at the end: it leaves a private queue, which counts
            logins=logins,
            broker=broker,
            files=list(certificates.files(self.broker.settings.tls)) if _uses_tls([http, *others]) else (),
            now=datetime.now(UTC),
        )

    def _servers(self) -> Sequence[seen.Server]:
        """Return the answer over HTTP, and over AMQP if it is needed."""
        settings, broker = self.broker.settings, self.broker
        http = self._server("HTTP", settings.management, broker.check_http, needed=self.needs_http)
        if not self.needs_amqp:
            return [http]
        return [http, self._server("AMQP", settings.amqp, broker.check_amqp, needed=True)]

    def _server(self, protocol: str, endpoint: Endpoint, ask: Callable[[], str], *, needed: bool) -> seen.Server:
        from attune_infra.broker.doctor.certificates import handshake

        settings, is_one = self.broker.settings, not endpoint.others
        has_tls = endpoint.tls and is_one
        answer = _answer(ask)
        return seen.Server(
            protocol=protocol,
            address=endpoint.netloc,
            user=endpoint.user,
            answer=answer,
            tls=_answer(lambda: handshake(endpoint, settings.tls, settings.timeout)) if has_tls else None,
            needed=needed,
            hosts=() if is_one else [self._host(protocol, endpoint, host, needed) for host in endpoint.hosts],
        )

    def _host(self, protocol: str, endpoint: Endpoint, host: Endpoint, needed: bool) -> seen.Server:
        """Return the answer of one of several hosts, which is an error if it belongs to another cluster."""
        from attune_infra.broker.rabbitmq import RabbitMQ

        settings = self.broker.settings
        is_http = endpoint == settings.management
        narrow = replace(settings, management=host) if is_http else replace(settings, amqp=host)

        clusters = []

        def ask() -> str:
            with RabbitMQ(narrow) as broker:
                target = broker.target() if is_http else broker.amqp_target()
            if is_http:
                self.broker.connections.http.meet(host)
            clusters.append(target.cluster)
            return target.version

        server = self._server(protocol, host, ask, needed=needed)
        return replace(server, cluster=clusters[0]) if clusters else server

    def _compared(self, server: seen.Server) -> seen.Server:
        """Return a server; with an error as its answer, if HTTP leads to another broker."""
        from attune_infra.broker.rabbitmq import RabbitMQ

        trouble = _answer(self.broker.check_same_cluster) if isinstance(server.answer, str) else None
        hosts = []
        for host, endpoint in zip(server.hosts, self.broker.settings.amqp.hosts, strict=False):
            with RabbitMQ(replace(self.broker.settings, amqp=endpoint)) as broker:
                its = _answer(broker.check_same_cluster) if isinstance(host.answer, str) else None
            hosts.append(host if its is None else replace(host, answer=its))
        return replace(server, answer=trouble or server.answer, hosts=hosts)

    def _look(self, version: str, user: seen.Login) -> seen.Broker:
        from attune_infra.broker.amqp.connection import MAX_LANES

        http = self.broker.connections.http
        overview = http.get("overview", shape=answers.CLUSTER, columns="cluster_name,disable_stats")
        statistics = not overview.get("disable_stats", False)
        limits = _Limits(http, self.broker.settings, lists=statistics and _sees_all(user))
        ahead = http.clock_ahead()  # alone: it is measured by the time of its request
        topology, restrictions = _begin(self.broker.read), _begin(self.broker.restrictions)
        alarms, stopped = _begin(lambda: _alarms(http)), _begin(lambda: _fails(http, "virtual-hosts"))
        nodes = _begin(lambda: _nodes(http), needs="monitoring", user=user)
        flags = _begin(lambda: _flags(http), needs="administrator", user=user)
        used = _begin(lambda: _used_features(http, version))
        tells_denied = run_in_background(lambda: _tells_denied(http, version))
        of_virtual_host = _begin(limits.connections_of_virtual_host)
        connections = _begin(lambda: limits.of_user("max-connections"))
        channels = _begin(lambda: limits.of_user("max-channels"))
        return seen.Broker(
            cluster=overview.get("cluster_name", ""),
            virtual_host=self.broker.settings.virtual_host,
            statistics=statistics,
            clock_ahead=ahead,
            topology=topology(),
            restrictions=restrictions(),
            alarms=alarms(),
            nodes=nodes(),
            stopped_virtual_hosts=stopped(),
            used_features=used(),
            tells_denied=tells_denied(),
            flags=flags(),
            connections_of_virtual_host=of_virtual_host(),
            connections_of_user=connections(),
            channels_of_user=channels(),
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
        listing = self.http.get(f"{of}-limits", name, shape=answers.LIMITS)
        values = [dict(item["value"]).get(kind) for item in listing]
        most = next((value for value in values if isinstance(value, int) and value >= 0), None)
        return None if most is None else seen.Limit(most, self._count(of, name, kind))

    def _count(self, of: str, name: str, kind: str) -> int | None:
        if not self.lists:
            return None
        shape = answers.CONNECTIONS_OR_CHANNELS
        listing: list[dict[str, str]] = self.http.get(kind.removeprefix("max-"), shape=shape, columns=of)
        return sum(item.get(of) == name for item in listing)


def _uses_tls(servers: Sequence[seen.Server]) -> bool:
    return any(host.tls is not None for server in servers for host in server.each)


def _alarms(http: Management) -> Sequence[seen.Alarm]:
    """Return the alarms in effect. The list of nodes has them too, but seconds later."""
    failure = http.failed_check("alarms", shape=answers.FAILED_ALARMS)
    return [seen.Alarm(item["node"], item["resource"]) for item in failure["alarms"]] if failure else ()


def _nodes(http: Management) -> Sequence[seen.Node]:
    return [
        seen.Node(
            name=item["name"],
            running=item["running"],
            partitions=item.get("partitions", ()),
            draining=item.get("being_drained"),
            files_used=_number(item.get("fd_used")),
            files=_number(item.get("fd_total")),
        )
        for item in http.get("nodes", shape=answers.NODES, columns=_NODES)
    ]


def _number(told: int | str | None) -> int | None:
    """Return a number of a node; None for a word such as `unknown`."""
    return told if isinstance(told, int) else None


def _fails(http: Management, check: str) -> bool:
    return http.failed_check(check, shape=answers.FAILED_CHECK) is not None


def _used_features(http: Management, version: str) -> Sequence[str]:
    if version_of(version) < FIRST_LISTING_DEPRECATED_FEATURES:
        return ()
    return [item["name"] for item in http.get("deprecated-features", "used", shape=answers.NAMES)]


def _tells_denied(http: Management, version: str) -> bool:
    """Return False for a release that lists deprecated features without their state, such as 4.0."""
    if version_of(version) < FIRST_LISTING_DEPRECATED_FEATURES:
        return True
    listing = _answer(lambda: http.get("deprecated-features", shape=answers.DEPRECATED_FEATURES))
    return not isinstance(listing, AttuneError) and all("state" in item for item in listing)


def _flags(http: Management) -> Sequence[seen.FeatureFlag]:
    return [
        seen.FeatureFlag(
            name=item["name"], enabled=item["state"] == "enabled", stability=item.get("stability", "stable")
        )
        for item in http.get("feature-flags", shape=answers.FEATURE_FLAGS)
    ]


def _sees_all(user: seen.Login) -> bool:
    return bool((user.tags or frozenset()) & TAGS_THAT_DO[Tag.MONITORING])


def _begin(ask: Callable[[], _T], *, needs: str = "", user: seen.Login | None = None) -> Answer[_T | AttuneError]:
    """Begin to ask, beside other questions; return a function that waits for the answer."""
    return run_in_background(lambda: _answer(ask, needs=needs, user=user))


def _answer(ask: Callable[[], _T], *, needs: str = "", user: seen.Login | None = None) -> _T | AttuneError:
    try:
        return ask()
    except AccessRefused as error:
        return _lacks_tag(needs, user) if needs and user is not None and user.tags is not None else error
    except (BrokerError, WrongTarget) as error:
        return error


def _lacks_tag(tag: str, user: seen.Login) -> AccessRefused:
    """Return the error for a list that a user may not see; the line to run keeps the tags that it has."""
    line = shlex.join(("rabbitmqctl", "set_user_tags", user.name, *sorted({*(user.tags or ()), tag})))
    return AccessRefused(
        f"user '{user.name}' may not ask this: the tag {tag} is missing",
        hint=f"run doctor as a user with the tag, or grant it: {line}",
    )
