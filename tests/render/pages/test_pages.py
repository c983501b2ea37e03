"""Whatever a command can end with has its page, which shows it as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import pytest
from _pytest.mark.structures import ParameterSet

from attune_infra import __version__
from attune_infra.contract.listing import list_schemas
from attune_infra.errors import ExitCode
from attune_infra.fleet.alerts import alert_rules
from attune_infra.fleet.dashboard import dashboard as make_dashboard
from attune_infra.fleet.deregister import Deregistered, DeregisteredWorkers
from attune_infra.fleet.dispatch import Dispatch
from attune_infra.fleet.enlist import Enlisted, EnlistedWorkers
from attune_infra.fleet.health import examine
from attune_infra.fleet.leftovers import queues_of_workers
from attune_infra.fleet.model import Depth, Limits, Member, Sighting
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.queue_details import details_of
from attune_infra.fleet.queues import Numbers
from attune_infra.fleet.queues import examine as examine_queues
from attune_infra.fleet.register import RegisteredWorker, RegisteredWorkers
from attune_infra.fleet.registry import RegistryTable
from attune_infra.messages.dead_letters import Cause, DeadLetterQueue, DeadLetterQueues, Deaths
from attune_infra.messages.encoding import encode
from attune_infra.messages.loading import Destination, Failed, Loaded
from attune_infra.messages.migrations import Migrations, QueueMigration
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.moving import Moved, MoveResult
from attune_infra.messages.peeking import Peekable, Peeked
from attune_infra.messages.peeking import shown as show_message
from attune_infra.messages.purging import Emptied, Full, Purged
from attune_infra.messages.replay import Refusal, Replayed, Tally, Way
from attune_infra.messages.tapped import Dropped, Ended, Tapped
from attune_infra.render import pages
from attune_infra.render.data import json_document
from attune_infra.render.page import Page, R, Result, ReviewedPage
from attune_infra.render.pages import (
    alerts,
    check,
    connections,
    dashboard,
    deregister,
    dispatch,
    dlq_list,
    dlq_replay,
    dlq_show,
    doctor,
    document,
    enlist,
    enlisted,
    explain,
    fleet,
    forecast,
    graph,
    leftovers,
    lint,
    lint_explain,
    load,
    metrics,
    migrate,
    moved,
    peek,
    plain_text,
    plan,
    provision,
    purge,
    queue_details,
    queues,
    register,
    registered,
    registry,
    report,
    sandbox,
    sandbox_env,
    schemas,
    tap,
    trace,
    verify,
)
from attune_infra.render.reports.formats import Format, render
from attune_infra.sandbox import Sandbox, Sandboxes, Variables
from attune_infra.sandbox.value import Server
from attune_infra.topology import verify as checks
from attune_infra.topology.builtin import attune
from attune_infra.topology.check import CheckedText, CheckedTexts
from attune_infra.topology.doctor import diagnosis
from attune_infra.topology.doctor.diagnosis import Check, Diagnosis, Topic
from attune_infra.topology.document.text import Document, LeftOut
from attune_infra.topology.explain import explain_plan
from attune_infra.topology.graph import build as drawing
from attune_infra.topology.graph.values import Drawing
from attune_infra.topology.lint import linter
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.finding import Explanation, LintedTexts
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Message, Queue, Topology
from attune_infra.topology.planning.migration import Migration
from attune_infra.topology.planning.obstacles import Contents
from attune_infra.topology.planning.over_amqp import Forecast
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.routing import trace as tracing
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.target import Listed, Listing
from attune_infra.topology.worker import topology_of_workers, with_workers, worker_family
from support.measured import measured

WANTED: Final = with_workers(attune(), [1])
PLAN: Final = Plan.between(Topology.of([]), WANTED)
FLEET: Final = examine(
    Sighting(
        topology=WANTED,
        depths={},
        consumer_tags={},
        members={1: Member(id=1, name="first", status="active", heartbeat_age=3.0)},
    ),
    attune(),
    Limits(),
)
PROVISIONED: Final = Provisioned(
    (1,),
    False,
    worker_family(attune()),
    Report(tuple(Outcome(item, Status.CREATED) for item in topology_of_workers(attune(), [1]).objects())),
)
STORED: Final = StoredMessage(
    exchange="",
    routing_key="jobs",
    redelivered=False,
    encoded=encode({"message_id": "m1", "headers": {"x-delivery-count": 1, "n": 2}}),
    body=b"text",
)
PEEKED: Final = Peeked(
    queue=Peekable(name="jobs", type="quorum"), read=1, selected=1, messages=(show_message(1, STORED),)
)
LOADED: Final = Loaded("messages.jsonl", Destination.of_queue("jobs"), failed=[Failed(2, "it reached no queue")])
PURGED: Final = Purged((Emptied(queue=Full(name="jobs", type="classic", ready=1, unacknowledged=2), deleted=1),))
DEAD: Final = DeadLetterQueue(
    name="dead",
    type="classic",
    sources=("jobs",),
    ready=3,
    looked_at=2,
    groups=((Cause("expired", "jobs", ""), Deaths(2, datetime(2026, 1, 1, tzinfo=UTC))),),
)
REPLAYED: Final = Replayed(
    source="dead",
    ways=(
        (Way(reason="expired", queue="jobs", exchange="", to="", queues=("jobs",)), Tally(2, ["jobs"])),
        (Way(reason=None, queue=None, exchange=None, refusal=Refusal.NO_ORIGIN), Tally(2, ["a"])),
    ),
    ready=4,
    looked_at=4,
    moved=Moved(moved=2, recovered=1),
)
WORKER: Final = RegisteredWorker(id=1, name="first", created=datetime(2026, 1, 1, tzinfo=UTC), new=True)
MIGRATIONS: Final = Migrations(
    queues=(
        QueueMigration(
            migration=Migration("attune.dlx.queue", Queue(name="attune.dlx.queue", type="quorum"), WANTED),
            contents=Contents(messages=5, consumers=0),
        ),
    )
)
MOVED: Final = MoveResult(source="a", to="b", copies=False, moved=Moved(moved=5, recovered=1, doubtful=2))
QUEUES: Final = examine_queues(WANTED, {"attune.dlx.queue": Numbers(depth=Depth(ready=2), consumers=0)})
SANDBOX: Final = Sandbox(
    name="mine",
    bound=False,
    pid=1,
    folder=Path("mine"),
    amqp_url="amqp://localhost",
    management_url="http://localhost",
    database_url=None,
    brokers=(
        Server(title="RabbitMQ", version="4.3.6", pid=1, ended=None, ports={"amqp": 5672}, log=Path("rabbit.log")),
    ),
    database=None,
    nodes=(),
)

TAPPED: Final = Tapped(
    exchange="attune.events",
    keys=("#",),
    queue="attune-infra.tap.example",
    ended=Ended.COUNT,
    seconds=2.0,
    messages=10,
    shown=10,
    body_bytes=5000,
    dropped=Dropped(count=7, exact=False),
    waiting=0,
)


def shown(page: Page[R], result: R, words: str) -> ParameterSet:
    """Return a page, a value that it shows, and words of its text; mypy holds the two against each other."""
    return pytest.param(page, result, words, id=page.__name__.rpartition(".")[2])  # type: ignore[attr-defined] # a module


SHOWN: Final = (
    shown(report, Report((Outcome(attune().objects()[0], Status.KEPT, "it is used"),)), "1 object: 1 kept"),
    shown(
        forecast,
        Forecast(Report((Outcome(attune().objects()[0], Status.CREATED),))),
        "nothing is changed; 1 object would be: 1 created",
    ),
    shown(plan, PLAN, f"plan {PLAN.digest}"),
    shown(plan, PLAN.dry_run(), f"plan {PLAN.digest}"),
    shown(explain, explain_plan(PLAN, Topology.of([]), WANTED), "queue worker.1.executions"),
    shown(
        verify,
        checks.verify(
            checks.Seen(http="4.3.6", amqp="4.3.6", topology=WANTED), checks.Wanted.of(WANTED, checks.Demands())
        ),
        "passed   broker answers over AMQP",
    ),
    shown(provision, PROVISIONED, "worker 1 provisioned"),
    shown(register, WORKER, "Worker registered with ID: 1"),
    shown(registered, RegisteredWorkers((WORKER,)), "1 worker registered with IDs: 1"),
    shown(registry, RegistryTable(new=True), "table worker: created"),
    shown(sandbox, Sandboxes((SANDBOX,)), "RabbitMQ 4.3.6: process 1"),
    shown(
        connections,
        Listing(Path("c.yaml"), (Listed(name="staging", protected=True, settings=None, trouble="it is away"),)),
        "! staging (protected): it is away",
    ),
    shown(
        doctor,
        Diagnosis((Check(Topic.CLOCK, "clock", diagnosis.Verdict.PROBLEM, "it is late", "set it"),)),
        "clock: it is late",
    ),
    shown(sandbox_env, Variables({"NAME": "two words"}), "export NAME='two words'"),
    shown(
        document,
        Document("name: attune\n", (LeftOut("queue", ("amq.gen-1",), "it is private"),)),
        "name: attune",
    ),
    shown(plain_text, Document("one line\n"), "one line"),
    shown(check, CheckedTexts((CheckedText(source="attune.yaml", topology=attune()),)), "attune.yaml: ok"),
    shown(graph, Drawing(drawing.graph(attune()), "flowchart LR\n"), "flowchart LR"),
    shown(lint, LintedTexts((linter.lint(attune(), source="attune.yaml"),)), "findings for RabbitMQ"),
    shown(lint_explain, Explanation(((RULES[0], load_example("AI001")),)), f"## AI001: {RULES[0].title}"),
    shown(
        trace,
        tracing.trace(Routing(attune()), Message(exchange="attune.events", routing_key="any")),
        "exchange attune.events",
    ),
    shown(fleet, fleet.Listing(FLEET), "1 worker: "),
    shown(
        migrate, MIGRATIONS, "queue attune.dlx.queue would be migrated to the wanted quorum queue, with 5 messages"
    ),
    shown(moved, MOVED, "queue a: 5 messages moved to queue b"),
    shown(queues, queues.Listing(QUEUES), "5 queues: 1 with dead letters, 4 unbounded"),
    shown(queue_details, details_of(QUEUES, "attune.dlx.queue"), "dead letters: 2 ready, and it gets the dead"),
    shown(peek, peek.View(PEEKED, 80), "4 B, 1 failed delivery"),
    shown(
        dlq_list,
        DeadLetterQueues((DEAD,)),
        "3 messages, the oldest since 2026-01-01 00:00:00 UTC",
    ),
    shown(dlq_show, peek.View(PEEKED, 80), "1 of them never died: a publisher has sent them here"),
    shown(dlq_replay, REPLAYED, "2 messages sent back, 2 stay"),
    shown(load, LOADED, "! messages.jsonl:2: it reached no queue"),
    shown(purge, PURGED, "queue jobs: 1 message deleted; 2 unacknowledged, which a consumer has, stay"),
    shown(tap, TAPPED, "! at least 7 messages dropped"),
    shown(leftovers, queues_of_workers(FLEET), "1 to remove"),
    shown(enlist, Enlisted(WORKER, PROVISIONED, registered=True), "Worker registered with ID: 1"),
    shown(enlisted, EnlistedWorkers(RegisteredWorkers((WORKER,)), PROVISIONED), "1 worker registered with IDs: 1"),
    shown(deregister, DeregisteredWorkers((Deregistered(id=1, name="first"),)), "worker 1 (first): inactive"),
    shown(
        dispatch,
        Dispatch(worker_id=1, exchange="jobs", routing_key="worker.1", message_id="m1", routed=True),
        "message m1 is in the queue of worker 1",
    ),
    shown(metrics, measured(), "attune_up 1.0"),
    shown(alerts, alert_rules(attune(), Limits(), runbook="page"), "- alert: AttuneDrift"),
    shown(dashboard, make_dashboard(attune(), Limits()), '"title": "Attune: attune"'),
    shown(schemas, list_schemas(), "attune-infra/verify/1"),
)
"""Each page with a value, and a part of its text."""

REVIEWED: Final = {"check", "explain", "lint", "plan", "verify"}
"""The pages of commands with reports for CI."""

NO_PAGES: Final = {"trace_tree", "watch"}
"""Modules beside the pages: the tree that `trace` draws, and a live view."""


@pytest.mark.parametrize(("page", "result", "words"), SHOWN)
def test_a_page_shows_a_value(page: Page[Result], result: Result, words: str) -> None:
    assert any(words in line.text for line in page.lines(result))
    data = json.loads(json_document("command", page.data(result), 2))
    assert (data.pop("schema"), data.pop("exit_code")) == ("attune-infra/command/1", 2)
    assert data.pop("tool") == {"name": "attune-infra", "version": __version__}
    assert datetime.fromisoformat(data.pop("time")).tzinfo == UTC
    assert data
    assert isinstance(result.exit_code, ExitCode)


def test_every_page_was_shown_here() -> None:
    names = {name for _, name, _ in iter_modules(pages.__path__)}

    assert {case.id for case in SHOWN} == names - NO_PAGES


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize(
    ("page", "result"), [pytest.param(*case.values[:2], id=case.id) for case in SHOWN if case.id in REVIEWED]
)
def test_a_page_for_ci_shows_its_value_in_each_format(
    page: ReviewedPage[Result], result: Result, wanted: Format
) -> None:
    review = page.review(result)

    assert review.remarks
    assert review.exit_code == result.exit_code
    shown = review.verdict if wanted is not Format.SARIF else f'"exitCode": {result.exit_code:d}'
    assert shown in render(review, wanted)


def test_every_page_for_ci_was_shown() -> None:
    found = [import_module(f"{pages.__name__}.{name}") for _, name, _ in iter_modules(pages.__path__)]

    assert {page.__name__.rpartition(".")[2] for page in found if hasattr(page, "review")} == REVIEWED
