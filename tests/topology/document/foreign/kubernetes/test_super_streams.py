from typing import Any

import pytest
import yaml

from attune_infra.topology.document.export import as_kubernetes
from attune_infra.topology.document.foreign.kubernetes.read import read_kubernetes
from attune_infra.topology.document.sections.super_streams import SuperStream
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, VirtualHost

CLICKS = SuperStream("clicks", ("eu", "us"), {}, {})
"""As the operator makes one: without the mark of the exchange that RabbitMQ's own command makes."""


def kinds(topology: Topology) -> list[str]:
    return [each["kind"] for each in as_kubernetes(topology).content["items"]]


def test_what_the_operator_makes_of_a_super_stream_is_written_as_one_and_read_back() -> None:
    topology = Topology.of([*CLICKS.objects(), *SuperStream("n", ("0", "1"), {}, {}).objects(), Queue(name="q")])

    document = as_kubernetes(topology)

    found: dict[str, Any] = {each["metadata"]["name"]: each for each in yaml.safe_load_all(document.text)}
    assert {each["kind"] for each in found.values()} == {"SuperStream", "Queue"}
    assert found["clicks"]["apiVersion"] == "rabbitmq.com/v1alpha1"
    assert found["clicks"]["spec"] == {
        "name": "clicks",
        "vhost": "/",
        "partitions": 2,
        "routingKeys": ["eu", "us"],
        "rabbitmqClusterReference": {"name": "rabbitmq"},
    }
    assert "routingKeys" not in found["n"]["spec"]
    assert read_kubernetes(document.text, source="k.yaml").topology.objects() == topology.objects()


@pytest.mark.parametrize(
    "objects",
    [
        [*SuperStream("clicks", ("eu",), {}).objects()],  # with the mark
        [*SuperStream("clicks", ("eu",), {"x-max-age": "1D"}, {}).objects()],
        [*SuperStream("Clicks", ("eu",), {}, {}).objects()],
        [*SuperStream("clicks", ("EU",), {}, {}).objects()],
        [*SuperStream("clicks", ("e.u", "-"), {}, {}).objects()],
        [*CLICKS.objects(), Exchange(name="clicks-exchange")],
        [*CLICKS.objects(), Queue(name="clicks-partition-1")],
        [*CLICKS.objects(), Binding(source="amq.topic", destination="clicks-eu")],
        [item for item in CLICKS.objects() if not isinstance(item, Binding) or item.routing_key != "eu"],
    ],
)
def test_what_the_operator_would_make_otherwise_is_written_in_its_parts(objects: list[Any]) -> None:
    assert "SuperStream" not in kinds(Topology.of(objects))


def test_two_super_streams_of_one_name_are_one_resource_and_parts_of_the_other() -> None:
    def within(name: str) -> Topology:
        return Topology.of([VirtualHost(name=name), *CLICKS.objects()])

    found = kinds(Topology(virtual_hosts={"a": within("a"), "b": within("b")}))

    assert found.count("SuperStream") == 1
    assert found.count("Queue") == 2
