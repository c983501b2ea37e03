"""All checks of a command together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError, BrokerUnreachable, RegistryUnreachable
from attune_infra.settings import DATABASE_URL
from attune_infra.topology.doctor.broker import (
    alarm_checks,
    feature_checks,
    plugin_checks,
    statistics_check,
    version_checks,
)
from attune_infra.topology.doctor.connections import (
    clock_check,
    cluster_name_checks,
    connection_checks,
    reading_checks,
    tls_checks,
)
from attune_infra.topology.doctor.diagnosis import Check, Diagnosis, Topic, problem, unknown
from attune_infra.topology.doctor.document import Wanted, document_checks, faults_of_file, foresee
from attune_infra.topology.doctor.limits import limit_checks
from attune_infra.topology.doctor.permissions import needs_of, permission_checks
from attune_infra.topology.doctor.registry import registry_checks
from attune_infra.topology.doctor.scope import Rows, Scope
from attune_infra.topology.doctor.seen import Broker, Seen
from attune_infra.topology.facts.refusals import RefusalCode
from attune_infra.topology.facts.releases import NEWEST, version_of, version_text
from attune_infra.topology.model import Topology
from attune_infra.topology.permissions.needs import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The command that is asked about, its document, and the user and virtual host of its settings."""

    command: str | None
    scope: Scope
    topology: Topology
    worker_ids: Sequence[int] = ()
    faults: Sequence[str] = ()
    """Faults of the file for which the broker refuses it."""
    user: str
    virtual_host: str
    strict: bool = False
    via_http: bool = False

    @property
    def needs(self) -> list[Need]:
        return needs_of(self.command, self.topology, self.worker_ids, via_http=self.via_http)


def diagnose(seen: Seen, question: Question) -> Diagnosis:
    """Return all checks of what was seen."""
    checks = tuple(_checks(seen, question))
    return Diagnosis(checks, answered=_answered(seen), command=question.command, strict=question.strict)


def _answered(seen: Seen) -> bool:
    """Return False if every server was silent."""
    answers: list[object] = [each.answer for each in seen.servers] + [
        each.tls for each in seen.servers if each.tls is not None
    ]
    if seen.registry is not None:
        answers.append(seen.registry)
    return not answers or any(
        not isinstance(answer, BrokerUnreachable | RegistryUnreachable) for answer in answers
    )


def _checks(seen: Seen, question: Question) -> Iterator[Check]:
    yield from connection_checks(seen, question.virtual_host)
    yield from cluster_name_checks(seen)
    yield from tls_checks(seen)
    if seen.servers:
        yield from reading_checks(seen, question.virtual_host)
        version = version_of(_version(seen))
        yield from permission_checks(seen.logins, question.needs, question.virtual_host, version)
    if seen.broker is not None:
        yield from _of_broker(seen, seen.broker, question)
    elif seen.servers:
        yield from _not_asked(question)
    if question.scope.rows is Rows.NONE:
        return
    if seen.registry is not None:
        yield from registry_checks(seen.registry, question.scope)
    elif not question.scope.rows_if_configured:
        fix = f"give {DATABASE_URL.flag}, or set {DATABASE_URL.variable}"
        yield problem(Topic.DATABASE, "database", "no database is configured, and the command needs one", fix)


def _of_broker(seen: Seen, broker: Broker, question: Question) -> Iterator[Check]:
    scope, version = question.scope, _version(seen)
    wanted = Wanted.of(question.topology, scope, question.worker_ids)
    have = None if isinstance(broker.topology, AttuneError) else broker.topology
    refusals = foresee(broker, wanted)
    yield from version_checks(version, wanted.example, have, broker)
    if isinstance(broker.topology, AttuneError):
        yield unknown(Topic.EXCHANGE_TYPES, "exchange types", broker.topology.sentence, broker.topology.hint or "")
    else:
        yield from plugin_checks(wanted.example, broker.topology)
    if scope.counts:
        yield statistics_check(broker)
    yield from alarm_checks(broker)
    yield from feature_checks(broker, wanted.example)
    if broker.clock_ahead is not None:
        yield clock_check("clock of the broker", broker.clock_ahead)
    else:
        yield unknown(Topic.CLOCK, "clock of the broker", "its answers carry no date")
    if scope.declares_document or scope.declares_workers:
        found = () if isinstance(refusals, AttuneError) else refusals
        beyond = [each for each in found if each.code is RefusalCode.QUEUE_LIMIT]
        channels = min(broker.most_channels, len(wanted.example.objects())) if scope.amqp else 0
        yield from limit_checks(broker, question.user, beyond, channels=channels, connected=_connected(seen))
        yield from document_checks(refusals, question.faults, broker)


def _not_asked(question: Question) -> Iterator[Check]:
    """Yield a check for each section of a broker that does not answer over HTTP: not asked is not passed."""
    reason = "not asked: the management API is needed for it, and could not be used"
    first = [Topic.RELEASE, Topic.EXCHANGE_TYPES, Topic.RESOURCES, Topic.DEPRECATED]
    scope = question.scope
    if scope.declares_document or scope.declares_workers:
        first += [Topic.QUEUE_LIMIT, Topic.DECLARATIONS]
    for topic in (*first, Topic.CLOCK):
        yield unknown(topic, "all checks", reason)
    yield from faults_of_file(question.faults)


def _version(seen: Seen) -> str:
    return next((each.answer for each in seen.servers if isinstance(each.answer, str)), version_text(NEWEST))


def _connected(seen: Seen) -> bool:
    return any(each.protocol == "AMQP" and isinstance(each.answer, str) for each in seen.servers)
