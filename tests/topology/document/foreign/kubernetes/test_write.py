from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from attune_infra.errors import WrongUsage
from attune_infra.topology.document.export import as_kubernetes
from attune_infra.topology.document.foreign.kubernetes.write import ClusterReference
from attune_infra.topology.document.foreign.kubernetes.yaml_text import block, scalar
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.model import (
    NO_PASSWORD,
    Argument,
    Binding,
    Exchange,
    FederationUpstream,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    User,
    VirtualHost,
    freeze,
)
from support.operator_schema import schema_of
from support.strategies import NASTY_NAMES, arguments, several, topologies

ALL_KINDS = Topology.of(
    [
        Exchange(name="events", type="topic", arguments={"alternate-exchange": "rest"}),
        Exchange(name="rest", type="fanout", durable=False, auto_delete=True),
        Queue(name="jobs", type="quorum", arguments={"x-delivery-limit": 3}),
        Queue(name="theirs", external=True),
        Binding(source="events", destination="jobs", routing_key="a.#"),
        Binding(source="amq.headers", destination="theirs", arguments={"x-match": "any", "n": 1}),
        Policy(name="short", pattern="^jobs$", definition={"max-length": 5}, apply_to="queues", priority=2),
        OperatorPolicy(name="cap", pattern="", definition={"max-length": 9}, apply_to="queues"),
        Limit(name="max-queues", value=20),
        Permission(user="web", configure="", write="^events$", read=""),
        TopicPermission(user="web", exchange="events", write="^a", read=""),
    ]
)


def resources(topology: Topology) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(as_kubernetes(topology).text))


def test_each_kind_has_its_fields() -> None:
    found = {(each["kind"], each["metadata"]["name"].rpartition("-")[0] or each["metadata"]["name"]): each["spec"]
             for each in resources(ALL_KINDS)}  # fmt: skip

    cluster = {"rabbitmqClusterReference": {"name": "rabbitmq"}}
    assert found["Queue", "jobs"] == {
        "name": "jobs",
        "vhost": "/",
        "type": "quorum",
        "durable": True,
        "autoDelete": False,
        "arguments": {"x-delivery-limit": 3},
        **cluster,
    }
    assert found["Binding", "events-jobs"] == {
        "vhost": "/",
        "source": "events",
        "destination": "jobs",
        "destinationType": "queue",
        "routingKey": "a.#",
        **cluster,
    }
    assert ("Queue", "theirs") not in found
    assert sorted(kind for kind, _ in found) == [
        "Binding", "Binding", "Exchange", "Exchange", "OperatorPolicy", "Permission", "Policy", "Queue",
        "TopicPermission", "Vhost",
    ]  # fmt: skip


@given(topologies(with_workers=False) | several())
@settings(deadline=None, max_examples=60)
def test_each_resource_is_valid_and_has_a_name_of_its_own(topology: Topology) -> None:
    document = as_kubernetes(topology)

    found = list(yaml.safe_load_all(document.text))
    for each in found:
        jsonschema.validate(each, schema_of(each["kind"]))
    assert len({(each["kind"], each["metadata"]["name"]) for each in found}) == len(found)
    assert freeze(document.content["items"]) == freeze(found)
    assert document.text.isascii() or all(map(str.isprintable, document.text.splitlines()))


def test_what_the_operator_cannot_declare_is_named() -> None:
    topology = Topology.of(
        [
            Exchange(name="inner", internal=True),
            Exchange(name="odd", arguments={"x-n": 1.0}),
            Queue(name="q", type="classic"),
            Binding(source="amq.headers", destination="q", arguments={"a": None}),
            Binding(source="inner", destination="q"),
            OperatorPolicy(name="all", pattern="", definition={"max-length": 1}),
            Limit(name="max-queues", value=2**31),
        ]
    )

    found = as_kubernetes(topology)

    assert [each["metadata"]["name"] for each in yaml.safe_load_all(found.text)] == ["q"]
    assert {(each.kind, each.why) for each in found.left_out} == {
        ("exchanges", "the operator's exchanges have no field `internal`"),
        ("exchanges", "the operator changes x-n: it holds the number 1.0, which becomes the integer 1"),
        ("bindings", "they match any value of a header, which the operator cannot say; a document can"),
        ("bindings", "exchange inner does not exist or was left out"),
        ("operator policies", "the operator applies them to queues, not to all"),
        ("limits", "the operator takes limits up to 2147483647"),
    }


