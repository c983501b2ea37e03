"""Every rule: its title and reason, its choice by code, and documents at the border of some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from attune_infra.errors import WrongUsage
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.places import Place
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.lint.finding import Rule
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES, choose_rules

LEADS_NOWHERE = "exchanges: {e: {arguments: {alternate-exchange: amq.fanout}}}"


def cycle(waits_for: str, keeps: str) -> str:
    return f"""
exchanges: {{e: {{}}, again: {{}}}}
queues:
  work:
    arguments: {{x-dead-letter-exchange: again, x-max-length: 100}}
    bindings: [{{exchange: e, routing_key: k}}]
  wait:
    arguments: {{x-dead-letter-exchange: e, x-message-ttl: 500}}
    bindings: [{{exchange: again, routing_key: {waits_for}}}]
  kept: {{bindings: [{{exchange: again, routing_key: {keeps}}}]}}
"""


def bound(kind: str, *bindings: str) -> str:
    """Return a document with a queue for each binding to an exchange."""
    queues = (f"q{number}: {{bindings: [{{exchange: e, {each}}}]}}" for number, each in enumerate(bindings))
    return f"exchanges: {{e: {{type: {kind}}}}}\nqueues: {{{', '.join(queues)}}}"


def alternate(name: str, more: str = "", source: str = "e") -> str:
    """Return a document with an exchange `e` and its alternate exchange, and a queue that is bound to one."""
    exchanges = f"{{e: {{type: topic, arguments: {{alternate-exchange: {name}}}}}, {more}}}"
    return f"exchanges: {exchanges}\nqueues: {{q: {{bindings: [{{exchange: {source}, routing_key: k}}]}}}}"


def vanishing(attributes: str) -> str:
    """Return a document with an auto-delete exchange, and a queue that is bound to it."""
    queues = f"{{q: {{{attributes}, bindings: [{{exchange: e}}]}}}}"
    return f"exchanges: {{e: {{type: fanout, auto_delete: true}}}}\nqueues: {queues}"


def queue(attributes: str, definition: str = "max-length: 5") -> str:
    """Return a document with a queue and the policy that is in effect on it."""
    return f"queues: {{q: {{{attributes}}}}}\npolicies: {{p: {{pattern: ^q$, definition: {{{definition}}}}}}}"


SUPER_STREAM = """
exchanges:
  invoices: {type: direct, arguments: {x-super-stream: true}}
queues:
  invoices-0:
    type: stream
    bindings: [{exchange: invoices, routing_key: '0', arguments: {x-stream-partition-order: 0}}]
  invoices-1:
    type: stream
    bindings: [{exchange: invoices, routing_key: '1', arguments: {x-stream-partition-order: 1}}]
