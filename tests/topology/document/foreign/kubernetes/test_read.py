import json
from textwrap import dedent

import pytest
from hypothesis import given, settings

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.export import as_kubernetes
from attune_infra.topology.document.foreign.kubernetes.read import looks_like_kubernetes, read_kubernetes
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.sections.secrets import password_variable
from attune_infra.topology.document.text import LeftOut, make_portable
from attune_infra.topology.document.write import write
from attune_infra.topology.model import (
    NO_PASSWORD,
    Binding,
    Exchange,
    Limit,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    freeze,
)
from support.folders import EXAMPLES
from support.strategies import several, topologies

SECRET = "canary-of-a-password"


def read(*resources: str, vhost: str | None = None) -> Topology:
    reading = read_kubernetes(file(*resources), source="k.yaml", vhost=vhost)
    assert reading.problems == ()
    return reading.topology


def file(*resources: str) -> str:
    return "---\n".join(f"apiVersion: rabbitmq.com/v1beta1\n{dedent(each).rstrip()}\n" for each in resources)


def problems(*resources: str) -> list[str]:
    return read_kubernetes(file(*resources), source="k.yaml").warnings()


def left_out(*resources: str) -> tuple[LeftOut, ...]:
    return read_kubernetes(file(*resources), source="k.yaml").left_out


def typed(item: TopologyObject) -> tuple[TopologyObject, object]:
    return item, freeze(item.definition if isinstance(item, Policy) else getattr(item, "arguments", None))


@given(topologies(with_workers=False))
@settings(deadline=None, max_examples=40)
def test_what_is_exported_is_read_back(topology: Topology) -> None:
    document = as_kubernetes(topology)
    if not document.content["items"]:
        return

    reading = read_kubernetes(document.text, source="k.yaml")

    assert reading.problems == ()
    found = [item for item in reading.topology.objects() if not getattr(item, "external", False)]
    originals = [typed(item) for item in make_portable(topology).objects()]
    assert all(typed(item) in originals for item in found)
    limits = [item for item in found if isinstance(item, Limit)]
    users = [each for each in document.content["items"] if each["kind"] == "User"]  # their names are in Secrets
    assert len(found) - len(limits) + bool(limits) + len(users) == len(document.content["items"])
    if not users:
        assert as_kubernetes(reading.topology).text == document.text


def test_the_example_holds_each_kind() -> None:
    text = (EXAMPLES / "kubernetes" / "resources.yaml").read_text(encoding="utf-8")

    reading = read_kubernetes(text, source="k.yaml")

    assert reading.problems == ()
    assert reading.topology.name == "shop"
    assert (
        Permission(user="shop-web", configure="", write=r"^shop\.orders$", read="") in reading.topology.objects()
    )
    assert {each.kind for each in reading.left_out} == {
        "resources of kind Secret", "passwords of users", "schema replications", "fields",
        "URIs of federation upstreams", "URIs of shovels",
    }  # fmt: skip


def test_defaults_are_those_of_the_operator() -> None:
    found = read(
        """\
        kind: Queue
        spec: {name: q}
        """,
        """\
        kind: Exchange
        spec: {name: e}
        """,
    )

    assert found == Topology.of([Queue(name="q", durable=False), Exchange(name="e", durable=False)], name="/")


def test_numbers_are_those_that_the_operator_sends() -> None:
    found = read("kind: Queue\nspec: {name: q, durable: true, arguments: {a: 1.0, b: 9007199254740993, c: 1.5}}")

    assert freeze(found.queues["q"].arguments) == freeze({"a": 1, "b": 2**53, "c": 1.5})


def test_an_undeclared_end_is_external() -> None:
    binding = "kind: Binding\nspec: {source: e, destination: q, destinationType: queue, routingKey: k}"
    topic = "kind: TopicPermission\nspec: {vhost: /, user: u, permissions: {exchange: t, write: a}}"

    assert read(binding, topic) == Topology.of(
        [
            Exchange(name="e", type="", external=True),
            Exchange(name="t", type="", external=True),
            Queue(name="q", external=True),
            Binding(source="e", destination="q", routing_key="k"),
            TopicPermission(user="u", exchange="t", write="a", read=""),
        ],
        name="/",
    )
    why = "this file does not declare them, so the document calls them external"
    assert LeftOut("declarations of queues", ("q",), why) in left_out(binding)


def test_a_default_queue_type_becomes_that_of_each_queue() -> None:
    vhost = "kind: Vhost\nspec: {name: v, defaultQueueType: quorum}"

    assert read(vhost, "kind: Queue\nspec: {name: q, vhost: v, durable: true}").queues["q"].type == "quorum"


