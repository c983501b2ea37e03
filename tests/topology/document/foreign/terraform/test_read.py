import json
from typing import Any

import pytest
from hypothesis import given, settings

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.export import as_terraform
from attune_infra.topology.document.foreign.recognise import read_foreign
from attune_infra.topology.document.foreign.terraform.read import read_terraform
from attune_infra.topology.document.foreign.terraform.state import looks_like_terraform
from attune_infra.topology.document.sections.secrets import password_variable
from attune_infra.topology.document.text import make_portable
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Limit,
    OperatorPolicy,
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
from support.hcl import resources
from support.strategies import several, topologies
from support.terraform import applied, instance, shown

SETTINGS = {"durable": True, "auto_delete": False}
EVENTS = instance("rabbitmq_exchange.e", name="e", settings=[{**SETTINGS, "type": "headers"}])
JOBS = instance(
    "rabbitmq_queue.q[0]",
    name="q",
    vhost="/",
    settings=[{**SETTINGS, "arguments": None, "arguments_json": '{"x-max-length":5,"x-queue-type":"classic"}'}],
)
BOUND = {"source": "e", "destination": "q", "destination_type": "queue", "vhost": "/"}


def read(*instances: dict[str, Any], vhost: str | None = None) -> Topology:
    reading = read_terraform(shown(*instances), source="t.json", vhost=vhost)
    assert reading.problems == ()
    return reading.topology


def problems(*instances: dict[str, Any]) -> list[str]:
    return read_terraform(shown(*instances), source="t.json").warnings()


def typed(item: TopologyObject) -> tuple[TopologyObject, object]:
    return item, freeze(item.definition if isinstance(item, Policy) else getattr(item, "arguments", None))


@given(topologies(with_workers=False))
@settings(deadline=None, max_examples=40)
def test_what_is_applied_is_read_back(topology: Topology) -> None:
    text = as_terraform(topology).text
    if "resource" not in text:
        return

    reading = read_terraform(applied(text), source="t.json")

    assert reading.problems == ()
    originals = [typed(item) for item in make_portable(topology).objects()]
    found = [item for item in reading.topology.objects() if not getattr(item, "external", False)]
    assert all(typed(item) in originals for item in found)
    assert as_terraform(reading.topology).text == text


@given(several())
@settings(deadline=None, max_examples=30)
def test_several_virtual_hosts_are_read_back(topology: Topology) -> None:
    text = as_terraform(topology).text
    known = {each["vhost"] for each in resources(text).values()}
    if len(known) < 2:
        return

    reading = read_terraform(applied(text), source="t.json")

    assert reading.problems == ()
    assert reading.topology.virtual_hosts.keys() == known
    assert as_terraform(reading.topology).text == text


def test_several_virtual_hosts_are_read_unless_one_is_chosen() -> None:
    vhost = instance("rabbitmq_vhost.v", name="v", description="d", default_queue_type="quorum", max_queues="5")

    both = read(vhost, JOBS)

    assert both.virtual_hosts == {
        "/": Topology.of([VirtualHost(name="/"), Queue(name="q", type="classic", arguments={"x-max-length": 5})]),
        "v": Topology.of(
            [
                VirtualHost(name="v", description="d", default_queue_type="quorum"),
                Limit(name="max-queues", value=5),
            ],
            default_queue_type="quorum",
        ),
    }
    assert list(read(vhost, JOBS, vhost="/").queues) == ["q"]
    whole = read_terraform(shown(JOBS), source="t.json", everything=True)
    assert [*whole.topology.virtual_hosts] == ["/"]


def test_each_type_is_read() -> None:
    bound = instance(
        "rabbitmq_binding.b", **BOUND, routing_key="k", arguments={"x": "undefined"}, arguments_json=""
    )
    policy = {"pattern": "^q", "priority": 1, "apply_to": "queues", "definition": {"max-length": "5", "a": "b"}}
    caps = {"pattern": "", "priority": 0, "apply_to": "queues", "definition": {"expires": "1000"}}
    access = {"configure": "", "write": "a", "read": ""}
    topic = {"exchange": "e", "write": "a", "read": ""}

    assert read(
        EVENTS,
        JOBS,
        bound,
        instance("rabbitmq_policy.p", name="p", vhost="/", policy=[policy]),
        instance("rabbitmq_operator_policy.p", name="p", vhost="/", policy=[caps]),
        instance("rabbitmq_permissions.u", user="u", vhost="/", permissions=[access]),
        instance("rabbitmq_topic_permissions.u", user="u", vhost="/", permissions=[topic]),
        instance("rabbitmq_vhost.v", name="/", max_queues="7", max_connections="", tracing=False),
    ) == Topology.of(
        [
            Exchange(name="e", type="headers"),
            Queue(name="q", type="classic", arguments={"x-max-length": 5}),
            Binding(source="e", destination="q", routing_key="k", arguments={"x": None}),
            Policy(name="p", pattern="^q", definition={"max-length": 5, "a": "b"}, apply_to="queues", priority=1),
            OperatorPolicy(name="p", pattern="", definition={"expires": 1000}, apply_to="queues"),
            Permission(user="u", configure="", write="a", read=""),
            TopicPermission(user="u", exchange="e", write="a", read=""),
            Limit(name="max-queues", value=7),
        ],
        name="/",
    )


