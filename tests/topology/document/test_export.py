import json

from hypothesis import given, settings

from attune_infra.topology.builtin import attune
from attune_infra.topology.document.definitions.virtual_host import parse_definitions
from attune_infra.topology.document.export import as_definitions, as_document, as_kubernetes
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.text import LeftOut, make_portable
from attune_infra.topology.model import (
    NO_PASSWORD,
    Binding,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    Shovel,
    TopicPermission,
    Topology,
    User,
    VirtualHost,
)
from support.strategies import topologies

OPERATOR_POLICY = OperatorPolicy(name="o", pattern="", definition={"max-length": 1})
ODD = Topology(
    name="odd",
    exchanges={name: Exchange(name=name) for name in ("e", "a\nb")},
    queues={
        queue.name: queue
        for queue in (
            Queue(name="q", type="classic"),
            Queue(name="..", type="classic"),
            Queue(name="mine", type="classic", exclusive=True),
            Queue(name="slip", type="classic", arguments={"x-max-lenght": 1}),
        )
    },
    bindings=frozenset(
        Binding(source=source, destination=destination)
        for source, destination in (
            ("e", "q"),
            ("a\nb", "q"),
            ("e", "gone"),
            ("amq.rabbitmq.trace", "q"),
            ("e", "mine"),
        )
    ),
    policies={"p": Policy(name="p", pattern="(b", definition={"max-length": 1})},
    operator_policies={"o": OPERATOR_POLICY},
)


def test_a_document_holds_what_it_can_and_the_rest_is_named() -> None:
    document = as_document(ODD)

    assert parse(document.text, source="x.yaml") == Topology.of(
        [
            Exchange(name="e"),
            Queue(name="q", type="classic"),
            Binding(source="e", destination="q"),
            Binding(source="amq.rabbitmq.trace", destination="q"),
            OPERATOR_POLICY,
        ],
        name="odd",
    )
    assert set(document.left_out) == {
        LeftOut(
            "exchanges",
            ("a\nb",),
            "the name holds a line break or NUL, which RabbitMQ drops silently or cannot show",
        ),
        LeftOut("queues", ("..",), "the name is '..', which no HTTP client can address"),
        LeftOut("queues", ("mine",), "they belong to one connection, and RabbitMQ deletes them with it"),
        LeftOut("queues", ("slip",), "unknown argument 'x-max-lenght'; did you mean 'x-max-length'?"),
        LeftOut(
            "policies",
            ("p",),
            "the pattern is not a regular expression: missing closing parenthesis at position 2",
        ),
        LeftOut("bindings", ("a\nb -> q",), "exchange a\nb does not exist or was left out"),
        LeftOut("bindings", ("e -> gone",), "queue gone does not exist or was left out"),
        LeftOut("bindings", ("e -> mine",), "queue mine does not exist or was left out"),
    }


def test_definitions_hold_all_that_can_stand_alone() -> None:
    document = as_definitions(ODD)

    assert {(left_out.kind, *left_out.names) for left_out in document.left_out} == {
        ("queues", "mine"),
        ("bindings", "e -> gone"),
        ("bindings", "e -> mine"),
    }


@given(topologies(with_workers=False, from_a_document=False))
@settings(deadline=None)
def test_what_is_whole_is_exported_whole_in_either_form(topology: Topology) -> None:
    document, definitions = as_document(topology), as_definitions(topology)

    assert (document.left_out, definitions.left_out) == ((), ())
    assert parse(document.text, source="x.yaml") == make_portable(topology)
    assert parse_definitions(definitions.text, source="x.json") == (make_portable(topology), ())


def test_definitions_hold_no_permission_and_no_binding_to_any_value() -> None:
    permission = Permission(user="ann", configure="", write="^q$", read="")
    topology = Topology.of(
        [Queue(name="q"), permission, TopicPermission(user="ann", exchange="amq.topic", write="", read="")]
    )

    in_yaml, in_json = as_document(topology), as_definitions(topology)

    assert parse(in_yaml.text, source="x").permissions == {"ann": permission}
    assert {(found.kind, found.why) for found in in_json.left_out} == {
        (
            kind,
            "RabbitMQ loads none into a single virtual host; `export --users` writes definitions that hold them",
        )
        for kind in ("permissions", "topic permissions")
    }


def test_an_operator_policy_is_a_parameter_in_definitions() -> None:
    policy = OperatorPolicy(name="o", pattern="^q$", definition={"max-length": 5}, apply_to="queues", priority=1)

    [parameter] = json.loads(as_definitions(Topology.of([policy])).text)["parameters"]

    assert parameter == {
        "component": "operator_policy",
        "name": "o",
        "value": {"pattern": "^q$", "apply-to": "queues", "definition": {"max-length": 5}, "priority": 1},
    }


def test_what_only_documents_have_is_named_by_definitions() -> None:
    document = as_definitions(attune().plus([Queue(name="theirs", external=True)]))

    why = "`worker provision` makes them, for each worker"
    assert document.left_out == (
        LeftOut("queues", ("theirs",), "their owner declares them"),
        LeftOut("queues of workers", ("worker.{worker_id}.executions",), why),
    )


def test_a_key_that_no_document_has_is_named_rather_than_written() -> None:
    odd = {"ha-policy": "all"}
    topology = Topology.of(
        [
            FederationUpstream(name="u", value={"uri": "amqp://h", **odd}),
            FederationUpstreamSet(name="s", value=[{"upstream": "u", **odd}]),
            Shovel(name="v", value={"src-uri": "amqp://h", "dest-uri": "amqp://h", "src-queue": "q"}),
            Parameter(component="other", name="o", value=dict(odd)),
        ]
    )

    document = as_document(topology)

    assert [each.name for each in parse(document.text, source="it").parameters.values()] == ["v", "o"]
    assert [(each.kind, each.names, each.why) for each in document.left_out] == [
        ("federation upstreams", ("u",), "no document has their key ha-policy"),
        ("federation upstream sets", ("s",), "no document has their key ha-policy"),
    ]


def test_users_of_several_virtual_hosts_are_written_once() -> None:
    user = User(name="web", password=NO_PASSWORD)
    topology = Topology(
        virtual_hosts={name: Topology.of([VirtualHost(name=name), user, Queue(name="q")]) for name in ("a", "b")}
    )

    kinds = [each["kind"] for each in as_kubernetes(topology).content["items"]]

    assert sorted(kinds) == ["Queue", "Queue", "User", "Vhost", "Vhost"]
    assert as_document(topology).text.count("web:") == 1