def test_lists_of_kubectl_are_read_too() -> None:
    item = (
        '{"apiVersion": "rabbitmq.com/v1beta1", "kind": "Queue", "metadata": {"name": "q"}, "spec": {"name": "q"}}'
    )
    text = f'{{"apiVersion": "v1", "items": [{item}], "kind": "List", "metadata": {{}}}}'

    assert looks_like_kubernetes(text)
    assert list(read_kubernetes(text, source="k.json").topology.queues) == ["q"]


def test_the_name_of_a_user_is_in_a_status_a_secret_or_nowhere() -> None:
    permission = "kind: Permission\nmetadata: {{name: {0}}}\nspec: {{vhost: /, userReference: {{name: {0}}}}}"
    user = (
        "kind: User\nmetadata: {name: a}\nspec: {tags: [monitoring], limits: {channels: 7}}\n"
        "status: {username: of-status}"
    )
    imported = "kind: User\nmetadata: {name: b}\nspec: {importCredentialsSecret: {name: s}}"
    secret = f"kind: Secret\nmetadata: {{name: s}}\ndata: {{username: dXNlcg==, password: {SECRET}}}"

    reading = read_kubernetes(
        file(*(permission.format(name) for name in "abc"), user, imported, secret), source="k.yaml"
    )

    assert set(reading.topology.permissions) == {"of-status", "user"}
    assert reading.topology.users == {
        "of-status": User(name="of-status", tags=frozenset({"monitoring"}), limits={"max-channels": 7}),
        "user": User(name="user", password=password_variable("user")),
    }
    assert [each.names for each in reading.left_out if each.kind == "permissions"] == [("c",)]
    assert SECRET not in repr(reading)


@pytest.mark.parametrize(
    ("secret", "password", "where"),
    [
        (None, password_variable("web"), "they are in Secret 's': set USER_WEB_PASSWORD to it"),
        ({"password": SECRET}, password_variable("web"), "they are in Secret 's': set USER_WEB_PASSWORD to it"),
        ({"passwordHash": "", "password": SECRET}, NO_PASSWORD, None),
        ({"passwordHash": SECRET}, None, "they are in Secret 's', as a hash: write it as password_hash"),
        ({}, None, "the operator makes them"),
    ],
)
def test_a_password_is_a_reference_where_a_secret_has_one(
    secret: dict[str, str] | None, password: object, where: str | None
) -> None:
    user = "kind: User\nmetadata: {name: u}\nspec: {importCredentialsSecret: {name: s}}\nstatus: {username: web}"
    others = [] if secret is None else [f"kind: Secret\nmetadata: {{name: s}}\nstringData: {json.dumps(secret)}"]

    reading = read_kubernetes(file(user, *others), source="k.yaml")

    assert reading.topology.users["web"].password == password
    told = [each.why for each in reading.left_out if each.kind == "passwords of users"]
    assert told == ([] if where is None else [where])
    assert SECRET not in repr(reading)


SHOP = "kind: Vhost\nspec: {name: shop, tags: [b, a], defaultQueueType: quorum, limits: {queues: 5}}"


def test_several_virtual_hosts_are_read_unless_one_is_chosen() -> None:
    queues = ["kind: Queue\nspec: {name: a, vhost: shop, durable: true}", "kind: Queue\nspec: {name: b}"]

    both = read(SHOP, *queues, "kind: Vhost\nspec: {name: empty}")

    assert both == Topology(
        virtual_hosts={
            "/": Topology.of([VirtualHost(name="/"), Queue(name="b", durable=False)]),
            "empty": Topology.of([VirtualHost(name="empty")]),
            "shop": Topology.of(
                [
                    VirtualHost(name="shop", tags=("a", "b"), default_queue_type="quorum"),
                    Queue(name="a"),
                    Limit(name="max-queues", value=5),
                ],
                default_queue_type="quorum",
            ),
        }
    )
    assert list(read(*queues, vhost="/").queues) == ["b"]
    with pytest.raises(InvalidInput, match="no virtual host 'three'"):
        read(*queues, vhost="three")


def test_one_virtual_host_keeps_its_settings_if_everything_is_asked_for() -> None:
    one = read_kubernetes(file(SHOP), source="k.yaml")
    whole = read_kubernetes(file(SHOP), source="k.yaml", everything=True)

    assert one.topology == Topology.of([Limit(name="max-queues", value=5)], name="shop")
    why = "a document without virtual_hosts has no place for them; `import --all` reads them"
    assert one.left_out == (LeftOut("tags of virtual hosts", ("shop",), why),)
    assert [*whole.topology.virtual_hosts] == ["shop"]
    assert whole.left_out == ()