def test_nothing_is_a_comment() -> None:
    document = as_kubernetes(Topology.of([Queue(name="q", external=True)]))

    assert document.text == "# no resources\n"
    assert document.left_out == (LeftOut("queues", ("q",), "their owner declares them"),)


def test_a_user_is_in_no_virtual_host_and_its_password_in_a_secret() -> None:
    user = User(name="web", tags=frozenset({"monitoring"}), limits={"max-connections": 3}, password=NO_PASSWORD)

    document = as_kubernetes(Topology.of([user, User(name="odd", tags=frozenset({"x"}))], name="v"))

    [found] = document.content["items"]
    secret = found["spec"].pop("importCredentialsSecret")["name"]
    assert (found["kind"], found["metadata"]) == ("User", {"name": "web"})
    assert found["spec"] == {
        "tags": ["monitoring"],
        "limits": {"connections": 3},
        "rabbitmqClusterReference": {"name": "rabbitmq"},
    }
    assert [each.why for each in document.left_out] == [
        "the operator knows no tag x",
        f"the operator reads it from Secret '{secret}': make it, with username and password",
    ]


def test_another_virtual_host_is_part_of_each_name() -> None:
    here, there = (resources(Topology.of([Queue(name="q")], name=name))[0] for name in ("a", "b"))

    assert here["metadata"]["name"].startswith("a-q-")
    assert here["metadata"]["name"] != there["metadata"]["name"]
    assert there["spec"]["vhost"] == "b"


def test_each_of_several_virtual_hosts_has_its_resources_and_a_secret_of_its_own() -> None:
    upstream = FederationUpstream(name="u", value={"uri": {"env": "U"}})
    settings_of_a = VirtualHost(
        name="a", tags=("t",), description="of a", default_queue_type="quorum", protected_from_deletion=True
    )
    topology = Topology(
        virtual_hosts={
            "/": Topology.of([VirtualHost(name="/"), Queue(name="q"), upstream]),
            "a": Topology.of([settings_of_a, Queue(name="q"), upstream, Exchange(name="i", internal=True)]),
        }
    )

    document = as_kubernetes(topology)

    found = document.content["items"]
    names = [each["spec"].get("vhost", each["spec"]["name"]) for each in found]
    assert names == ["/"] * 3 + ["a"] * 3
    assert [each["kind"] for each in found] == ["Vhost", "Queue", "Federation"] * 2
    assert len({each["metadata"]["name"] for each in found if each["kind"] == "Queue"}) == 2
    assert len({each["spec"]["uriSecret"]["name"] for each in found if each["kind"] == "Federation"}) == 2
    assert found[3]["spec"] == {
        "name": "a",
        "tags": ["t"],
        "defaultQueueType": "quorum",
        "rabbitmqClusterReference": {"name": "rabbitmq"},
    }
    assert [(each.kind, each.names, each.why) for each in document.left_out][:2] == [
        ("exchanges", ("i",), "the operator's exchanges have no field `internal` (virtual host a)"),
        ("URIs of federation upstreams", ("u",), document.left_out[1].why),
    ]
    left_out = {each.kind for each in document.left_out if each.names == ("a",)}
    assert left_out == {"descriptions of virtual hosts", "protection of virtual hosts from deletion"}


def test_a_cluster_may_be_in_another_namespace() -> None:
    assert ClusterReference.parse("main.messaging").as_spec() == {"name": "main", "namespace": "messaging"}
    assert ClusterReference.parse("main").as_spec() == {"name": "main"}
    for wrong in ("", "Main", "main.", ".x", "a.b.c", "a b"):
        with pytest.raises(WrongUsage, match="does not name a cluster"):
            ClusterReference.parse(wrong)


@pytest.mark.parametrize("name", [*NASTY_NAMES, "y", "N", "1e3", "0o17", "Infinity", "on", ""])
def test_a_nasty_text_is_read_back(name: str) -> None:
    assert yaml.safe_load(scalar(name)) == name
    assert yaml.safe_load("\n".join(block({name: {name: name}}))) == {name: {name: name}}


def test_go_takes_no_text_for_another_value() -> None:
    for text in ("y", "N", "1e3", "0o17", "Infinity", "on", "~", "=", "12:30"):
        assert scalar(text) == f'"{text}"'


@given(arguments)
@settings(deadline=None, max_examples=50)
def test_values_are_read_back(values: dict[str, Argument]) -> None:
    text = "\n".join(block(values)) if values else "{}"

    assert freeze(yaml.safe_load(text)) == freeze(values)
