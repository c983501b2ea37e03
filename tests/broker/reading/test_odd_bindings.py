"""Bindings that the management API cannot name: recognized, deleted where that can be done, and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.shapes import Shape
from attune_infra.settings import Via
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Argument, Binding, Exchange, Queue, TopologyObject
from attune_infra.topology.planning.report import Outcome, Status
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

WANTED = "manages: ['.*']\nexchanges: {h: {type: headers}}\nqueues: {q: {bindings: [{exchange: h}]}}\n"

MISSING = Binding(source="h", destination="q", routing_key="undefined", key_is_text=False)
NULL = Binding(source="h", destination="q", routing_key="null", key_is_text=False)
NUMBER = Binding(source="h", destination="q", routing_key="5", key_is_text=False)
EMPTY = Binding(source="h", destination="q")

LOADED: dict[Binding, dict[str, Any]] = {MISSING: {}, NULL: {"routing_key": None}}
"""Entries of definitions that become such bindings."""


@pytest.fixture
def wanted(tmp_path: Path) -> str:
    """A document with the empty key."""
    path = tmp_path / "wanted.yaml"
    path.write_text(WANTED)
    return str(path)


def load(management: Management, vhost: VirtualHost, *bindings: dict[str, Any]) -> None:
    """Load definitions with a headers exchange, a queue, and such bindings between them."""
    options = {"durable": True, "auto_delete": False, "arguments": {}}
    ends = {"source": "h", "destination": "q", "destination_type": "queue", "arguments": {}}
    definitions = {
        "exchanges": [{"name": "h", "type": "headers", "internal": False, **options}],
        "queues": [{"name": "q", **options}],
        "bindings": [{**ends, **each} for each in bindings],
    }
    management.post("definitions", vhost.name, body=definitions)


def delete(broker: RabbitMQ, *items: TopologyObject) -> list[Outcome]:
    return list(broker.delete(items, even_if_used=False))


@pytest.mark.parametrize("odd", LOADED, ids=["missing", "null"])
def test_each_is_a_value_of_its_own(
    broker: RabbitMQ, management: Management, channel: amqp.Channel, vhost: VirtualHost, odd: Binding
) -> None:
    load(management, vhost, LOADED[odd])
    channel.queue_bind("q", "h", odd.routing_key)
    channel.queue_bind("q", "h", "")

    text = Binding(source="h", destination="q", routing_key=odd.routing_key)
    assert broker.read().bindings == {odd, text, EMPTY}
    assert [each.status for each in delete(broker, text)] == [Status.DELETED]
    assert broker.read().bindings == {odd, EMPTY}


def test_missing_keys_are_recognized_beside_arguments(
    broker: RabbitMQ, management: Management, channel: amqp.Channel, vhost: VirtualHost
) -> None:
    arguments: dict[str, Argument] = {"a": "x", "n": 1}
    load(management, vhost, {"arguments": arguments})
    channel.queue_bind("q", "h", "undefined", arguments={"a": "y"})

    assert broker.read().bindings == {
        Binding(source="h", destination="q", routing_key="undefined", arguments=arguments, key_is_text=False),
        Binding(source="h", destination="q", routing_key="undefined", arguments={"a": "y"}),
    }


def test_a_missing_key_cannot_be_deleted_alone(
    broker: RabbitMQ, management: Management, channel: amqp.Channel, vhost: VirtualHost
) -> None:
    load(management, vhost, {})
    channel.queue_bind("q", "h", "")

    [outcome] = delete(broker, MISSING)

    assert outcome.status is Status.KEPT
    assert outcome.reason == "RabbitMQ holds it without a routing key: it goes only with its queue or exchange"
    assert broker.read().bindings == {MISSING, EMPTY}
    assert [each.status for each in delete(broker, MISSING, Queue(name="q", type="classic"))] == [
        Status.DELETED
    ] * 2


def test_a_null_key_is_deleted_alone(
    broker: RabbitMQ, management: Management, channel: amqp.Channel, vhost: VirtualHost
) -> None:
    load(management, vhost, {"routing_key": None})
    channel.queue_bind("q", "h", "null")
    channel.queue_bind("q", "h", "")

    assert [each.status for each in delete(broker, NULL)] == [Status.DELETED]
    assert broker.read().bindings == {EMPTY, Binding(source="h", destination="q", routing_key="null")}


def test_another_value_is_kept(
    broker: RabbitMQ, management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    if not under_test.is_older_than((4, 3)):
        pytest.skip("RabbitMQ 4.3 refuses a routing key that is a number")
    load(management, vhost, {"routing_key": 5})

    assert broker.read().bindings == {NUMBER}
    [outcome] = delete(broker, NUMBER)
    assert outcome.status is Status.KEPT
    assert "with 5 for a routing key, which is not a string" in outcome.reason


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("arguments", [{}, {"a": "x"}, {"n": 1, "deep": [2**40, {"m": 3}]}])
@pytest.mark.parametrize("destination_type", ["queue", "exchange"])
def test_keys_that_no_path_can_carry_are_deleted(
    vhost: VirtualHost, via: Via, arguments: dict[str, Argument], destination_type: str
) -> None:
    keys = ("", ".", "..", "undefined", "null", "true", "a/b", "a+b", "%2F", "é.名", "a?b=c&d#e", " ", "name~")
    made: list[Exchange | Queue | Binding] = [
        Exchange(name="h", type="headers"),
        Exchange(name="d"),
        Queue(name="d"),
    ]
    made += [
        Binding(
            source="h", destination="d", destination_type=destination_type, routing_key=key, arguments=arguments
        )
        for key in keys
    ]
    with RabbitMQ(vhost.settings(), via=via) as broker:
        for item in made:
            assert [each.status for each in broker.apply([Create(item)])] == [Status.CREATED]
        bindings = sorted(broker.read().bindings, key=lambda binding: binding.routing_key)
        assert len(bindings) == len(keys)

        assert {each.status for each in delete(broker, *bindings)} == {Status.DELETED}
        assert broker.read().bindings == frozenset()


@pytest.mark.parametrize("odd", LOADED, ids=["missing", "null"])
def test_prune_never_deletes_the_wanted_binding(
    attune_infra: Command, management: Management, vhost: VirtualHost, wanted: str, odd: Binding
) -> None:
    load(management, vhost, LOADED[odd])

    result = attune_infra("setup", "--topology", wanted, "--prune", "--allow-destructive", "--yes")

    with RabbitMQ(vhost.settings()) as broker:
        left = broker.read().bindings
    if odd is NULL:
        assert left == {EMPTY}
        assert result.code == 0
    else:
        assert left == {EMPTY, MISSING}
        assert result.code == 3
        assert "it goes only with its queue or exchange" in result.stdout


PRUNE = ("--prune", "--allow-destructive", "--yes")
STUCK = "it is kept: RabbitMQ holds it without a routing key: it goes only with its queue or exchange"


def test_a_plan_foresees_that_a_missing_key_is_kept(
    attune_infra: Command, management: Management, vhost: VirtualHost, wanted: str
) -> None:
    load(management, vhost, {})
    management.post("bindings", vhost.name, "e", "h", "q", "q", body={"routing_key": "", "arguments": {}})

    shown = attune_infra("diff", wanted, "--prune")
    data = attune_infra("diff", wanted, "--prune", "-o", "json").json
    dry = [attune_infra("setup", wanted, "--dry-run", *flags).code for flags in (("--prune",), PRUNE)]
    done = [attune_infra("setup", wanted, *flags).code for flags in (("--prune",), PRUNE)]

    assert shown.code == 2
    assert shown.lines[1] == f"      {STUCK}"
    [change] = data["changes"]
    assert change["kept_because"] == STUCK.removeprefix("it is kept: ")
    assert dry == done == [4, 4]


@pytest.mark.parametrize(
    ("document", "stuck", "code"),
    [
        ("manages: ['.*']\nexchanges: {h: {type: headers}}\n", False, 0),
        ("manages: ['.*']\nqueues: {q: {}}\n", True, 4),
        ("manages: ['.*']\nexchanges: {h: {type: headers}}\nqueues: {q: {durable: false}}\n", False, 0),
        ("manages: ['.*']\nexchanges: {h: {type: headers}, new: {}}\nqueues: {q: {}}\n", True, 3),
    ],
    ids=["queue goes", "exchange goes", "queue is recreated", "exchange is created"],
)
@pytest.mark.transient_queues
def test_a_missing_key_goes_with_its_queue(
    attune_infra: Command,
    management: Management,
    vhost: VirtualHost,
    tmp_path: Path,
    *,
    document: str,
    stuck: bool,
    code: int,
) -> None:
    load(management, vhost, {})
    path = tmp_path / "wanted.yaml"
    path.write_text(document)

    data = attune_infra("diff", str(path), "--prune", "-o", "json").json
    dry = attune_infra("setup", str(path), "--dry-run", *PRUNE)
    done = attune_infra("setup", str(path), *PRUNE)

    assert any("kept_because" in change for change in data["changes"]) is stuck
    assert (dry.code, done.code) == (code, code)
    with RabbitMQ(vhost.settings()) as broker:
        assert (MISSING in broker.read().bindings) is stuck


@pytest.mark.parametrize("odd", LOADED, ids=["missing", "null"])
def test_every_command_goes_on(
    attune_infra: Command, management: Management, vhost: VirtualHost, wanted: str, odd: Binding
) -> None:
    load(management, vhost, LOADED[odd])
    words = "without a routing key" if odd is MISSING else "with null for a routing key, which is not a string"

    exported = attune_infra("export")
    assert exported.code == 0
    assert f"h -> q {words}: their routing keys are missing or not strings" in exported.stderr
    assert attune_infra("export", "--format", "definitions").code == 0
    assert f"binding h -> q {words}" in attune_infra("lint", "--live").stdout
    assert words in attune_infra("graph", "--live", "--format", "mermaid").stdout
    assert "q" in attune_infra("trace", "h", "x", "--live").stdout
    assert attune_infra("diff", "--topology", wanted, "--prune").code == 2
    assert (
        '"routing_key_is_string": false'
        in attune_infra("diff", "--topology", wanted, "--prune", "--output", "json").stdout
    )
    assert attune_infra("verify", "--topology", wanted).code == 2


ODD_KEYS = """
topology: keys
manages: ['.*']
exchanges:
  ex/change+1%20 a~b: {type: topic}
  to;ex: {type: direct}
