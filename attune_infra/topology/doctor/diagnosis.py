"""Checks with their verdicts, and the diagnosis that they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Self, TypeVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError, ExitCode, StrangeAnswer

_T = TypeVar("_T")


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """Nothing fails now, but it will after an upgrade or some time."""
    PROBLEM = "problem"
    """A command would fail."""
    UNKNOWN = "unknown"
    """The check could not be made."""


class Section(StrEnum):
    """The theme of a check."""

    CONNECTIONS = "connections"
    TLS = "TLS"
    VERSIONS = "versions"
    PERMISSIONS = "permissions"
    PLUGINS = "plugins"
    ALARMS = "alarms"
    FEATURES = "features"
    CLOCKS = "clocks"
    LIMITS = "limits"
    DOCUMENT = "document"
    REGISTRY = "registry"


class Topic(StrEnum):
    """The kind of a check; its value is stable, and each has its line in `docs/codes.md`."""

    section: Section

    def __new__(cls, code: str, section: Section) -> Self:
        topic = str.__new__(cls, code)
        topic._value_, topic.section = code, section
        return topic

    CONNECTS = "server-connects", Section.CONNECTIONS
    CLUSTER_NAME = "cluster-named", Section.CONNECTIONS
    VIRTUAL_HOST = "virtual-host-readable", Section.CONNECTIONS
    HANDSHAKE = "tls-handshake-succeeds", Section.TLS
    TRUSTED = "certificate-trusted", Section.TLS
    HOST_NAME = "certificate-names-host", Section.TLS
    VALIDITY = "certificate-valid", Section.TLS
    CERTIFICATE_FILE = "certificate-file-readable", Section.TLS
    KEY = "key-belongs-to-certificate", Section.TLS
    RELEASE = "release-tried", Section.VERSIONS
    RELEASE_ACCEPTS = "release-has-effect", Section.VERSIONS
    TAG = "tag-granted", Section.PERMISSIONS
    GRANTED = "permission-granted", Section.PERMISSIONS
    EXCHANGE_TYPES = "exchange-types-enabled", Section.PLUGINS
    STATISTICS = "statistics-kept", Section.PLUGINS
    RESOURCES = "no-alarm", Section.ALARMS
    VIRTUAL_HOSTS = "virtual-hosts-run", Section.ALARMS
    NODES = "node-runs", Section.ALARMS
    DEPRECATED = "no-deprecated-feature", Section.FEATURES
    FLAGS = "feature-flags-enabled", Section.FEATURES
    CLOCK = "clock-right", Section.CLOCKS
    QUEUE_LIMIT = "queues-within-limit", Section.LIMITS
    CHANNEL_LIMIT = "channels-within-limit", Section.LIMITS
    DOCUMENT_LOADS = "document-loads", Section.DOCUMENT
    DECLARATIONS = "declarations-accepted", Section.DOCUMENT
    DATABASE = "database-answers", Section.REGISTRY
    WRITABLE = "database-writable", Section.REGISTRY
    SCHEMA = "schema-usable", Section.REGISTRY
    TABLE = "table-complete", Section.REGISTRY
    NAMES = "names-unique", Section.REGISTRY
    GRANTS = "grants-complete", Section.REGISTRY


@dataclass(frozen=True, slots=True)
class Check:
    """One check. A finding has a fix in words, lines to run, or both; nothing runs them here."""

    topic: Topic
    name: str
    verdict: Verdict
    detail: str = ""
    fix: str = ""
    run: tuple[str, ...] = ()

    @property
    def section(self) -> Section:
        return self.topic.section


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order in which they were made; `answered` is False if no server did."""

    checks: tuple[Check, ...]
    answered: bool = True
    command: str | None = None
    strict: bool = False

    def counts(self) -> Counter[Verdict]:
        return Counter(check.verdict for check in self.checks)

    @property
    def exit_code(self) -> ExitCode:
        """Failed, if no server answered, or with `strict` if a check is unknown; drift, if there is a problem."""
        counts = self.counts()
        if not self.answered:
            return ExitCode.FAILED
        if counts[Verdict.PROBLEM]:
            return ExitCode.DRIFT
        return ExitCode.FAILED if self.strict and counts[Verdict.UNKNOWN] else ExitCode.DONE


def ok(topic: Topic, name: str, detail: str = "") -> Check:
    """Return a check that found nothing."""
    return Check(topic, name, Verdict.OK, detail)


def problem(topic: Topic, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that found the cause of a failure."""
    return Check(topic, name, Verdict.PROBLEM, detail, fix, run)


def warning(topic: Topic, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that found the cause of a failure to come."""
    return Check(topic, name, Verdict.WARNING, detail, fix, run)


def unknown(topic: Topic, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that could not be made, with the reason."""
    return Check(topic, name, Verdict.UNKNOWN, detail, fix, run)


def judged(
    topic: Topic, name: str, answer: _T | AttuneError, judge: Callable[[_T], Iterator[Check]]
) -> Iterator[Check]:
    """Yield the checks of an answer; one unknown check, if there is only the failure to get it.

    An answer that is not RabbitMQ's is a problem, since other commands will fail on it.
    """
    if isinstance(answer, StrangeAnswer):
        yield problem(topic, name, answer.sentence, answer.hint or "")
    elif isinstance(answer, AttuneError):
        yield unknown(topic, name, answer.sentence, answer.hint or "")
    else:
        yield from judge(answer)
