"""Headers bindings that match any value of a header: AMQP's void, on a real broker."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import Via
from attune_infra.topology.diff import Create, diff, undeclared
from attune_infra.topology.document.export import as_definitions, as_document
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.releases import version_of
from attune_infra.topology.model import Argument, Message
from attune_infra.topology.planning.report import Status
from attune_infra.topology.routing.route import Routing
from support.as_a_user import Command
from support.virtual_host import VirtualHost

DOCUMENT = """
manages: ['.*']
exchanges:
  h: {type: headers}
queues:
  any:
    bindings:
      - {exchange: h, arguments: {tenant: {present: true}, color: {present: true}, x-match: any}}
  both:
    bindings:
      - {exchange: h, arguments: {tenant: {present: true}, level: 3, kind: a}}
"""
WANT = parse(DOCUMENT, source="x.yaml")

MESSAGES: dict[str, tuple[dict[str, Argument], set[str]]] = {
    "one of two": ({"tenant": "x"}, {"any"}),
    "the other": ({"color": 1}, {"any"}),
    "all three": ({"tenant": [1], "level": 3, "kind": "a"}, {"any", "both"}),
    "a value that differs": ({"tenant": True, "level": 4, "kind": "a"}, {"any"}),
    "none": ({"level": 3}, set()),
}


@pytest.mark.parametrize("via", list(Via))
def test_presence_is_declared_routed_read_and_pruned(vhost: VirtualHost, channel: amqp.Channel, via: Via) -> None:
    with RabbitMQ(vhost.settings(), via=via) as broker:
        made = [each.status for each in broker.apply([Create(item) for item in WANT.objects()])]
        assert made == [Status.CREATED] * 5
        live = broker.read()
        assert (diff(live, WANT), undeclared(live, WANT)) == ((), ())
        assert live.twins == frozenset()

        for name, (headers, reached) in MESSAGES.items():
            channel.basic_publish_confirm(amqp.Message(name, application_headers=headers), "h", "")
            arrived = {queue for queue in WANT.queues if channel.basic_get(queue, no_ack=True)}
            assert arrived == reached, name
            routing = Routing(WANT, version=version_of(broker.check_http()))
            assert set(routing.route(Message(exchange="h", headers=headers)).queues) == reached, name

        outcomes = list(broker.delete(sorted(live.bindings, key=repr), even_if_used=False))
        assert [each.status for each in outcomes] == [Status.DELETED] * 2
        assert broker.read().bindings == frozenset()


def test_presence_is_exported_and_comes_back(broker: RabbitMQ) -> None:
    list(broker.apply([Create(item) for item in WANT.objects()]))

    exported = as_document(broker.read())

    assert "tenant: {present: true}" in exported.text
    assert exported.left_out == ()
    assert diff(broker.read(), parse(exported.text, source="x.yaml")) == ()
    [left_out] = as_definitions(broker.read()).left_out
    assert left_out.why == "they match any value of a header, which definitions cannot say; a document can"


def test_an_undeclared_presence_without_a_path_is_pruned(broker: RabbitMQ, channel: amqp.Channel) -> None:
    list(broker.apply([Create(item) for item in WANT.objects()]))
    for key in ("undefined", "null", ".", ""):
        channel.queue_bind("any", "h", key, arguments={"a": None, "n": 5})

    stale = undeclared(broker.read(), WANT)

    assert len(stale) == 4
    assert {each.status for each in broker.delete(stale, even_if_used=False)} == {Status.DELETED}
    assert undeclared(broker.read(), WANT) == ()
    assert diff(broker.read(), WANT) == ()


def test_commands_show_it(attune_infra: Command, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(DOCUMENT)

    assert attune_infra("setup", "--topology", str(tmp_path / "x.yaml")).code == 0
    assert attune_infra("diff", "--topology", str(tmp_path / "x.yaml"), "--prune").code == 0
    assert attune_infra("verify", "--topology", str(tmp_path / "x.yaml")).code == 0
    traced = attune_infra("trace", "h", "--header", "tenant=x", "--live")
    assert (traced.code, "any" in traced.stdout) == (0, True)
    assert "tenant present" in attune_infra("graph", "--live", "--format", "mermaid").stdout
    assert "AI012" not in attune_infra("lint", "--live").stdout


def test_void_and_its_text_are_read_and_pruned_as_one(broker: RabbitMQ, channel: amqp.Channel) -> None:
    list(broker.apply([Create(item) for item in WANT.objects()]))
    for value in (None, "undefined"):
        channel.queue_bind("any", "h", "", arguments={"a": value})

    live = broker.read()

    [stale] = undeclared(live, WANT)
    assert live.twins == {stale}
    assert [each.status for each in broker.delete([stale], even_if_used=False)] == [Status.DELETED]
    assert undeclared(broker.read(), WANT) == ()
