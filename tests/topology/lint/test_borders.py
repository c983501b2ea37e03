"""Rules of lint at the border of what they find, and the words of what they find."""

from __future__ import annotations

import pytest

from attune_infra.errors import WrongUsage
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.facts.releases import FIRST_DELETING_AUTO_DELETE_IN_A_RESTART, NEWEST, Version
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES, choose_rules, find_rule

QUORUM = "queues: {q: {type: quorum}}\npolicies: {p: {pattern: ^q$, definition: {queue-version: 2}}}"
VANISHING_CHAIN = """
exchanges:
  outer: {type: fanout, auto_delete: true}
  inner: {type: fanout, auto_delete: true, bindings: [{exchange: outer}]}
queues: {q: {%s, bindings: [{exchange: inner}]}}
"""


def findings(code: str, document: str, *, version: Version = NEWEST) -> list[str]:
    topology = parse(document, source="x.yaml")
    found = lint(topology, version=version, rules=choose_rules([code], [])).findings
    return [f"{finding.object}: {finding.what}" for finding in found]


@pytest.mark.parametrize(
    ("queue_attributes", "version", "found"),
    [
        ("auto_delete: true", NEWEST, ["exchange inner", "exchange outer"]),
        ("durable: true", NEWEST, []),
        ("durable: false", FIRST_DELETING_AUTO_DELETE_IN_A_RESTART, ["exchange inner", "exchange outer"]),
        ("durable: false", (3, 10), []),
    ],
)
def test_exchanges_vanish_one_after_another(queue_attributes: str, version: Version, found: list[str]) -> None:
    document = VANISHING_CHAIN % queue_attributes

    assert [each.partition(":")[0] for each in findings("AI026", document, version=version)] == found


def test_a_wider_key_makes_a_narrower_one_needless() -> None:
    text = """
exchanges: {e: {type: topic}}
queues: {q: {bindings: [{exchange: e, routing_key: 'a.#'}, {exchange: e, routing_key: a.b}]}}
"""

    [found] = findings("AI013", text)

    assert found.endswith("the key 'a.#' of another binding matches all of its messages")


def test_a_cycle_names_all_of_its_queues_if_they_are_few() -> None:
    def cycle_of(number: int) -> str:
        queues = (
            f"q{each}: {{arguments: {{x-message-ttl: 5, x-dead-letter-exchange: '', "
            f"x-dead-letter-routing-key: q{(each + 1) % number}}}}}"
            for each in range(number)
        )
        [found, *_] = findings("AI003", f"queues: {{{', '.join(queues)}}}")
        return found

    assert "(q0 -> q1 -> q2 -> q3 -> q0)" in cycle_of(4)
    assert "(q0 -> q1 -> q2 -> q3 -> 1 more -> q0)" in cycle_of(5)


def test_the_place_of_an_internal_exchange_that_nothing_leads_to_is_that_of_the_key() -> None:
    topology, places = parse_with_places(
        "exchanges:\n  e:\n    type: fanout\n    internal: true\n", source="x.yaml"
    )

    [found] = lint(topology, rules=choose_rules(["AI022"], []), places=places).findings

    assert found.place is not None
    assert found.place[0] == 4


@pytest.mark.parametrize(
    ("code", "document", "finding"),
    [
        ("AI062", "queues: {jobs: {}, Jobs: {}}", "queue jobs: its name looks like 'Jobs'"),
        ("AI060", 'queues: {"a\\u200bb": {}}', "queue a\u200bb: its name has invisible characters: 'a\\u200bb'"),
        ("AI060", 'queues: {"a\\tb": {}}', "queue a\tb: its name has invisible characters: 'a\\tb'"),
        ("AI060", "queues: {' a': {}}", "queue  a: its name has invisible characters: ' a'"),
    ],
)
def test_a_name_that_misleads_is_shown(code: str, document: str, finding: str) -> None:
    assert findings(code, document) == [finding]


def test_a_visible_name_is_no_finding_in_any_script() -> None:
    assert findings("AI060", "queues: {köln: {}, 東京: {}, plain: {}}") == []


def test_a_key_of_a_policy_that_no_queue_of_its_type_has() -> None:
    [found] = findings("AI043", QUORUM)

    assert found == "policy p: queue-version has no effect on the queues it applies to, which are all quorum"


def test_a_policy_that_a_queue_passes_over_contests_with_none() -> None:
    def equal(definition: str) -> list[str]:
        return findings(
            "AI042",
            f"""
queues: {{q: {{type: classic}}}}
policies:
  one: {{pattern: ^q$, definition: {{max-length: 5}}}}
  two: {{pattern: ^q, definition: {{{definition}}}}}
""",
        )

    assert equal("delivery-limit: 5") == []
    assert len(equal("max-length: 6")) == 1