def test_what_is_left_out_of_several_is_named_with_its_virtual_host() -> None:
    binding = "kind: Binding\nspec: {source: amq.topic, destination: q, destinationType: queue, vhost: shop}"
    why = "this file does not declare them, so the document calls them external (virtual host shop)"

    assert left_out(SHOP, binding, "kind: Queue\nspec: {name: b}") == (
        LeftOut("declarations of queues", ("q",), why),
    )


@given(several())
@settings(deadline=None, max_examples=30)
def test_several_virtual_hosts_are_read_back(topology: Topology) -> None:
    document = as_kubernetes(topology)

    reading = read_kubernetes(document.text, source="k.yaml")

    assert reading.problems == ()
    assert as_kubernetes(reading.topology).text == document.text
    assert parse(write(reading.topology), source="written") == reading.topology
    for name, each in reading.topology.virtual_hosts.items():
        originals = [typed(item) for item in topology.virtual_hosts[name].objects()]
        found = [item for item in each.objects() if not getattr(item, "external", False)]
        assert all(typed(item) in originals for item in found)
    assert [each for each in document.content["items"] if each["kind"] == "Vhost"]


@pytest.mark.parametrize(
    ("resource", "complaint"),
    [
        ("kind: Queue\nspec: {vhost: /}", "k.yaml:1:1: Queue '' has no name"),
        ("kind: Queue\nmetadata: {name: q}\n", "k.yaml:1:1: Queue 'q' has no spec"),
        ("spec: {name: q}", "k.yaml:1:1: a resource has no kind"),
        ("kind: Queue\nspec: {name: q, type: qorum}", "k.yaml:3:23: queue q: type expects"),
        ("kind: Queue\nspec: {name: q, durable: 'yes'}", "k.yaml:3:26: expected true or false, got"),
        ("kind: Queue\nspec: {name: amq.x}", "k.yaml:3:14: queue amq.x: the name"),
        ("kind: Queue\nspec: {name: q, arguments: {x-max-length: a}}", "k.yaml:3:43: queue q: x-max-length"),
        ("kind: Queue\nspec: {name: q, arguments: {a: null}}", "k.yaml:3:32: 'a' holds null"),
        ("kind: Queue\nspec: {name: q, arguments: {a: 1e3}}", "k.yaml:3:32: readers of YAML disagree about `1e3`"),
        ("kind: Queue\nspec: {name: y}", "k.yaml:3:14: readers of YAML disagree about `y`"),
        ("kind: Binding\nspec: {source: e, destination: q}", "k.yaml:1:1: Binding '' has no destinationType"),
        (
            "kind: Binding\nspec: {source: '', destination: q, destinationType: queue}",
            "k.yaml:1:1: the default exchange takes no bindings",
        ),
        ("kind: Policy\nspec: {name: p, pattern: '('}", "k.yaml:1:1: Policy '' has no definition"),
        ("kind: OperatorPolicy\nspec: {name: p, pattern: a, definition: {x: 1}}", "RabbitMQ takes no 'x'"),
        ("kind: Permission\nspec: {vhost: /}", "has neither user nor userReference"),
        ("kind: SuperStream\nmetadata: {name: s}\nspec: {routingKeys: [a]}", "3 partitions, but 1 routing"),
        ("kind: SuperStream\nmetadata: {name: s}\nspec: {partitions: 2000}", "expected 1 to 1000 partitions"),
        ("kind: Queue\nspec: [", "invalid YAML"),
        (
            "kind: Queue\nspec: {name: q}\n---\nkind: Queue\napiVersion: rabbitmq.com\nspec: {name: q, type: x}",
            "k.yaml:7:14: queue q is declared twice, in different ways",
        ),
    ],
)  # fmt: skip
def test_a_problem_has_a_place(resource: str, complaint: str) -> None:
    assert any(complaint in each for each in problems(resource)), problems(resource)


def test_resources_of_two_clusters_are_no_topology() -> None:
    one, two = (f"kind: Queue\nspec: {{name: {x}, rabbitmqClusterReference: {{name: {x}}}}}" for x in "ab")

    [problem] = problems(one, two)

    assert "Queue '' is of cluster 'b', others are of 'a'" in problem


def test_other_resources_alone_are_refused() -> None:
    with pytest.raises(InvalidInput, match="holds no resource of RabbitMQ's topology operator"):
        read_kubernetes("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", source="k.yaml")


def test_other_texts_are_none() -> None:
    assert not looks_like_kubernetes('{"queues": []}')
    assert not looks_like_kubernetes("queues: {apiVersion: {}}\n")
