"""The section `virtual_hosts`: a document for each of several virtual hosts, in one text or in several."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.merging.overlay import Text
from attune_infra.topology.document.merging.several import read_several
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.schema.document import schema
from attune_infra.topology.document.text import Document
from attune_infra.topology.document.write import write
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import choose_rules
from attune_infra.topology.model import Queue, VirtualHost

TEXT = """\
topology: platform
expect_cluster: rabbit@one
protect: ['queue:orders.*']
variables: {kind: quorum}
virtual_hosts:
  orders:
    description: Orders of the shop
    tags: [production, audited]
    default_queue_type: ${kind}
    protected_from_deletion: true
    manages: ['^orders']
    exchanges: {orders: {type: topic}}
    queues:
      orders.new: {bindings: [{exchange: orders, routing_key: new}]}
    limits: {max-queues: 5}
    routes: [{publish: {exchange: orders, routing_key: new}, reaches: [orders.new]}]
  /: {queues: {jobs: {type: classic}}}
  empty:
"""


def test_each_virtual_host_has_its_settings_and_a_topology_of_its_own() -> None:
    whole = parse(TEXT, source="p.yaml")

    orders = whole.virtual_hosts["orders"]
    assert [*whole.virtual_hosts] == ["orders", "/", "empty"]
    assert whole.objects() == ()
    assert orders.virtual_host == VirtualHost(
        name="orders",
        description="Orders of the shop",
        tags=("audited", "production"),
        default_queue_type="quorum",
        protected_from_deletion=True,
    )
    assert orders.objects()[0] is orders.virtual_host
    assert orders.default_queue_type == "quorum"
    assert [*orders.queues] == ["orders.new"]
    assert (orders.demands.cluster, orders.demands.protect) == ("rabbit@one", ("queue:orders.*",))
    assert whole.virtual_hosts["empty"].objects() == (VirtualHost(name="empty"),)
    assert whole.virtual_hosts["/"].queues == {"jobs": Queue(name="jobs", type="classic")}


def test_it_is_written_as_it_is_read() -> None:
    whole = parse(TEXT, source="p.yaml")

    assert parse(write(whole), source="again.yaml") == whole


def test_one_virtual_host_alone_is_written_with_its_settings() -> None:
    orders = parse(TEXT, source="p.yaml").virtual_hosts["orders"]

    assert parse(write(orders), source="again.yaml").virtual_hosts == {"orders": orders}


def test_the_schema_takes_it() -> None:
    found = json.loads(json.dumps(Document(TEXT).content))

    assert [*Draft202012Validator(schema()).iter_errors(found)] == []
    found["virtual_hosts"]["orders"]["nonsense"] = 1
    assert [*Draft202012Validator(schema()).iter_errors(found)] != []


def test_an_object_has_its_place_in_its_virtual_host() -> None:
    text = "virtual_hosts:\n  a: {queues: {q: {}}}\n  b:\n    queues: {q: {}}\n"
    topology, places = parse_with_places(text, source="p.yaml")
    reading = Reading("p.yaml", topology, places=places)

    found = [reading.within(name).places.of(Queue(name="q")) for name in ("a", "b")]
    assert [place and place[:2] for place in found] == [(2, 16), (4, 14)]
    with pytest.raises(InvalidInput, match=r"p\.yaml has no virtual host 'c'"):
        reading.within("c")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("queues: {q: {}}\nvirtual_hosts: {a: {}}", "1:9: 'queues' stands beside virtual_hosts"),
        (
            "virtual_hosts: {a: {queue: {}}}",
            "unknown key 'queue' in virtual host 'a'; did you mean 'queues'?",
        ),
        ("virtual_hosts: {a: {protect: []}}", "1:21: unknown key 'protect' in virtual host 'a'"),
        ("users: {u: {}}\nvirtual_hosts: {}", "2:16: virtual_hosts names no virtual host"),
        ("virtual_hosts: {a: 5}", "1:20: virtual host 'a' must be a mapping"),
        ("virtual_hosts: [a]", "1:16: virtual_hosts must be a mapping"),
        ("virtual_hosts: {'': {}}", "1:17: the name of the virtual host is empty"),
        ("virtual_hosts: {a: {default_queue_type: fast}}", "expected classic, quorum or stream, got 'fast'"),
        ("virtual_hosts: {a: {tags: ['a b']}}", "a tag is made of visible ASCII characters except the comma"),
        ("virtual_hosts: {a: {tags: [é]}}", "a tag is made of visible ASCII characters except the comma"),
        (
            "virtual_hosts: {a: {exchanges: {e: {}}}, b: {queues: {q: {bindings: [{exchange: e}]}}}}",
            "no exchange 'e' in virtual host 'b'",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="p.yaml")

    assert problem in str(caught.value)


def test_several_documents_may_say_parts_of_one_virtual_host() -> None:
    texts = [
        Text("base.yaml", "virtual_hosts: {a: {description: A, exchanges: {e: {}}}, b: {}}"),
        Text("team.yaml", "virtual_hosts: {a: {queues: {q: {bindings: [{exchange: e}]}}, tags: [t]}}"),
    ]

    found = read_several(texts, values={}).topology.virtual_hosts

    assert found["a"].virtual_host == VirtualHost(name="a", description="A", tags=("t",))
    assert [*found["a"].queues, *found["a"].exchanges, *found] == ["q", "e", "a", "b"]


def test_two_documents_that_contradict_each_other_are_both_named() -> None:
    texts = [
        Text("base.yaml", "virtual_hosts: {a: {description: A, queues: {q: {}}}}"),
        Text("team.yaml", "virtual_hosts: {a: {description: B, queues: {q: {}}}}"),
    ]

    with pytest.raises(InvalidDocument) as caught:
        read_several(texts, values={})

    assert "team.yaml:1:34: description is 'B' here and 'A' in base.yaml:1:34" in str(caught.value)
    assert "team.yaml:1:46: queue 'q' is also declared in base.yaml:1:46" in str(caught.value)


def test_an_overlay_changes_one_virtual_host() -> None:
    bases = {"base.yaml": "virtual_hosts: {a: {limits: {max-queues: 5}, manages: [^a]}, b: {}}"}
    over = "extends: base.yaml\nvirtual_hosts: {a: {limits: {max-queues: 9}, manages: [^b]}, b: null}\n"

    found = read_several(
        [Text("over.yaml", over)], values={}, read=lambda name, _: Text(name, bases[name])
    ).topology.virtual_hosts

    assert [*found] == ["a"]
    assert found["a"].limits["max-queues"].value == 9
    assert found["a"].manages == ("^a", "^b")


def test_users_belong_to_the_first_virtual_host_wherever_they_have_permissions() -> None:
    text = """\
users: {here: {}, there: {}, nowhere: {}}
virtual_hosts:
  a: {permissions: {here: {configure: '', write: '', read: '.*'}}}
  b: {permissions: {there: {configure: '', write: '', read: '.*'}}}
"""
    first, second = parse(text, source="p.yaml").virtual_hosts.values()

    assert ([*first.users], [*second.users]) == (["here", "there", "nowhere"], [])
    found = lint(first, rules=choose_rules(["AI084"], [])).findings
    assert [finding.object for finding in found] == ["user nowhere"]
    whole = parse(text, source="p.yaml")
    assert parse(write(whole), source="again.yaml") == whole