def test_the_hint_for_an_unknown_code_names_the_first_and_the_last() -> None:
    with pytest.raises(WrongUsage) as caught:
        find_rule("nonsense")

    assert str(caught.value.hint).startswith(f"the rules are AI001 to {RULES[-1].code}; ")
    assert find_rule(" ai001 ").code == "AI001"


def test_external_queues_are_not_ours_to_limit() -> None:
    assert findings("AI033", "queues: {theirs: {external: true}}") == []
    assert len(findings("AI033", "queues: {ours: {}}")) == 1


def test_a_circle_of_alternate_exchanges_is_told_in_order() -> None:
    text = """
exchanges:
  a: {type: topic, arguments: {alternate-exchange: b}}
  b: {type: topic, arguments: {alternate-exchange: a}}
queues: {q: {bindings: [{exchange: a, routing_key: k}]}}
"""

    found = [each.partition("circle ")[2] for each in findings("AI025", text)]

    assert found == ["(b -> a -> b)", "(a -> b -> a)"]


def test_a_pattern_for_nothing_that_is_there_gets_only_a_hint() -> None:
    topology = parse("policies: {p: {pattern: '.*', definition: {max-length: 5}}}", source="x.yaml")

    [found] = lint(topology, rules=choose_rules(["AI040"], [])).findings

    assert found.remedy == "begin the pattern with ^ and the beginning of your names"


@pytest.mark.parametrize(
    ("arguments", "count"), [("{}", 0), ("{x-match: any}", 1), ("{x-match: all}", 0), ("{kind: order}", 1)]
)
def test_an_alternate_headers_exchange_takes_everything_without_criteria(arguments: str, count: int) -> None:
    text = f"""
exchanges:
  e: {{type: topic, arguments: {{alternate-exchange: h}}}}
  h: {{type: headers}}
queues: {{q: {{bindings: [{{exchange: h, arguments: {arguments}}}, {{exchange: e, routing_key: k}}]}}}}
"""

    found = findings("AI025", text)

    assert len(found) == count
    assert all(each.endswith("headers exchange 'h' takes only headers that it is bound with") for each in found)


def test_a_key_that_rabbitmq_takes_for_none_is_quoted() -> None:
    [found] = findings("AI019", bound_with("null"))

    assert found.endswith("the management API cannot show or delete a binding with the key 'null'")


def bound_with(key: str) -> str:
    return f"exchanges: {{e: {{}}}}\nqueues: {{q: {{bindings: [{{exchange: e, routing_key: '{key}'}}]}}}}"


def test_the_place_of_an_auto_delete_queue_is_that_of_the_key() -> None:
    topology, places = parse_with_places("queues:\n  q:\n    durable: false\n    auto_delete: true\n", source="x")

    [found] = lint(topology, rules=choose_rules(["AI038"], []), places=places).findings

    assert found.place is not None
    assert found.place[0] == 4


def test_a_queue_that_dead_letters_come_to_by_its_name_is_not_unbound() -> None:
    source = "source: {arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: dead}}"

    assert [
        each.partition(":")[0] for each in findings("AI030", f"queues: {{{source}, dead: {{}}, other: {{}}}}")
    ] == [
        "queue other",
        "queue source",
    ]


def test_an_unknown_code_is_quoted() -> None:
    with pytest.raises(WrongUsage) as caught:
        find_rule("nonsense")

    assert caught.value.sentence == "there is no rule 'nonsense'"


@pytest.mark.parametrize(
    ("pattern", "attributes"), [("", []), ("^$", []), ("^q$", []), ("^amq[.]", []), ("^other$", ["write"])]
)
def test_a_pattern_for_nothing_may_be_meant(pattern: str, attributes: list[str]) -> None:
    text = f"queues: {{q: {{}}}}\npermissions: {{ann: {{configure: '', write: '{pattern}', read: ''}}}}"

    found = [each.partition("its pattern for ")[2].partition(",")[0] for each in findings("AI083", text)]

    assert found == attributes


@pytest.mark.parametrize(("queue", "count"), [("worker.7.jobs", 0), ("worker.x.jobs", 1), ("worker.7.gone", 1)])
def test_a_shovel_may_lead_to_the_queue_of_a_worker(queue: str, count: int) -> None:
    text = f"""
        topology: shop
        exchanges: {{e: {{}}}}
        workers:
          queues:
            'worker.{{worker_id}}.jobs': {{bindings: [{{exchange: e, routing_key: 'k.{{worker_id}}'}}]}}
        shovels: {{s: {{src-uri: amqp://h, src-queue: q, dest-uri: 'amqp:///shop', dest-queue: {queue}}}}}
        """

    assert len(findings("AI092", text)) == count