def test_modules_and_plans_are_read() -> None:
    module = {"child_modules": [{"address": "module.m", "resources": [{"mode": "managed", **EVENTS}]}]}
    text = json.dumps({"format_version": "1.2", "planned_values": {"root_module": module}})

    assert looks_like_terraform(text)
    assert list(read_foreign(text, source="t.json").topology.exchanges) == ["e"]


def test_what_has_no_place_is_named() -> None:
    user = instance("rabbitmq_user.u", name="u", password="canary-of-a-password", tags=["monitoring"])
    queue = {**JOBS, "type": "rabbitmq_queue", "mode": "data", "address": "data.rabbitmq_queue.d"}
    number = instance("rabbitmq_binding.b", **BOUND, arguments={"n": "5"})
    other = instance("aws_s3_bucket.b", bucket="x")
    vhost = instance("rabbitmq_vhost.v", name="/", description="d", default_queue_type="quorum", max_queues=0)
    moved = {**EVENTS, "values": {**EVENTS["values"], "vhost": "other"}}

    reading = read_terraform(shown(user, queue, number, other, vhost, moved), source="t.json", vhost="/")

    assert "canary" not in repr(reading)
    assert reading.topology.users == {
        "u": User(name="u", tags=frozenset({"monitoring"}), password=password_variable("u"))
    }
    assert {(each.kind, each.names) for each in reading.left_out} == {
        ("passwords of users", ("u",)),
        ("data sources", ("data.rabbitmq_queue.d",)),
        ("types", ("of n of rabbitmq_binding.b",)),
        ("resources of type aws_s3_bucket", ("aws_s3_bucket.b",)),
        ("descriptions of virtual hosts", ("/",)),
        ("other virtual hosts", ("other",)),
        ("declarations of exchanges", ("e",)),
        ("declarations of queues", ("q",)),
    }


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (instance("rabbitmq_queue.q", name="q"), "rabbitmq_queue.q has no block 'settings'"),
        (instance("rabbitmq_queue.q", settings=[SETTINGS]), "rabbitmq_queue.q has no name"),
        (instance("rabbitmq_queue.q", name=5, settings=[SETTINGS]), "name expects a string, got the integer 5"),
        (
            instance("rabbitmq_queue.q", name="q", settings=[{"arguments": {"x-max-length": "5"}}]),
            "rabbitmq_queue.q: queue q: x-max-length expects an integer",
        ),
        (
            instance("rabbitmq_queue.q", name="q", settings=[{"arguments_json": "["}]),
            "arguments_json is no JSON object",
        ),
        (
            instance("rabbitmq_queue.q", name="q", settings=[{"arguments_json": '{"a":null}'}]),
            "'a' holds null",
        ),
        (instance("rabbitmq_exchange.e", name="e", settings=[SETTINGS]), "has no type"),
        (
            instance("rabbitmq_binding.b", **{**BOUND, "destination_type": "topic"}),
            "destination_type expects queue or exchange",
        ),
        (instance("rabbitmq_user.u", name="u", tags=[1]), "rabbitmq_user.u: tags expects a list of strings"),
        (instance("rabbitmq_vhost.v", name="/", max_queues="many"), "max_queues expects an integer"),
    ],
)
def test_a_problem_names_the_address(broken: dict[str, Any], complaint: str) -> None:
    [*found] = problems(EVENTS, broken)

    assert any(complaint in each for each in found), found
    assert all(each.startswith("t.json:1:") and not each.startswith("t.json:1:1:") for each in found)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"version": 4, "terraform_version": "1.9", "resources": []}', "is a state file of Terraform"),
        (shown(instance("aws_s3_bucket.b")), "holds no resource of Terraform's provider for RabbitMQ"),
        ('{"format_version": "1.0", "values": {', "invalid JSON"),
        ('{"format_version": "1.0", "values": NaN}', "a number or a text is none that JSON has"),
        ('{"format_version": "1.0", "values": "\\ud800"}', "a number or a text is none that JSON has"),
        ('{"format_version": "1.0", "values": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_another_text_is_refused(text: str, complaint: str) -> None:
    assert looks_like_terraform(text)
    with pytest.raises(InvalidInput, match=complaint):
        read_terraform(text, source="t.json").refuse_problems()


def test_an_empty_state_shows_no_resources() -> None:
    with pytest.raises(InvalidInput, match="Terraform shows no resources"):
        read_terraform('{"format_version": "1.0"}', source="t.json").refuse_problems()


def test_other_texts_are_none() -> None:
    assert not looks_like_terraform('{"queues": []}')
    assert not looks_like_terraform("apiVersion: v1")
