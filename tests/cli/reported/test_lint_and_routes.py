"""Findings of lint, and routes, on what brokers really do."""

from __future__ import annotations

from attune_infra.topology.facts.releases import FIRST_WITH_UNLIMITED_DELIVERIES
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

from .conftest import Write


def test_nothing_is_found_in_a_super_stream(attune_infra: Command, write: Write) -> None:
    partitions = "\n".join(
        f"""  invoices-{number}:
    type: stream
    bindings:
      - {{exchange: invoices, routing_key: '{number}', arguments: {{x-stream-partition-order: {number}}}}}"""
        for number in range(3)
    )
    arguments = "exchanges: {invoices: {type: direct, arguments: {x-super-stream: true}}}"
    document = write(f"{arguments}\nqueues:\n{partitions}\n")
    assert attune_infra("setup", "--topology", document).code == 0

    for where in (("--live",), (document,)):
        linted = attune_infra("lint", *where)
        assert (linted.code, "AI011" in linted.stdout) == (0, False)


def test_unlimited_deliveries_do_not_exist_before_4(
    attune_infra: Command, under_test: BrokerUnderTest, write: Write
) -> None:
    document = write("""
queues:
  q: {type: quorum}
  r: {type: quorum, arguments: {x-delivery-limit: -1}}
policies:
  unlimited: {pattern: ^q$, apply_to: queues, definition: {delivery-limit: -1}}
""")
    is_unlimited = under_test.release >= FIRST_WITH_UNLIMITED_DELIVERIES

    made = attune_infra("setup", "--topology", document)
    for_3 = attune_infra("lint", document, "--broker-version", "3.10").stdout

    assert (made.code == 0) == is_unlimited
    assert "x-delivery-limit" in for_3
    assert "AI050 policy unlimited" in for_3


def test_a_fanout_exchange_is_bound_if_its_only_queue_is_exclusive(
    attune_infra: Command, vhost: VirtualHost
) -> None:
    with vhost.client() as connection:
        channel = connection.channel()
        channel.exchange_declare("news", "fanout", durable=True, auto_delete=False)
        channel.queue_declare("mine", exclusive=True)
        channel.queue_bind("mine", "news")

        linted = attune_infra("lint", "--live")
        drawn = attune_infra("graph", "--live")
        traced = attune_infra("trace", "--live", "news", "")

    assert "AI020" not in linted.stdout
    assert "mine" in drawn.stdout
    assert "reaches 1 queue: mine" in traced.lines


def test_dead_letters_that_stay_and_block_are_worth_a_finding(attune_infra: Command, write: Write) -> None:
    document = write("""
exchanges: {delay: {type: topic}, deliver: {type: topic}}
queues:
  delay.00:
    type: quorum
    arguments:
      x-message-ttl: 1000
      x-dead-letter-exchange: deliver
      x-dead-letter-strategy: at-least-once
      x-overflow: reject-publish
    bindings: [{exchange: delay, routing_key: '1.#'}]
""")
    assert attune_infra("setup", "--topology", document).code == 0

    for linted in (attune_infra("lint", document), attune_infra("lint", "--live")):
        assert linted.code == 2
        assert "AI008 queue delay.00: its dead letters stay in it until they fill it" in linted.stdout
    for where in (("--live",), ("--topology", document)):
        traced = attune_infra("trace", *where, "delay", "1.a")
        assert traced.code == 2
        assert traced.lines[-1] == "! can stay for ever, as a dead letter, in 1 queue: delay.00"
    assert "they stay in the queue, and fill it" in attune_infra("verify", "--topology", document).stdout


def test_exchanges_of_plugins_are_known_before_the_first_change(attune_infra: Command, write: Write) -> None:
    document = write("""
exchanges:
  shard: {type: x-consistent-hash, arguments: {hash-header: tenant}}
  plain: {type: fanout}
queues:
  s1: {bindings: [{exchange: shard, routing_key: '1'}, {exchange: shard, routing_key: '10'}]}
  s2: {bindings: [{exchange: shard, routing_key: 'two'}]}
""")

    linted = attune_infra("lint", document).stdout
    made = attune_infra("setup", "--topology", document)
    tried = attune_infra("setup", "--topology", document, "--dry-run")

    assert "AI023 binding shard -> s2" in linted
    assert "AI024 binding shard -> s1" in linted
    assert (made.code, tried.code) == (1, 1)
    assert "so nothing is changed" in made.stderr
    assert attune_infra("export").stdout.count("plain") == 0


def test_a_delayed_exchange_routes_as_its_delayed_type(attune_infra: Command, write: Write) -> None:
    text = """
exchanges: {{delayed: {{type: x-delayed-message{arguments}}}}}
queues:
  a: {{bindings: [{{exchange: delayed, routing_key: ka}}]}}
  b: {{bindings: [{{exchange: delayed, routing_key: kb}}]}}
routes: [{{publish: {{exchange: delayed, routing_key: ka}}, reaches: [b]}}]
"""
    typed = ", arguments: {x-delayed-type: direct}"
    wrong_route = write(text.format(arguments=typed))
    untyped = write(text.format(arguments=""))

    checked = attune_infra("topology", "check", wrong_route)
    made = attune_infra("setup", "--topology", write(text.format(arguments=typed).partition("routes")[0]))

    assert checked.code == 1
    assert "route of delayed with routing key ka does not reach queue b" in checked.stderr
    assert made.code == 1
    assert "the broker has no exchange type x-delayed-message" in made.stderr
    assert "x-delayed-type" in attune_infra("topology", "check", untyped).stderr


def test_bindings_to_what_another_document_owns(attune_infra: Command, write: Write) -> None:
    document = write("""
exchanges:
  handoff: {external: true}
  shared.dlx: {external: true}
queues:
  input:
    arguments: {x-dead-letter-exchange: shared.dlx}
    bindings: [{exchange: handoff, routing_key: 'x.#'}]
""")
    assert attune_infra("topology", "check", document).code == 0

    missing = attune_infra("diff", "--topology", document)
    assert missing.code == 2
    assert "handoff" in missing.stdout
    attune_infra("setup", "--topology", write("exchanges: {handoff: {type: topic}, shared.dlx: {type: fanout}}"))
    assert attune_infra("setup", "--topology", document).code == 0
    assert attune_infra("diff", "--topology", document).code == 0


def test_a_document_of_several_virtual_hosts_is_refused_in_one_sentence(
    attune_infra: Command, write: Write
) -> None:
    document = write("topology: a\nqueues: {q1: {}}\n---\ntopology: b\nqueues: {q2: {}}\n")

    for arguments in (("topology", "check", document), ("setup", "--topology", document)):
        refused = attune_infra(*arguments)
        assert refused.code == 1
        assert ":3:1: " in refused.stdout + refused.stderr