@pytest.mark.parametrize(
    ("uri", "codes"),
    [
        ("'amqp:///shop'", ["AI092"]),
        ("'amqp:///%73hop?heartbeat=5'", ["AI092"]),
        ("['amqp:///shop', 'amqp:///shop']", ["AI092"]),
        ("['amqp:///shop', 'amqp://other']", []),
        ("'amqp:///other'", []),
        ("amqp://other/shop", []),
        ("{env: NAME}", []),
        ("'amqp://'", ["AI093"]),
        ("'amqp:///'", ["AI093"]),
    ],
)
def test_the_end_of_a_shovel_is_looked_for_only_where_its_uris_lead(uri: str, codes: list[str]) -> None:
    shovel = f"{{src-uri: amqp://h, src-queue: q, dest-uri: {uri}, dest-queue: gone}}"
    alone = parse(f"topology: shop\nexchanges: {{e: {{}}}}\nshovels: {{s: {shovel}}}", source="x.yaml")
    text = f"topology: other\nvirtual_hosts: {{shop: {{exchanges: {{e: {{}}}}, shovels: {{s: {shovel}}}}}}}"
    within = parse(text, source="x.yaml").virtual_hosts["shop"]

    for topology in (alone, within):
        found = lint(topology, version=NEWEST).findings
        assert [each.rule for each in found if each.rule in {"AI092", "AI093"}] == codes


@pytest.mark.parametrize(
    ("uri", "end", "found"),
    [
        (
            "'amqp:///b%20b'",
            "queue: gone",
            "it moves to queue 'gone' of virtual host 'b b', which is not declared",
        ),
        (
            "'amqp:///b%20b'",
            "exchange: x",
            "it moves to exchange 'x' of virtual host 'b b', which is not declared",
        ),
        ("'amqp:///b%20b'", "queue: there", None),
        ("'amqp:///b%20b'", "queue: theirs", None),
        ("'amqp:///b%20b'", "exchange: amq.topic", None),
        ("['amqp:///b%20b', 'amqp:///a']", "queue: gone", None),
        ("'amqp:///bare'", "queue: gone", None),
        ("'amqp:///unknown'", "queue: gone", None),
        ("amqp://host/b%20b", "queue: gone", None),
    ],
)
def test_the_end_of_a_shovel_is_looked_for_in_other_virtual_hosts_of_the_document(
    uri: str, end: str, found: str | None
) -> None:
    shovel = f"{{src-uri: 'amqp:///a', src-queue: q, dest-uri: {uri}, dest-{end}}}"
    ignored = "lint: {ignore: [{rule: AI092, reason: it is meant}]}"
    text = f"""\
virtual_hosts:
  a: {{queues: {{q: {{}}}}, shovels: {{s: {shovel}}}, LINT}}
  b b: {{queues: {{there: {{}}, theirs: {{external: true}}}}}}
  bare: {{limits: {{max-queues: 5}}}}
"""
    whole, silent = (
        parse(text.replace("LINT", lines), source="x.yaml").virtual_hosts for lines in ("limits: {}", ignored)
    )

    linted = lint(whole["a"], version=NEWEST, beside=whole)
    assert [each.what for each in linted.findings if each.rule == "AI092"] == [found] * (found is not None)
    judged = {each.rule for each in lint(silent["a"], version=NEWEST, beside=silent).findings}
    assert judged & {"AI070", "AI092"} == (set() if found else {"AI070"})


@pytest.mark.parametrize(
    ("sections", "number"),
    [
        ("", 0),
        ("federation_upstreams: {a: {uri: 'amqp://h'}}", 2),
        ("federation_upstreams: {b: {uri: 'amqp://h'}}", 1),
        ("federation_upstreams: {b: {uri: 'amqp://h'}}\nfederation_upstream_sets: {c: [{upstream: b}]}", 0),
    ],
)
def test_a_policy_may_name_upstreams_of_another_document(sections: str, number: int) -> None:
    policies = [
        ("p", "federation-upstream: b"),
        ("q", "federation-upstream-set: c"),
        ("r", "federation-upstream-set: all"),
    ]
    lines = [f"  {name}: {{pattern: x, definition: {{{key}}}}}" for name, key in policies]
    text = "\n".join(["policies:", *lines, sections])

    assert (
        len([each for each in lint(parse(text, source="x.yaml"), version=NEWEST).findings if each.rule == "AI091"])
        == number
    )
