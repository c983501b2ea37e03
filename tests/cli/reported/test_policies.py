"""The policy that is in effect, and the one that is not."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost

from .conftest import Write

KEY_OF_ANOTHER_TYPE = r"""
exchanges: {dlx: {type: fanout}}
queues:
  q.classic: {type: classic}
  q.quorum: {type: quorum}
  dead: {bindings: [{exchange: dlx}]}
policies:
  both:
    pattern: '^q\.'
    apply_to: queues
    definition: {dead-letter-exchange: dlx, delivery-limit: 5, message-ttl: 1000}
"""


def test_one_key_that_a_type_does_not_support_keeps_the_whole_policy_off(
    attune_infra: Command, channel: amqp.Channel, write: Write
) -> None:
    document = write(KEY_OF_ANOTHER_TYPE)
    assert attune_infra("setup", "--topology", document).code == 0

    for name in ("q.classic", "q.quorum"):
        traced = attune_infra("trace", "--live", "", name)
        assert traced.stdout == attune_infra("trace", "--topology", document, "", name).stdout
        assert ("dead letter to exchange dlx" in traced.stdout) == (name == "q.quorum")
        channel.basic_publish(amqp.Message(name), routing_key=name)

    died = eventually(lambda: channel.basic_get("dead", no_ack=True), lambda found: found is not None)
    assert died.body == "q.quorum"
    linted = attune_infra("lint", "--live").stdout
    assert "AI043 policy both: delivery-limit keeps the whole policy off queue 'q.classic'" in linted
    assert "AI033 queue q.classic" in linted


def test_no_policy_stands_in_for_an_argument_that_it_does_not_give(attune_infra: Command, write: Write) -> None:
    assert attune_infra("setup", "--topology", write(KEY_OF_ANOTHER_TYPE)).code == 0
    want = write("""
exchanges: {dlx: {type: fanout}}
queues:
  q.classic: {type: classic, arguments: {x-dead-letter-exchange: dlx, x-message-ttl: 1000}}
  q.quorum: {type: quorum, arguments: {x-dead-letter-exchange: dlx, x-message-ttl: 1000}}
  dead: {bindings: [{exchange: dlx}]}
""")

    shown = attune_infra("diff", "--topology", want, "--output", "json").json

    by_queue = {change["name"]: change for change in shown["changes"]}
    assert [each["attribute"] for each in by_queue["q.classic"]["differences"]] == [
        "x-dead-letter-exchange",
        "x-message-ttl",
    ]


def test_the_policy_with_the_next_lower_priority_counts(
    attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    document = write(r"""
exchanges: {dlx: {type: fanout}}
queues:
  q.classic: {type: classic}
  q.quorum: {type: quorum}
  q.stream: {type: stream}
  dead: {bindings: [{exchange: dlx}]}
policies:
  all-of-it:
    pattern: '^q\.'
    apply_to: queues
    priority: 1
    definition: {dead-letter-exchange: dlx, delivery-limit: 5, max-age: 1h}
  fallback: {pattern: '^q\.', apply_to: queues, definition: {message-ttl: 60000}}
""")
    assert attune_infra("setup", "--topology", document).code == 0

    listing = management.get("queues", vhost.name, disable_stats="true", columns="name,policy")
    assert {item["name"]: item.get("policy") for item in listing} == {
        "q.classic": "fallback",
        "q.quorum": "fallback",
        "q.stream": None,
        "dead": None,
    }
    for name in ("q.classic", "q.quorum"):
        assert "expired (x-message-ttl 60000)" in attune_infra("trace", "--live", "", name).stdout
    assert "x-message-ttl" not in attune_infra("trace", "--live", "", "q.stream").stdout


def test_the_default_exchange_has_no_alternate_exchange(attune_infra: Command, write: Write) -> None:
    document = write("""
exchanges: {backup: {type: fanout}}
queues: {saved: {bindings: [{exchange: backup}]}}
policies:
  ae: {pattern: '.*', apply_to: exchanges, definition: {alternate-exchange: backup}}
""")
    assert attune_infra("setup", "--topology", document).code == 0

    for where in (("--live",), ("--topology", document)):
        traced = attune_infra("trace", *where, "amq.default", "nowhere")
        assert (traced.code, traced.lines[-1]) == (2, "! reaches no queue")


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[[:alpha:]]+\.orders$",
        r"(?<!\.dlq|\.error)$",
        r"^eu(?i)\.ORDERS$",
        r"orders\z",
        r"(?<word>ord)ers",
        r"(?P<word>ord)ers",
        r"(?(DEFINE)(?<word>ord))(?&word)ers",
        r"^é.*|^eu",
        r"^a.$",
        r"^[[:upper:]]",
    ],
)
def test_patterns_are_those_of_the_broker(
    pattern: str, attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    document = write(f"""
exchanges: {{dlx: {{type: fanout}}}}
queues: {{eu.orders: {{}}, aé: {{}}, dead: {{bindings: [{{exchange: dlx}}]}}}}
policies:
  dl: {{pattern: '{pattern}', apply_to: queues, definition: {{dead-letter-exchange: dlx}}}}
""")
    assert attune_infra("setup", "--topology", document).code == 0

    listing = management.get("queues", vhost.name, disable_stats="true", columns="name,policy")
    for item in listing:
        for where in (("--live",), ("--topology", document)):
            traced = attune_infra("trace", *where, "", item["name"])
            assert ("dead letter to exchange dlx" in traced.stdout) == (item.get("policy") == "dl"), item


def test_advice_on_a_pattern_helps_if_it_is_followed(attune_infra: Command, write: Write) -> None:
    text = """
queues: {orders: {}, orders_error: {}, orders_skipped: {}}
policies:
  normal: {pattern: '^(.*(?<![E|e]rror))?$', apply_to: queues, definition: {message-ttl: 2592000000}}
  errors: {pattern: '^.*[E|e]rror$', apply_to: queues, definition: {message-ttl: 60000}}
"""
    findings = attune_infra("lint", write(text), "--output", "json").json["findings"]
    advice = {each["title"]: each["remedy"] for each in findings if each["code"] == "AI040"}

    assert advice
    assert "^^" not in str(advice)
