"""Verdicts on the ways to the servers: answers, TLS and clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from shlex import quote
from typing import Final

from attune_infra.errors import AccessRefused, AttuneError, BrokerUnreachable, LoginRefused, VirtualHostMissing
from attune_infra.topology.doctor.certificates import Certificate, Handshake, TlsFile
from attune_infra.topology.doctor.diagnosis import Check, Topic, judged, ok, problem, unknown, warning
from attune_infra.topology.doctor.limits import connection_limits
from attune_infra.topology.doctor.seen import Broker, Seen, Server
from attune_infra.topology.words import counted

MIN_CERTIFICATE_DAYS: Final = 30
"""Days that a certificate should still be valid."""

MAX_CLOCK_DIFFERENCE: Final = 10.0
"""Seconds by which two clocks may differ. Heartbeats of workers are judged by clocks."""

_RENEW: Final = "have it renewed, and give the server the new one"
_ENABLE: Final = "rabbitmq-plugins enable rabbitmq_management"
_DO_WITHOUT: Final = (
    "enable the plugin, or give --management-url; without it, `verify`, `setup --via amqp` and"
    " `worker provision --via amqp` do what AMQP can"
)
_SET_CLOCK: Final = "let both machines take their time from the same servers (NTP)"


def connection_checks(seen: Seen, virtual_host: str) -> Iterator[Check]:
    """Yield a check for each way to the broker."""
    for server in seen.servers:
        if isinstance(server.answer, AttuneError):
            yield _connection_check(server, seen, virtual_host)
            continue
        for host in server.each:
            if isinstance(host.answer, BrokerUnreachable):
                detail = f"{host.answer.sentence}; commands pass this host over"
                yield warning(Topic.CONNECTS, _name(host), detail, host.answer.hint or "")
            else:
                yield _connection_check(host, seen, virtual_host)


def cluster_name_checks(seen: Seen) -> Iterator[Check]:
    """Yield a check if one of several hosts has answered: in a cluster without a name, each node tells its own."""
    names = sorted({host.cluster for server in seen.servers for host in server.hosts if host.cluster})
    if len(names) > 1:
        told = f"its nodes tell {len(names)} names: {', '.join(names)}"
        detail = f"{told}; --expect-cluster, protected connections and digests of plans hold at one of them only"
        line = f"rabbitmqctl set_cluster_name {quote(names[0])}"
        yield warning(Topic.CLUSTER_NAME, "name of the cluster", detail, "give the cluster a name", line)
    elif names:
        yield ok(Topic.CLUSTER_NAME, "name of the cluster", names[0])


def _name(server: Server) -> str:
    return f"{server.protocol} at {server.address}"


def _connection_check(server: Server, seen: Seen, virtual_host: str) -> Check:
    name = _name(server)
    if _may_lack_plugin(server, seen):
        return _without_management(name, server)
    if isinstance(server.answer, AttuneError) and not server.needed:
        detail = f"{server.answer.sentence}; the command does without it, but the rest cannot be asked"
        return unknown(Topic.CONNECTS, name, detail, server.answer.hint or "")
    if isinstance(server.answer, AttuneError):
        return _unanswered(name, server.answer, seen.broker, server.user, virtual_host)
    return ok(Topic.CONNECTS, name, f"RabbitMQ {server.answer}")


def _may_lack_plugin(server: Server, seen: Seen) -> bool:
    """Return True if RabbitMQ answers over AMQP, and no management API answers."""
    others = [each for each in seen.servers if each.protocol != server.protocol]
    is_silent = server.protocol == "HTTP" and isinstance(server.answer, BrokerUnreachable)
    return is_silent and any(isinstance(each.answer, str) for each in others)


def _without_management(name: str, server: Server) -> Check:
    assert isinstance(server.answer, BrokerUnreachable)  # noqa: S101 - for mypy
    detail = (
        f"{server.answer.sentence}; RabbitMQ answers over AMQP, so its plugin rabbitmq_management may be absent"
    )
    if not server.needed:
        detail = f"{detail}; the command does without it, but the rest cannot be asked"
        return unknown(Topic.CONNECTS, name, detail, f"enable the plugin: {_ENABLE}")
    return problem(Topic.CONNECTS, name, detail, _DO_WITHOUT, _ENABLE)


def _unanswered(name: str, error: AttuneError, broker: Broker | None, user: str, virtual_host: str) -> Check:
    if isinstance(error, VirtualHostMissing):
        for limit in connection_limits(broker, user) if broker else ():
            return problem(Topic.CONNECTS, name, error.sentence, limit.fix, *limit.run)
        return _missing(name, error, user, virtual_host)
    match error:
        case LoginRefused():
            run = [f"rabbitmqctl change_password {quote(user)}"]
        case AccessRefused():
            run = [f"rabbitmqctl set_user_tags {quote(user)} management"]
        case _:
            run = []
    return problem(Topic.CONNECTS, name, error.sentence, error.hint or "", *run)


def reading_checks(seen: Seen, virtual_host: str) -> Iterator[Check]:
    """Yield a problem if the objects of the virtual host cannot be read, unless AMQP has told it already."""
    error = seen.broker.topology if seen.broker else None
    http, *others = seen.servers
    if not isinstance(error, AttuneError) or not http.needed:
        return
    name = f"virtual host {virtual_host} over HTTP"
    if not isinstance(error, VirtualHostMissing):
        yield problem(Topic.VIRTUAL_HOST, name, f"it cannot be read: {error.sentence}", error.hint or "")
    elif all(isinstance(other.answer, str) for other in others):
        yield _missing(name, error, http.user, virtual_host)


def _missing(name: str, error: AttuneError, user: str, virtual_host: str) -> Check:
    lines = (
        f"rabbitmqctl add_vhost {quote(virtual_host)}",
        f"rabbitmqctl set_permissions -p {quote(virtual_host)} {quote(user)} '.*' '.*' '.*'",
    )
    return problem(Topic.VIRTUAL_HOST, name, error.sentence, "leave out the first line if it exists", *lines)


def tls_checks(seen: Seen) -> Iterator[Check]:
    """Yield the checks of each server that TLS is meant for, and of the files on this machine."""
    for server in seen.servers:
        for host in server.each:
            is_told = bool(server.hosts) and isinstance(host.tls, AttuneError)  # as a host that is passed over
            if host.tls is not None and not is_told:
                yield from _of_server(host, seen.now)
    for file in seen.files:
        yield from _of_file(file, seen.now)


def _of_server(server: Server, now: datetime) -> Iterator[Check]:
    def judge(found: Handshake) -> Iterator[Check]:
        is_dead = any(each.until < now for each in found.certificates)
        if found.untrusted is None:
            yield ok(Topic.TRUSTED, f"chain of {server.address}", "it can be verified")
        elif not is_dead:
            hint = "give the certificate of its authority as --ca-file; the server must send the ones between"
            yield problem(Topic.TRUSTED, f"chain of {server.address}", f"not trusted: {found.untrusted}", hint)
        if found.other_name is None:
            yield ok(Topic.HOST_NAME, f"host name of {server.address}", "the certificate has it")
        else:
            fix = "connect to a name that the certificate has, or have one issued for this name"
            yield problem(Topic.HOST_NAME, f"host name of {server.address}", found.other_name, fix)
        yield from _days(found.certificates, server.address, now)

    assert server.tls is not None  # noqa: S101 - for mypy
    yield from judged(Topic.HANDSHAKE, f"TLS of {server.address}", server.tls, judge)


def _of_file(file: TlsFile, now: datetime) -> Iterator[Check]:
    def judge(found: Sequence[Certificate]) -> Iterator[Check]:
        yield from _days(found, file.title, now)

    if isinstance(file.certificates, AttuneError):
        yield problem(Topic.CERTIFICATE_FILE, file.title, file.certificates.sentence, file.certificates.hint or "")
    else:
        yield from judge(file.certificates)
    if isinstance(file.key, AttuneError):
        yield problem(Topic.KEY, f"key of {file.title}", file.key.sentence, file.key.hint or "")
    elif file.key is not None:
        name, fix = f"key of {file.title}", "give the key that the certificate was made for as --key-file"
        yield (
            ok(Topic.KEY, name, "it belongs to the certificate")
            if file.key
            else problem(Topic.KEY, name, "it is the key of another certificate", fix)
        )


def _days(certificates: Iterable[Certificate], of: str, now: datetime) -> Iterator[Check]:
    """Yield a check for each certificate that ends soon; one for all, if none does."""
    found = sorted(certificates, key=lambda each: each.until)
    lasting = True
    for each in found:
        days, name = (each.until - now).days, f"{each.title}, {of}" if each.title not in of else of
        if each.since > now:
            when = f"it is valid only from {each.since:%Y-%m-%d %H:%M} UTC"
            yield problem(Topic.VALIDITY, name, when, "is the clock of this machine right?")
        elif each.until < now:
            yield problem(Topic.VALIDITY, name, f"it expired on {each.until:%Y-%m-%d}", _RENEW)
        elif days < MIN_CERTIFICATE_DAYS:
            yield warning(
                Topic.VALIDITY, name, f"it expires in {counted(days, 'day')}, on {each.until:%Y-%m-%d}", _RENEW
            )
        else:
            continue
        lasting = False
    if lasting and found:
        first = found[0].until
        yield ok(
            Topic.VALIDITY, f"days of {of}", f"valid for {counted((first - now).days, 'day')}, to {first:%Y-%m-%d}"
        )


def clock_check(name: str, ahead: float) -> Check:
    """Return the check of another machine's clock."""
    if abs(ahead) <= MAX_CLOCK_DIFFERENCE:
        return ok(Topic.CLOCK, name, f"differs by less than {MAX_CLOCK_DIFFERENCE:g} s")
    way = "ahead of" if ahead > 0 else "behind"
    detail = f"it is {abs(ahead):.0f} s {way} the clock of this machine; heartbeats are judged by clocks"
    return problem(Topic.CLOCK, name, detail, _SET_CLOCK, "timedatectl set-ntp true")