"""


def remedies(code: str, document: str) -> list[str]:
    found = lint(parse(document, source="x.yaml"), rules=choose_rules([code], [])).findings
    return [finding.remedy for finding in found]


def findings(
    code: str, document: str, *, version: Version = NEWEST, consumers: Mapping[str, int] | None = None
) -> list[str]:
    topology = parse(document, source="x.yaml")
    found = lint(topology, version=version, rules=choose_rules([code], []), consumers=consumers).findings
    return [f"{finding.object}: {finding.what}" for finding in found]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_title_and_a_reason(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.reason.endswith(".")


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES]

    assert codes == sorted(set(codes))


def test_rules_are_selected_and_ignored() -> None:
    assert [rule.code for rule in choose_rules(["AI002", "ai001"], [])] == ["AI001", "AI002"]
    assert [rule.code for rule in choose_rules(["AI001", "AI002"], ["AI002"])] == ["AI001"]
    assert len(choose_rules([], ["AI001"])) == len(RULES) - 1


def test_a_code_that_is_none_is_named() -> None:
    with pytest.raises(WrongUsage, match=r"there is no rule 'AI999'"):
        choose_rules([], ["AI999"])


@pytest.mark.parametrize(
    ("code", "document", "finding"),
    [
        ("AI004", cycle("k", "other"), "queue wait: dead letters come back in a cycle (wait -> work -> wait)"),
        ("AI020", LEADS_NOWHERE, "exchange e: messages to it are dropped: it has no bindings"),
        ("AI025", alternate("''"), "exchange e: messages that match no binding are dropped all the same: as an"),
        ("AI025", alternate("amq.fanout"), "exchange e: messages that match no binding are dropped all the same"),
        ("AI026", vanishing("auto_delete: true"), "exchange e: it is deleted with the last of its queues"),
        ("AI032", queue("arguments: {x-message-ttl: 5}", "message-ttl: 0"), "queue q: a message expires at once"),
        ("AI051", queue("arguments: {x-ha-policy: all}"), "queue q: RabbitMQ 4.3 ignores x-ha-policy"),
    ],
)
def test_a_rule_finds_more_than_its_bad_example(code: str, document: str, finding: str) -> None:
    [found] = findings(code, document)

    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("code", "document"),
    [
        ("AI004", cycle("other", "k")),
        ("AI018", bound("headers", "routing_key: a~, arguments: {a: b}")),
        ("AI020", f"{LEADS_NOWHERE}\nqueues: {{q: {{bindings: [{{exchange: amq.fanout}}]}}}}"),
        ("AI025", alternate("a", "a: {type: topic, arguments: {alternate-exchange: amq.fanout}}", "amq.fanout")),
        ("AI025", alternate("amq.headers", "", "amq.headers")),
        ("AI025", alternate("missing")),
        ("AI026", vanishing("arguments: {x-max-length: 5}")),
        ("AI034", bound("topic", "routing_key: '#'", "routing_key: '#'")),
        ("AI035", "queues: {busy: {}, unknown: {}}"),
        ("AI036", queue("type: classic, arguments: {x-overflow: reject-publish-dlx}")),
        ("AI043", queue("type: quorum", "delivery-limit: 5")),
        ("AI061", "queues: {a.b-c_é: {}}"),
        ("AI062", "queues: {jobs: {}}\nexchanges: {Jobs: {}}"),
    ],
)
def test_a_rule_is_silent_at_its_border(code: str, document: str) -> None:
    assert findings(code, document, consumers={"busy": 1}) == []


def test_a_super_stream_has_nothing_to_find() -> None:
    assert lint(parse(SUPER_STREAM, source="x.yaml")).findings == ()


def test_the_order_of_a_partition_means_nothing_to_other_queues() -> None:
    [found] = findings("AI011", bound("direct", "routing_key: '0', arguments: {x-stream-partition-order: 0}"))

    assert found.endswith("a direct exchange ignores arguments: x-stream-partition-order")


@pytest.mark.parametrize(("version", "count"), [((3, 10), 1), ((4, 0), 1), ((4, 3), 0)])
def test_transient_exchanges_survive_a_restart_since_4_3(version: Version, count: int) -> None:
    document = "exchanges: {e: {durable: false}}\nqueues: {q: {bindings: [{exchange: e, routing_key: k}]}}"

    assert len(findings("AI037", document, version=version)) == count


@pytest.mark.parametrize(("version", "count"), [((3, 10), 0), ((4, 0), 1)])
def test_a_binding_without_a_selector_is_refused_since_4_0(version: Version, count: int) -> None:
    assert len(findings("AI050", bound("x-jms-topic", "routing_key: k"), version=version)) == count


def test_an_exchange_whose_plugin_is_gone_is_found_on_a_broker() -> None:
    topology = parse("exchanges: {e: {type: x-random}}", source="x.yaml")

    found = lint(replace(topology, exchange_types=frozenset({"direct"})), rules=choose_rules(["AI050"], []))

    assert [finding.what for finding in found.findings] == ["the broker has no exchange type x-random any more"]


def dead_letters(key: str, kind: str = "direct", bound: str = "dead") -> str:
    """Return a document with a queue that sends its dead letters to `dlx`, and a queue that is bound to that."""
    return f"""