queues:
  q/1+2%2F ~é:
    bindings: [BINDINGS]
"""
FROM_ODD = "exchange: 'ex/change+1%20 a~b'"
KEYS = ("name~", "~name", "a+b", "a/b", "a%2Fb", " ", "", "é.名", "~", "..", ".", "a?b=c&d#e", "undefined", "null")


def test_odd_keys_between_odd_names_are_pruned(attune_infra: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    bindings = [f"{{{FROM_ODD}, routing_key: '{key}'}}" for key in KEYS]
    bindings += [f"{{{FROM_ODD}, routing_key: 'name~', arguments: {{a: 1}}}}"]
    bindings += [f"{{{FROM_ODD}, arguments: {{b: [1, 2.5, {{c: true}}]}}}}"]
    path = tmp_path / "odd.yaml"
    path.write_text(ODD_KEYS.replace("BINDINGS", ", ".join(bindings)))
    assert attune_infra("setup", "--topology", str(path)).code == 0
    assert attune_infra("diff", "--topology", str(path), "--prune").code == 0
    path.write_text(ODD_KEYS.replace("BINDINGS", bindings[0]))

    consent = ("--allow-destructive", "--yes", "--max-deletes", "100%")
    pruned = attune_infra("setup", "--topology", str(path), "--prune", *consent)

    assert pruned.code == 0
    with RabbitMQ(vhost.settings()) as broker:
        assert [binding.routing_key for binding in broker.read().bindings] == ["name~"]


def test_many_bindings_are_listed_once_and_their_twins_are_deleted_too(
    broker: RabbitMQ,
    management: Management,
    vhost: VirtualHost,
    channel: amqp.Channel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queues = [Queue(name=f"q{number}") for number in range(8)]
    bindings = [
        Binding(source="h", destination=queue.name, routing_key=key, arguments={"n": 1})
        for queue in queues
        for key in ("a", "undefined", "")
    ]
    wanted: list[TopologyObject] = [Exchange(name="h", type="headers"), *queues, *bindings]
    list(broker.apply(map(Create, wanted)))
    for queue in queues:
        channel.queue_bind(queue.name, "h", "a", arguments={"n": 1})  # 32 bits wide, RabbitMQ's other 1
    assert len(management.get("exchanges", vhost.name, "h", "bindings", "source")) == 32
    asked: list[tuple[str, ...]] = []
    get = broker._connections.http.get

    def count(*segments: str, shape: Shape, **query: str) -> Any:
        asked.append(segments)
        return get(*segments, shape=shape, **query)

    monkeypatch.setattr(broker._connections.http, "get", count)

    outcomes = delete(broker, *bindings)

    assert [outcome.status for outcome in outcomes] == [Status.DELETED] * 24
    assert management.get("exchanges", vhost.name, "h", "bindings", "source") == []
    assert sum(segments[0] == "exchanges" for segments in asked) == 1
    assert len([segments for segments in asked if segments[0] == "bindings"]) <= 3 * len(queues) + 1
