"""Whatever a command can end with has its page, which shows it as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

import pytest

from attune_infra.fleet.fleet import Limits, Member, Sighting
from attune_infra.fleet.health import examine
from attune_infra.fleet.leftovers import of_workers
from attune_infra.interfaces import (
    Deregistered,
    DeregisteredWorkers,
    Dispatch,
    Enlisted,
    Measurement,
    RegisteredWorker,
    RegistryTable,
    SandboxState,
    SandboxStates,
    SandboxVariables,
    Server,
)
from attune_infra.render.data import document
from attune_infra.render.page import PAGES
from attune_infra.render.showable import Showable
from attune_infra.render.text import lines_of
from attune_infra.topology.builtin import attune
from attune_infra.topology.check import CheckedText, CheckedTexts
from attune_infra.topology.document.text import Document, LeftOut
from attune_infra.topology.explain import explained
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.finding import Explanation
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Message, Topology
from attune_infra.topology.plan import Plan
from attune_infra.topology.report import Outcome, Provisioned, Report, Status
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import trace
from attune_infra.topology.verify import Demands, Seen, Wanted, verify
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
SERVER: Final = Server(
    title="RabbitMQ", version="4.3.6", pid=1, ended=None, ports={"amqp": 5672}, log=Path("rabbit.log")
)

SHOWN: Final[tuple[tuple[Showable, str], ...]] = (
    (Report((Outcome(attune().objects()[0], Status.KEPT, "it is used"),)), "1 object: 1 kept"),
    (PLAN, f"plan {PLAN.digest}"),
    (explained(PLAN, Topology.of([]), WANTED), "queue worker.1.executions is drift"),
    (
        verify(Seen(http="4.3.6", amqp="4.3.6", topology=WANTED), Wanted.of(WANTED, Demands())),
        "passed   broker answers over AMQP",
    ),
    (PROVISIONED, "worker 1 provisioned"),
    (WORKER, "Worker registered with ID: 1"),
    (RegistryTable(new=True), "table worker: created"),
    (
        SandboxStates((SandboxState(name="mine", status="running", servers=(SERVER,)),)),
        "RabbitMQ 4.3.6: process 1",
    ),
    (SandboxVariables({"NAME": "two words"}), "export NAME='two words'"),
    (Document("name: attune\n", (LeftOut("queue", ("amq.gen-1",), "it is private"),)), "name: attune"),
    (CheckedTexts((CheckedText(source="attune.yaml", topology=attune()),)), "attune.yaml: ok"),
    (lint(attune(), source="attune.yaml"), "findings for RabbitMQ"),
    (Explanation(((RULES[0], load_example("AI001")),)), f"## AI001: {RULES[0].title}"),
    (trace(Routing(attune()), Message(exchange="attune.events", routing_key="any")), "exchange attune.events"),
    (FLEET, "1 worker: "),
    (of_workers(FLEET), "1 to remove"),
    (Enlisted(WORKER, PROVISIONED, registered=True), "Worker registered with ID: 1"),
    (DeregisteredWorkers((Deregistered(id=1, name="first"),)), "worker 1 (first): inactive"),
    (
        Dispatch(worker_id=1, exchange="jobs", routing_key="worker.1", message_id="m1", routed=True),
        "message m1 is in the queue of worker 1",
    ),
    (Measurement(FLEET, 0.5), "attune_up 1.0"),
)
"""One value of each type, and what a person reads of it."""


@pytest.mark.parametrize(("shown", "words"), SHOWN, ids=[type(shown).__name__ for shown, _ in SHOWN])
def test_a_page_shows_a_value(shown: Showable, words: str) -> None:
    assert any(words in line.text for line in lines_of(shown))
    data = json.loads(document("command", shown, 2))
    assert (data.pop("schema"), data.pop("exit_code")) == ("attune-infra/command/1", 2)
    assert data


def test_all_that_can_be_shown_has_a_page_and_was_shown_here() -> None:
    names = {kind.__name__ for kind in get_args(Showable)}

    assert PAGES.keys() == names
    assert {type(shown).__name__ for shown, _ in SHOWN} == names