exchanges: {{e: {{}}, dlx: {{type: {kind}}}}}
queues:
  q:
    arguments: {{x-dead-letter-exchange: dlx, {key}}}
    bindings: [{{exchange: e, routing_key: kept}}]
  dead: {{bindings: [{{exchange: dlx, routing_key: '{bound}'}}]}}
"""


GIVEN = "x-dead-letter-routing-key: given"
BIND = "bind a queue to 'dlx' with this routing key"
GIVEN_BY_POLICY = "policies: {p: {pattern: ^q$, definition: {dead-letter-routing-key: given}}}"


@pytest.mark.parametrize(
    ("document", "key", "remedy"),
    [
        (
            dead_letters(""),
            "'kept', which they keep",
            "make 'dlx' a fanout exchange, or set x-dead-letter-routing-key to 'dead', which has a queue",
        ),
        (
            dead_letters(GIVEN),
            "'given', which x-dead-letter-routing-key gives them",
            f"{BIND}, or set x-dead-letter-routing-key to 'dead', which has a queue",
        ),
        (
            dead_letters("") + GIVEN_BY_POLICY,
            "'given', which dead-letter-routing-key of a policy gives them",
            f"{BIND}, or set dead-letter-routing-key of a policy to 'dead', which has a queue",
        ),
        (dead_letters(GIVEN, bound="#"), "'given', which", BIND),
        (dead_letters("", bound="#"), "'kept', which they keep", "make 'dlx' a fanout exchange"),
        (dead_letters(GIVEN, "topic"), "'given', which", BIND),
    ],
)
def test_lost_dead_letters_are_told_with_the_key_that_they_have(document: str, key: str, remedy: str) -> None:
    [found] = findings("AI002", document)

    assert found.startswith(
        f"queue q: its dead letters are lost: exchange 'dlx' leads to no queue for the routing key {key}"
    )
    assert remedies("AI002", document) == [remedy]


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("jobs", "write '^jobs' to claim all names that begin so: without ^ it must match the whole name"),
        ("^job$", "correct the pattern, or remove it"),
        ("^jobs", None),
        (r"jobs\..*", None),
        (r"worker\.1\.x", None),
        ("amq.direct", None),
        ("^p$", None),
    ],
)
def test_a_pattern_claims_a_name_or_there_is_a_finding(pattern: str, remedy: str | None) -> None:
    document = f"""
