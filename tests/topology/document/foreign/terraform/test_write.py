from typing import Any

import pytest
from hypothesis import given, settings

from attune_infra.topology.document.export import as_terraform
from attune_infra.topology.document.foreign.terraform.write import properties_key, reason_to_refuse
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
    freeze,
)
from support.hcl import encoded, parsed, resources
from support.strategies import topologies

ALL_KINDS = Topology.of(
    [
        Exchange(name="events", type="topic", arguments={"alternate-exchange": "rest"}),
        Queue(name="jobs", type="quorum", arguments={"x-delivery-limit": 3}),
        Queue(name="plain"),
        Queue(name="theirs", external=True),
        Binding(source="events", destination="jobs", routing_key="a.#"),
        Binding(source="amq.headers", destination="theirs", arguments={"x-match": "any", "n": "1"}),
        Policy(name="short", pattern="^jobs$", definition={"max-length": 5}, apply_to="queues", priority=2),
        OperatorPolicy(name="cap", pattern="", definition={"max-length": 9}, apply_to="queues"),
        Permission(user="web", configure="", write="^events$", read=""),
        TopicPermission(user="web", exchange="events", write="^a", read=""),
        TopicPermission(user="web", exchange="amq.topic", write="^b", read=""),
    ]
)


def test_each_kind_has_its_attributes() -> None:
    document = as_terraform(ALL_KINDS, with_imports=True)

    found = resources(document.text)
    assert found["rabbitmq_exchange.events"] == {
        "name": "events",
        "vhost": "/",
        "settings": [
            {
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "arguments": {"alternate-exchange": "rest"},
            }
        ],
    }
    [settings_of_jobs] = found["rabbitmq_queue.jobs"]["settings"]
    assert encoded(settings_of_jobs["arguments_json"]) == {"x-delivery-limit": 3, "x-queue-type": "quorum"}
    assert found["rabbitmq_queue.plain"]["settings"] == [{"durable": True, "auto_delete": False}]
    assert found["rabbitmq_policy.short"]["policy"] == [
        {"pattern": "^jobs$", "priority": 2, "apply_to": "queues", "definition": {"max-length": 5}}
    ]
    [of_events] = [body for name, body in found.items() if name.startswith("rabbitmq_binding.events_jobs_")]
    assert of_events == {
        "vhost": "/",
        "source": "${rabbitmq_exchange.events.name}",
        "destination": "${rabbitmq_queue.jobs.name}",
        "destination_type": "queue",
        "routing_key": "a.#",
    }
    assert [each["exchange"] for each in found["rabbitmq_topic_permissions.web"]["permissions"]] == [
        "amq.topic",
        "${rabbitmq_exchange.events.name}",
    ]


def test_what_exists_is_imported_by_the_ids_of_the_provider() -> None:
    document = as_terraform(ALL_KINDS, with_imports=True)

    imports = {
        each["to"].removeprefix("${").partition(".")[0]: each["id"] for each in parsed(document.text)["import"]
    }
    assert imports == {
        "rabbitmq_exchange": "events@/",
        "rabbitmq_queue": "plain@/",
        "rabbitmq_binding": "%2F/events/jobs/queue/a.%23",
        "rabbitmq_policy": "short@/",
        "rabbitmq_operator_policy": "cap@/",
        "rabbitmq_permissions": "web@/",
        "rabbitmq_topic_permissions": "web@/",
    }
    [hashed] = [each for each in document.left_out if each.kind == "import blocks"]
    assert hashed.names == ("of binding amq.headers -> theirs with arguments {'x-match': 'any', 'n': '1'}",)
    assert "import {" not in as_terraform(ALL_KINDS).text


@given(topologies(with_workers=False))
@settings(deadline=None, max_examples=40)
def test_what_is_written_is_parsed_back(topology: Topology) -> None:
    document = as_terraform(topology, with_imports=True)

    found = resources(document.text)
    read = [item for address, body in found.items() for item in objects(address, body, found)]
    originals = [typed(item) for item in make_portable(topology).objects()]
    assert all(typed(item) in originals for item in read)
    left_out = sum(len(each.names) for each in document.left_out if each.kind != "import blocks")
    assert len(read) + left_out >= len(set(map(repr, originals))) - len(topology.limits)
    assert sorted(found) == sorted(
        f"{kind}.{name}" for kind, named in document.content["resource"].items() for name in named
    )


