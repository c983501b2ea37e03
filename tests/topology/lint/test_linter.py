"""Linting whole documents: places, suppressions, the platform's own topologies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from attune_infra.errors import ExitCode
from attune_infra.render.graph.dot import dot
from attune_infra.render.graph.mermaid import mermaid
from attune_infra.render.graph.outline import outline
from attune_infra.topology.builtin import text_of
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.compatibility import RELEASES
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.graph.build import graph
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.finding import Linted, LintedTexts
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import choose_rules
from attune_infra.topology.model import Binding, Exchange, Message, Queue, Severity, Topology, label
from attune_infra.topology.routing.route import Routing
from support.folders import EXAMPLES
from support.strategies import topologies

MINE = """\
exchanges:
  e: {type: direct, arguments: {alternate-exchange: gone}}
queues:
  jobs:
    arguments: &mine {x-dead-letter-exchange: gone}
    bindings:
      - {exchange: e, routing_key: 'jobs.#'}
  more:
    arguments: *mine
    bindings:
      - {exchange: e, routing_key: more}
"""


def linted(
    text: str,
    *,
    fail_on: Severity = Severity.WARNING,
    select: tuple[str, ...] = (),
    version: Version = NEWEST,
) -> Linted:
    topology, places = parse_with_places(text, source="x.yaml")
    rules = choose_rules(select, ())
    return lint(topology, source="x.yaml", places=places, fail_on=fail_on, rules=rules, version=version)


def placed(found: Linted) -> list[tuple[int, int, str]]:
    return [(*finding.place[:2], finding.rule) for finding in found.findings if finding.place]


def told(found: Linted, at_least: Severity = Severity.WARNING) -> list[str]:
    worth = [finding for finding in found.findings if finding.severity.is_at_least(at_least)]
    return sorted(f"{finding.rule} {finding.object}" for finding in worth)


def test_a_finding_has_the_place_of_the_part_it_is_about() -> None:
    found = linted(MINE, select=("AI001", "AI010", "AI021"))

    assert placed(found) == [
        (2, 33, "AI021"),
        (5, 23, "AI001"),
        (7, 36, "AI010"),
        (8, 3, "AI001"),  # an alias: what it points to is elsewhere
    ]


def test_places_are_remembered_only_if_asked_for() -> None:
    assert parse_with_places(MINE, source="x.yaml")[0] == parse(MINE, source="x.yaml")
    assert {finding.place for finding in lint(parse(MINE, source="x.yaml")).findings} == {None}


@pytest.mark.parametrize("of", ["", "object: jobs, ", "object: queue jobs, "])
def test_a_suppressed_finding_is_kept_apart_with_its_reason(of: str) -> None:
    text = f"{MINE}lint: {{ignore: [{{rule: AI001, {of}reason: comes later}}]}}"

    found = linted(text, select=("AI001", "AI070"))

    assert told(found) == ([] if not of else ["AI001 queue more"])
    assert {(finding.object, reason) for finding, reason in found.suppressed} >= {("queue jobs", "comes later")}


def test_a_suppression_that_nothing_needed_is_a_finding_with_its_place() -> None:
    text = f"{MINE}lint:\n  ignore:\n    - {{rule: AI001, object: queue gone, reason: comes later}}\n"

    [*_, unused] = linted(text, select=("AI001", "AI070")).findings

    assert unused.place is not None
    assert (unused.rule, *unused.place[:2]) == ("AI070", 14, 14)


def test_a_suppression_that_another_release_needs_is_needed() -> None:
    text = "queues: {q: {durable: false}}\nlint: {ignore: [{rule: AI052, reason: the workers declare it}]}\n"

    for version in ((3, 10), (4, 3)):
        assert told(linted(text, select=("AI052", "AI070"), version=version)) == []
    durable = text.replace("false", "true")
    assert told(linted(durable, select=("AI052", "AI070"))) == ["AI070 suppression of AI052"]


def test_a_suppression_of_a_rule_that_was_not_asked_may_be_needed() -> None:
    text = f"{MINE}lint: {{ignore: [{{rule: AI021, reason: comes later}}]}}"

    assert told(linted(text, select=("AI030", "AI070"))) == []
    assert told(linted(text.replace("AI021", "AI999"), select=("AI070",))) == ["AI070 suppression of AI999"]


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [(Severity.ERROR, ExitCode.DONE), (Severity.WARNING, ExitCode.DRIFT), (Severity.INFO, ExitCode.DRIFT)],
)
def test_the_exit_code_follows_from_what_is_bad_enough(fail_on: Severity, code: ExitCode) -> None:
    assert linted(load_example("AI010").bad, fail_on=fail_on, select=("AI010",)).exit_code is code


def test_twins_that_only_a_broker_can_hold_are_told() -> None:
    binding = Binding(source="e", destination="q", arguments={"n": 1})
    topology = Topology.of([Exchange(name="e", type="headers"), Queue(name="q"), binding, binding])

    [finding] = lint(topology, rules=choose_rules(["AI012"], [])).findings

    assert finding.what.startswith("the broker holds this binding more than once")


def test_the_platforms_grown_topology_shows_its_defects() -> None:
    found = linted((EXAMPLES / "attune-2026-09.yaml").read_text(encoding="utf-8"))

    lost = {finding.object for finding in found.findings if finding.rule == "AI002"}
    assert lost == {
        "queue attune.enforcements.queue",
        "queue attune.events.queue",
        "queue attune.execution.completed.queue",
        "queue attune.execution.requests.queue",
        "queue attune.execution.status.queue",
        "queue attune.executor.events.queue",
        "queue attune.inquiry.responses.queue",
        "queue attune.pack.tests.queue",
        "queue worker.{worker_id}.cancel",
        "queue worker.{worker_id}.executions",
        "queue worker.{worker_id}.packs",
        "queue worker.{worker_id}.packtests",
    }
    assert [each for each in told(found) if not each.startswith("AI002")] == [
        "AI010 binding attune.dlx -> attune.dlx.queue with routing key #",
        "AI020 exchange attune.metadata",
        "AI020 exchange attune.notifications",
        "AI034 queue attune.events.queue",
    ]


def test_nothing_false_is_said_of_the_built_in_topology() -> None:
    """The remaining findings are true and known: durable queues grow, transient worker queues are deprecated."""
    found = linted(text_of("attune"))

    assert told(found) == []
    assert {finding.rule for finding in found.findings} == {"AI033", "AI052"}


@pytest.mark.parametrize(
    "path",
    [path for path in EXAMPLES.glob("*.yaml") if path.stem != "attune-2026-09"],
    ids=lambda path: path.name,
)
def test_the_examples_to_imitate_are_clean(path: Path) -> None:
    assert told(linted(path.read_text(encoding="utf-8"))) == []


@given(topologies())
@settings(deadline=None)
def test_any_topology_can_be_linted_and_drawn(topology: Topology) -> None:
    for version in RELEASES:
        found = lint(topology, version=version)
    for written in (mermaid, dot, outline):
        assert written(graph(topology, findings=found.findings))


@given(topologies(with_workers=False))
@settings(deadline=None)
def test_dead_letters_that_are_said_to_vanish_do(topology: Topology) -> None:
    """Of a queue with one certain routing key, the router must say the same."""
    routing = Routing(topology)
    lost = {finding.object for finding in lint(topology, rules=choose_rules(["AI001", "AI002"], [])).findings}
    for queue in topology.queues.values():
        exchange, key = (queue.arguments.get(f"x-dead-letter-{part}") for part in ("exchange", "routing-key"))
        if isinstance(exchange, str) and isinstance(key, str) and label(queue) in lost:
            assert routing.route(Message(exchange=exchange, routing_key=key)).queues == ()


@pytest.mark.parametrize(
    ("destination", "count"),
    [(Queue(name="q"), 1), (Queue(name="q", exclusive=True), 0), (Queue(name="stomp-subscription-1"), 0)],
)
def test_a_binding_of_a_hidden_queue_has_no_finding(destination: Queue, count: int) -> None:
    binding = Binding(source="e", destination=destination.name, routing_key="a.#")
    topology = Topology.of([Exchange(name="e", type="direct"), destination, binding])

    assert len(lint(topology, rules=choose_rules(["AI010"], [])).findings) == count


def test_texts_are_linted_for_one_release() -> None:
    texts = LintedTexts((linted(MINE, version=(3, 10)), linted("queues: {}", version=(3, 10))))

    assert texts.version == (3, 10)
    assert texts.exit_code is ExitCode.DRIFT
    assert texts.counts() == texts.texts[0].counts()


def test_a_problem_is_an_error_to_the_release_that_refuses_it() -> None:
    found = Problem(1, 1, "old", taken_before=(4, 0))

    severities = [
        replace(linted("queues: {}"), version=version).severity_of(found) for version in ((3, 10), (4, 0))
    ]

    assert severities == [Severity.WARNING, Severity.ERROR]
