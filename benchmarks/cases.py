"""The table of cases: each with its contestants and its targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

from benchmarks.contestant import Call, Contestant, Document, Job
from benchmarks.documents import base, everything, workers
from benchmarks.floors import Curl, Python
from benchmarks.ours import AttuneInfra
from benchmarks.peers.ansible import Ansible
from benchmarks.peers.compiled_rabbitmqadmin import CompiledRabbitmqadmin
from benchmarks.peers.definitions import Definitions
from benchmarks.peers.pika import Pika
from benchmarks.peers.rabbitmqadmin import Rabbitmqadmin
from benchmarks.peers.rascal import Rascal
from benchmarks.results import AtMost, Below, Target
from support.under_test import Release

Kind = TypeVar("Kind", bound=Contestant)
WriteDocument: TypeAlias = Callable[[Path], Document]


@dataclass(frozen=True, slots=True)
class Entry(Generic[Kind]):
    """The part of one contestant in a case."""

    name: str
    kind: type[Kind]
    calls: Callable[[Kind, Job], Sequence[Call]]
    every: int = 1
    """1 is every round; a slow contestant takes part in every second or fourth."""
    subject: bool = False
    """True for the program itself, doing the job of the case."""
    leaves: bool = True
    """False if the contestant does not do the job, so that nothing is checked afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A job that every able contestant does."""

    name: str
    title: str
    rounds: int
    document: WriteDocument
    given: WriteDocument | None = None
    """The objects that exist before a turn."""
    fresh: bool = False
    """True if each turn has a virtual host of its own, which is checked afterwards; else all turns share one."""
    deletes: bool = False
    """True if the queues of the document must be gone afterwards, rather than exist."""
    entries: tuple[Entry[Any], ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Contestants that do not take part, with the reasons."""
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The sizes to measure with. The targets were set for 2,000 workers, and a fleet of 10,000."""

    rounds: int = 10
    workers: int = 2_000

    @property
    def fleet(self) -> int:
        return 5 * self.workers


QUICK: Final = Scale(rounds=3, workers=400)

DEFINITIONS = "POST /api/definitions/{vhost}"
STREAM = Entry("floor: a bare stream", Python, Python.stream)
STREAM_DELETIONS = Entry("floor: a bare stream of deletions", Python, Python.stream_deletions)
START_TO_MAKE = Entry("attune-infra, loading only", AttuneInfra, AttuneInfra.load_to_make, leaves=False)
LOOK_TO_DELETE = Entry(
    "attune-infra worker deprovision --dry-run", AttuneInfra, AttuneInfra.look_to_deprovision, leaves=False
)
START_TO_READ = Entry("attune-infra, loading only", AttuneInfra, AttuneInfra.load_to_read, leaves=False)
START_TO_VERIFY = Entry("attune-infra, loading verify", AttuneInfra, AttuneInfra.load_to_verify, leaves=False)
PROVISION = Entry("attune-infra worker provision", AttuneInfra, AttuneInfra.provision, subject=True)
FETCHES = (
    Entry("floor: bare lists", Curl, Curl.lists),
    Entry("floor: bare lists, at once", Curl, Curl.lists_at_once),
    Entry("floor: bare lists, by exchange", Curl, Curl.by_exchange),
    Entry("floor: bare lists, by exchange, at once", Curl, Curl.by_exchange_at_once),
)
FEW_OBJECTS = (
    Entry("rascal", Rascal, Rascal.make),
    Entry("rabbitmqadmin, the script", Rabbitmqadmin, Rabbitmqadmin.make),
    Entry("rabbitmqadmin, compiled", CompiledRabbitmqadmin, CompiledRabbitmqadmin.make),
    Entry("Ansible", Ansible, Ansible.make, every=4),
    Entry("pika", Pika, Pika.make),
    Entry(DEFINITIONS, Definitions, Definitions.make),
    STREAM,
)
PROVISIONING = (
    PROVISION,
    Entry(DEFINITIONS, Definitions, Definitions.make),
    Entry("pika", Pika, Pika.make, every=2),
    STREAM,
    START_TO_MAKE,
)
A_TASK_EACH = "a task for each object: it would take an hour"
TOO_SLOW: Final = {
    "rabbitmqadmin, the script": "a process for each object: it would take minutes",
    "rabbitmqadmin, compiled": "a process for each object: it would take minutes",
    "Ansible": A_TASK_EACH,
}
TIMES_DEFINITIONS: Final[Mapping[Release, float]] = {(3, 10): 0.8, (4, 0): 1.05, (4, 3): 0.85}
"""The limit for provisioning, as a share of loading definitions, which each release does at another speed."""


def cases(scale: Scale, release: Release) -> tuple[Case, ...]:
    """Return all cases, with the targets for a broker of this release."""
    many, fleet = max(1, scale.rounds // 2), max(1, scale.rounds // 5)
    return (
        *_setups(scale.rounds),
        _one_worker(scale.rounds),
        _many_workers(scale.workers, many, release),
        _fleet(scale.fleet, fleet, release),
        _deletion(scale.workers, many),
        _comparison(scale.fleet, many),
        _starts(2 * scale.rounds),
    )


def _setups(rounds: int) -> tuple[Case, ...]:
    name = "attune-infra setup"
    common: dict[str, Any] = {
        "rounds": rounds,
        "document": base,
        "entries": (Entry(name, AttuneInfra, AttuneInfra.setup, subject=True), *FEW_OBJECTS),
        "targets": (
            AtMost(subject=name, times=0.9, fastest_of=("rascal",)),
            AtMost(subject=name, times=0.35, fastest_of=("rabbitmqadmin, the script",)),
            AtMost(subject=name, times=0.06, fastest_of=("Ansible",)),
        ),
    }
    return (
        Case(name="setup", title="setup on an empty virtual host: 12 objects", fresh=True, **common),
        Case(name="setup-again", title="setup when all of it exists", given=base, **common),
    )


def _one_worker(rounds: int) -> Case:
    return Case(
        name="provision-one",
        title="worker provision --id 1: a queue and its binding",
        rounds=rounds,
        document=partial(workers, count=1),
        given=base,
        fresh=True,
        entries=(PROVISION, *FEW_OBJECTS),
        targets=(AtMost(subject=PROVISION.name, times=0.9, fastest_of=("rascal",)),),
    )


def _many_workers(count: int, rounds: int, release: Release) -> Case:
    return Case(
        name="provision-many",
        entries=(
            *PROVISIONING,
            Entry("rascal", Rascal, Rascal.make, every=2),
            Entry("rascal, ten channels", Rascal, Rascal.make_over_ten, every=2),
        ),
        left_out=TOO_SLOW,
        targets=_provisioning_targets(release),
        **_provisioning(count, rounds),
    )


def _fleet(count: int, rounds: int, release: Release) -> Case:
    return Case(
        name="provision-fleet",
        entries=PROVISIONING,
        left_out={**TOO_SLOW, "rascal": "with fewer workers only, to save time"},
        targets=(*_provisioning_targets(release), Below(subject=PROVISION.name, megabytes=200)),
        **_provisioning(count, rounds),
    )


def _provisioning(count: int, rounds: int) -> dict[str, Any]:
    return {
        "title": f"worker provision --id 1-{count}: as many queues, as many bindings",
        "rounds": rounds,
        "document": partial(workers, count=count),
        "given": base,
        "fresh": True,
    }


def _provisioning_targets(release: Release) -> tuple[Target, ...]:
    of_definitions = max((since, times) for since, times in TIMES_DEFINITIONS.items() if since <= release)[1]
    return (
        AtMost(subject=PROVISION.name, times=1.25, fastest_of=(STREAM.name,), plus=START_TO_MAKE.name),
        AtMost(subject=PROVISION.name, times=of_definitions, fastest_of=(DEFINITIONS,)),
        AtMost(subject=PROVISION.name, times=0.45, fastest_of=("pika",)),
    )


def _deletion(count: int, rounds: int) -> Case:
    name = "attune-infra worker deprovision"
    return Case(
        name="deprovision-many",
        title=f"worker deprovision --id 1-{count}: as many empty queues",
        rounds=rounds,
        document=partial(workers, count=count),
        given=partial(everything, count=count),
        fresh=True,
        deletes=True,
        entries=(
            Entry(name, AttuneInfra, AttuneInfra.deprovision, subject=True),
            STREAM_DELETIONS,
            LOOK_TO_DELETE,
        ),
        left_out={DEFINITIONS: "it deletes nothing"},
        targets=(AtMost(subject=name, times=1.3, fastest_of=(STREAM_DELETIONS.name,), plus=LOOK_TO_DELETE.name),),
    )


def _comparison(fleet: int, rounds: int) -> Case:
    verify, diff = "attune-infra verify", "attune-infra diff"
    return Case(
        name="compare",
        title=f"verify and diff with {fleet} workers provisioned: nothing to do",
        rounds=rounds,
        document=partial(everything, count=fleet),
        given=partial(everything, count=fleet),
        entries=(
            Entry(verify, AttuneInfra, AttuneInfra.verify, subject=True),
            Entry(diff, AttuneInfra, AttuneInfra.diff, subject=True),
            Entry("pika, declaring passively", Pika, Pika.check, every=2),
            Entry("rascal, checking", Rascal, Rascal.check, every=2),
            Entry("rascal, checking over ten channels", Rascal, Rascal.check_over_ten, every=2),
            Entry("rabbitmqadmin, the script, listing", Rabbitmqadmin, Rabbitmqadmin.lists),
            *FETCHES,
            Entry("GET /api/definitions/{vhost}", Curl, Curl.definitions),
            START_TO_READ,
            START_TO_VERIFY,
        ),
        left_out={
            "rabbitmqadmin, compiled": "its lists are whole queues, drawn as tables",
            "Ansible": A_TASK_EACH,
            DEFINITIONS: "it has nothing that only looks",
        },
        targets=(
            *_comparison_targets(verify, plus=START_TO_VERIFY.name),
            *_comparison_targets(diff, plus=START_TO_READ.name),
        ),
    )


def _comparison_targets(subject: str, *, plus: str) -> tuple[Target, ...]:
    fetches = tuple(entry.name for entry in FETCHES)
    return (
        AtMost(subject=subject, times=0.45, fastest_of=("pika, declaring passively",)),
        AtMost(subject=subject, times=0.6, fastest_of=("rascal, checking",)),
        AtMost(subject=subject, times=1.5, fastest_of=fetches, called="bare fetch by curl", plus=plus),
        Below(subject=subject, megabytes=100),
    )


def _starts(rounds: int) -> Case:
    version, help_, completion = "attune-infra --version", "attune-infra --help", "attune-infra completion"
    script = "rabbitmqadmin --version"
    return Case(
        name="start",
        title="starting: the version, the help, the completion of a word",
        rounds=rounds,
        document=base,
        entries=(
            Entry(version, AttuneInfra, AttuneInfra.tell_version, subject=True),
            Entry(help_, AttuneInfra, AttuneInfra.help, subject=True),
            Entry(completion, AttuneInfra, AttuneInfra.complete, subject=True),
            Entry(script, Rabbitmqadmin, Rabbitmqadmin.tell_version),
            Entry("rabbitmqadmin --help", Rabbitmqadmin, Rabbitmqadmin.help),
            Entry("rabbitmqadmin --help, compiled", CompiledRabbitmqadmin, CompiledRabbitmqadmin.help),
            Entry("ansible --version", Ansible, Ansible.tell_version, every=4),
            Entry("floor: python -c pass", Python, Python.nothing),
            Entry("floor: python -I -c pass", Python, Python.nothing_isolated),
        ),
        targets=(
            AtMost(subject=version, times=1.2, fastest_of=(script,)),
            AtMost(subject=help_, times=1.5, fastest_of=(script,)),
            AtMost(subject=completion, times=1.5, fastest_of=(script,)),
        ),
    )