manages: ['{pattern}']
queues: {{jobs.a: {{}}}}
exchanges: {{amq.direct: {{bindings: [{{exchange: amq.topic}}]}}}}
policies: {{p: {{pattern: ^jobs, definition: {{max-length: 5}}}}}}
workers: {{queues: {{'worker.{{worker_id}}.x': {{}}}}}}
"""

    assert remedies("AI071", document) == ([] if remedy is None else [remedy])


def test_a_pattern_has_a_place_and_can_be_suppressed() -> None:
    ignored = "lint: {ignore: [{rule: AI071, object: ^old, reason: until all brokers are pruned}]}"
    topology, places = parse_with_places(f"manages: [^old, ^gone]\n{ignored}", source="x.yaml")

    found = lint(topology, places=places, rules=choose_rules(["AI070", "AI071"], []))

    assert [(finding.object, finding.place) for finding in found.findings] == [("manages ^gone", Place(1, 17, 22))]
    assert [finding.object for finding, _ in found.suppressed] == ["manages ^old"]


def test_routing_keys_are_not_traded_for_arguments() -> None:
    by_keys = bound("topic", "routing_key: 'a.*', arguments: {kind: x}")
    by_nothing = bound("topic", "arguments: {kind: x}", "routing_key: '#'")

    [kept], [changed] = remedies("AI011", by_keys), remedies("AI011", by_nothing)
    assert kept == "remove them, and put what they should match into the routing key: here only the key decides"
    assert changed == "remove them, or make it a headers exchange"


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("topic", ": on a topic exchange only the routing key decides, not the arguments"),
        ("fanout", ""),
    ],
)
def test_bindings_that_differ_by_arguments_get_the_cure_for_their_exchange(kind: str, ending: str) -> None:
    each = "{exchange: e, routing_key: k, arguments: {kind: %s}}"
    document = f"exchanges: {{e: {{type: {kind}}}}}\nqueues: {{q: {{bindings: [{each % 'a'}, {each % 'b'}]}}}}"

    assert remedies("AI012", document) == [f"remove one of the two{ending}"]


@pytest.mark.parametrize(
    ("code", "document", "version"),
    [
        ("AI007", queue("type: quorum"), (3, 13)),
        ("AI050", queue("arguments: {x-queue-version: 1}"), (4, 2)),
        ("AI051", queue("arguments: {x-queue-mode: lazy}"), (3, 10)),
    ],
)
def test_a_rule_is_silent_for_an_older_release(code: str, document: str, version: Version) -> None:
    assert findings(code, document) != []
    assert findings(code, document, version=version) == []


def two_patterns(pattern: str, names: Iterable[str] = ("orders", "orders_error", "Orders.Error", "stock")) -> str:
    queues = ", ".join(f"{name}: {{}}" for name in names)
    return f"queues: {{{queues}}}\npolicies: {{p: {{pattern: '{pattern}', definition: {{max-length: 5}}}}}}"


@pytest.mark.parametrize(
    ("pattern", "better"),
    [
        ("orders$", "^orders$"),
        ("^orders|stock", "^(?:orders|stock)"),
        ("orders|^stock$", "^(?:orders|^stock$)"),
        ("(?i)error", r"^(?:Orders\.Error|orders_error)$"),
        ("^.*[E|e]rror$", r"^(?:Orders\.Error|orders_error)$"),
        ("^(.*(?<![Ee]rror))?$", "^(?:orders|stock)$"),
        ("^(?!stock|Orders)", "^orders"),
        ("", r"^(?:Orders\.Error|orders|orders_error|stock)$"),
    ],
)
def test_the_pattern_that_is_advised_is_no_finding_and_has_the_same_effect_here(pattern: str, better: str) -> None:
    [remedy] = remedies("AI040", two_patterns(pattern))

    assert remedy == f"write the pattern as {better}"
    assert remedies("AI040", two_patterns(better)) == []


def test_a_pattern_for_many_different_names_gets_only_a_hint() -> None:
    names = [f"{letter}.queue" for letter in "abcdef"]

    assert remedies("AI040", two_patterns(".*", names)) == [
        "begin the pattern with ^ and the beginning of your names"
    ]


def test_the_pattern_advised_for_the_queues_of_workers_names_no_worker() -> None:
    workers = "workers: {queues: {'worker.{worker_id}.executions': {}}}"
    document = f"{workers}\npolicies: {{p: {{pattern: executions, definition: {{max-length: 5}}}}}}"

    assert remedies("AI040", document) == [r"write the pattern as ^worker\."]


@pytest.mark.parametrize(
    ("pattern", "more"),
    [
        (r"^amq\.", ""),
        (r"^amq\.gen-", ""),
        ("^mqtt-subscription-.*qos1$", ""),
        ("^amq.topic$", "apply_to: exchanges, "),
        ("^any$", "apply_to: exchanges, "),
        ("^any$", "apply_to: streams, "),
    ],
)
def test_a_policy_for_names_that_no_topology_has_is_no_finding(pattern: str, more: str) -> None:
    policy = f"{{pattern: '{pattern}', {more}definition: {{max-length: 5}}}}"

    assert findings("AI041", f"queues: {{q: {{}}}}\npolicies: {{p: {policy}}}") == []


@pytest.mark.parametrize(
    ("attributes", "consumers", "is_found"),
    [
        ("durable: true", {}, True),
        ("durable: true", {"q": 0}, True),
        ("durable: true", {"q": 1}, False),
        ("durable: false", {}, False),
        ("auto_delete: true", {}, False),
        ("arguments: {x-expires: 9}", {}, False),
    ],
)
def test_a_policy_that_deletes_queues_is_a_finding_if_they_are_to_stay(
    attributes: str, consumers: Mapping[str, int], *, is_found: bool
) -> None:
    document = queue(attributes, "expires: 5")

    assert bool(findings("AI039", document, consumers=consumers)) == is_found
