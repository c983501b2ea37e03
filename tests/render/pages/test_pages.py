"""Whatever a command can end with has its page, which shows it as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import iter_modules
from typing import Final, cast

import pytest
from _pytest.mark.structures import ParameterSet

from attune_infra.errors import ExitCode
from attune_infra.fleet.deregister import Deregistered, DeregisteredWorkers
from attune_infra.fleet.dispatch import Dispatch
from attune_infra.fleet.enlist import Enlisted
from attune_infra.fleet.health import examine
from attune_infra.fleet.leftovers import queues_of_workers
from attune_infra.fleet.metrics import Measurement
from attune_infra.fleet.model import Limits, Member, Sighting
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import RegisteredWorker
from attune_infra.fleet.registry import RegistryTable
from attune_infra.render import pages
from attune_infra.render.data import json_document
from attune_infra.render.page import Page, R, Result
from attune_infra.render.pages import (
    check,
    connections,
    deregister,
    dispatch,
    document,
    enlist,
    explain,
    fleet,
    leftovers,
    lint,
    lint_explain,
    metrics,
    plan,
    provision,
    register,
    registry,
    report,
    sandbox,
    sandbox_env,
    trace,
    verify,
)
from attune_infra.sandbox import Sandbox, Sandboxes, Variables
from attune_infra.sandbox.rabbitmq import Node
from attune_infra.sandbox.value import Server
from attune_infra.topology import verify as checks
from attune_infra.topology.builtin import attune
from attune_infra.topology.check import CheckedText, CheckedTexts
from attune_infra.topology.document.text import Document, LeftOut
from attune_infra.topology.explain import explain_plan
from attune_infra.topology.lint import linter
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.finding import Explanation
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Message, Topology
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.routing import trace as tracing
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.target import Listed, Listing
from attune_infra.topology.worker import topology_of_workers, with_workers, worker_family

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
WORKER: Final = RegisteredWorker(id=1, name="first", created=datetime(2026, 1, 1, tzinfo=UTC), new=True)
SANDBOX: Final = Sandbox(
    name="mine",
    bound=False,
    pid=1,
    folder=Path("mine"),
    amqp_url="amqp://localhost",
    management_url="http://localhost",
    database_url=None,
    broker=Server(
        title="RabbitMQ", version="4.3.6", pid=1, ended=None, ports={"amqp": 5672}, log=Path("rabbit.log")
    ),
    database=None,
    node=cast("Node", None),
)


def shown(page: Page[R], result: R, words: str) -> ParameterSet:
    """Return a page, a value that it shows, and words of its text; mypy holds the two against each other."""
    return pytest.param(page, result, words, id=page.__name__.rpartition(".")[2])  # type: ignore[attr-defined] # a module


SHOWN: Final = (
    shown(report, Report((Outcome(attune().objects()[0], Status.KEPT, "it is used"),)), "1 object: 1 kept"),
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
    shown(registry, RegistryTable(new=True), "table worker: created"),
    shown(sandbox, Sandboxes((SANDBOX,)), "RabbitMQ 4.3.6: process 1"),
    shown(
        connections,
        Listing(Path("c.yaml"), (Listed(name="staging", protected=True, settings=None, trouble="it is away"),)),
        "! staging  protected    it is away",
    ),
    shown(sandbox_env, Variables({"NAME": "two words"}), "export NAME='two words'"),
    shown(
        document,
        Document("name: attune\n", (LeftOut("queue", ("amq.gen-1",), "it is private"),)),
        "name: attune",
    ),
    shown(check, CheckedTexts((CheckedText(source="attune.yaml", topology=attune()),)), "attune.yaml: ok"),
    shown(lint, linter.lint(attune(), source="attune.yaml"), "findings for RabbitMQ"),
    shown(lint_explain, Explanation(((RULES[0], load_example("AI001")),)), f"## AI001: {RULES[0].title}"),
    shown(
        trace,
        tracing.trace(Routing(attune()), Message(exchange="attune.events", routing_key="any")),
        "exchange attune.events",
    ),
    shown(fleet, FLEET, "1 worker: "),
    shown(leftovers, queues_of_workers(FLEET), "1 to remove"),
    shown(enlist, Enlisted(WORKER, PROVISIONED, registered=True), "Worker registered with ID: 1"),
    shown(deregister, DeregisteredWorkers((Deregistered(id=1, name="first"),)), "worker 1 (first): inactive"),
    shown(
        dispatch,
        Dispatch(worker_id=1, exchange="jobs", routing_key="worker.1", message_id="m1", routed=True),
        "message m1 is in the queue of worker 1",
    ),
    shown(metrics, Measurement(FLEET, 0.5), "attune_up 1.0"),
)
"""Each page with a value, and a part of its text."""

NO_PAGES: Final = {"trace_tree", "watch"}
"""Modules beside the pages: the tree that `trace` draws, and a live view."""


@pytest.mark.parametrize(("page", "result", "words"), SHOWN)
def test_a_page_shows_a_value(page: Page[Result], result: Result, words: str) -> None:
    assert any(words in line.text for line in page.lines(result))
    data = json.loads(json_document("command", page.data(result), 2))
    assert (data.pop("schema"), data.pop("exit_code")) == ("attune-infra/command/1", 2)
    assert data
    assert isinstance(result.exit_code, ExitCode)


def test_every_page_was_shown_here() -> None:
    names = {name for _, name, _ in iter_modules(pages.__path__)}

    assert {case.id for case in SHOWN} == names - NO_PAGES