def typed(item: TopologyObject) -> tuple[TopologyObject, object]:
    return item, freeze(item.definition if isinstance(item, Policy) else getattr(item, "arguments", None))


def objects(address: str, body: dict[str, Any], others: dict[str, dict[str, Any]]) -> list[TopologyObject]:
    """Return the objects that the provider makes of a resource."""
    kind = address.partition(".")[0]
    if kind == "rabbitmq_binding":
        return [binding(body, others)]
    given = next(value for name, value in body.items() if name in {"settings", "policy", "permissions"})
    if kind == "rabbitmq_topic_permissions":
        return [
            TopicPermission(user=body["user"], **{**each, "exchange": name_of(each["exchange"], others)})
            for each in given
        ]
    [only] = given
    if kind == "rabbitmq_permissions":
        return [Permission(user=body["user"], **only)]
    if "policy" in kind:
        return [(OperatorPolicy if "operator" in kind else Policy)(name=body["name"], **only)]
    return [declared(kind, body["name"], only)]


def declared(kind: str, name: str, settings: dict[str, Any]) -> Exchange | Queue:
    arguments = dict(arguments_of(settings))
    kept = {key: settings[key] for key in ("type", "durable", "auto_delete") if key in settings}
    if kind == "rabbitmq_exchange":
        return Exchange(name=name, arguments=arguments, **kept)
    return Queue(name=name, type=arguments.pop("x-queue-type", None), arguments=arguments, **kept)


def binding(body: dict[str, Any], others: dict[str, dict[str, Any]]) -> Binding:
    return Binding(
        source=name_of(body["source"], others),
        destination=name_of(body["destination"], others),
        destination_type=body["destination_type"],
        routing_key=body.get("routing_key", ""),
        arguments=arguments_of(body),
    )


def name_of(text: str, others: dict[str, dict[str, Any]]) -> str:
    is_reference = text.startswith("${rabbitmq_") and text.endswith(".name}")
    found: str = others[text[2:-6]]["name"] if is_reference else text
    return found


def arguments_of(settings: dict[str, Any]) -> dict[str, Any]:
    return encoded(settings["arguments_json"]) if "arguments_json" in settings else settings.get("arguments", {})


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (Exchange(name="e", internal=True), "the provider's exchanges have no attribute `internal`"),
        (Exchange(name="e", arguments={"n": 1}), "the provider sends the arguments of exchanges as texts"),
        (Exchange(name="a@b"), "the provider separates name and virtual host with @"),
        (Queue(name="q", arguments={"n": 2.0}), "the provider changes n: it holds the number 2.0"),
        (Binding(source="amq.topic", destination="a/b"), "the provider separates the parts of a binding with /"),
        (
            Binding(source="amq.headers", destination="q", arguments={"a": None}),
            "they match any value of a header",
        ),
        (Policy(name="p", pattern="", definition={"x": True}), "the provider sends x as a text, which it is not"),
        (Policy(name="p", pattern="", definition={"x": "5"}), "the provider sends the text 5 of x as an integer"),
        (Limit(name="max-queues", value=2), "the provider sets them with the whole virtual host"),
    ],
)
def test_what_the_provider_cannot_declare_has_a_reason(item: TopologyObject, why: str) -> None:
    assert (reason_to_refuse(item, "/") or "").startswith(why)


def test_what_is_somebody_elses_needs_no_reason() -> None:
    assert reason_to_refuse(Queue(name="a@b", external=True), "/") is None
    assert reason_to_refuse(Queue(name="q"), "a@b") is not None


def test_an_id_that_releases_read_differently_is_not_imported() -> None:
    found = as_terraform(Topology.of([Queue(name="50%25")]), with_imports=True)

    assert "import {" not in found.text
    assert [(each.kind, each.names) for each in found.left_out] == [
        ("import blocks", ("of rabbitmq_queue 50%25",))
    ]


def test_the_key_of_a_binding() -> None:
    assert properties_key("") == "~"
    assert properties_key("a.b #~") == "a.b+%23%7E"
