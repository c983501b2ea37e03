import pytest

from attune_infra.topology.document.export import as_terraform
from attune_infra.topology.document.foreign.terraform.links import reason_to_refuse_link
from attune_infra.topology.document.foreign.terraform.read import read_terraform
from attune_infra.topology.model import (
    FederationUpstream,
    FederationUpstreamSet,
    Parameter,
    Shovel,
    Topology,
    parameter_of,
)
from support.hcl import parsed, resources
from support.terraform import instance, shown

SECRET = "s3cret-c4nary"
URI = f"amqp://user:{SECRET}@north.example.org"
UPSTREAM = parameter_of("federation-upstream", "north", {"uri": [URI], "max-hops": 2, "message-ttl": 5})
SHOVEL = parameter_of(
    "shovel",
    "old",
    {"src-uri": URI, "src-queue": "a", "src-delete-after": 100, "dest-uri": "amqp://", "dest-exchange-key": "b"},
)


def test_secret_uris_are_sensitive_variables() -> None:
    document = as_terraform(Topology.of([UPSTREAM, SHOVEL]), with_imports=True)

    assert SECRET not in document.text + repr(document)
    found = resources(document.text)
    assert found["rabbitmq_federation_upstream.north"]["definition"] == [
        {"uri": "${var.federation_upstream_north_uri}", "max_hops": 2, "message_ttl": 5, "reconnect_delay": 5}
    ]
    assert found["rabbitmq_shovel.old"]["info"] == [
        {
            "source_uri": "${var.shovel_old_source_uri}",
            "reconnect_delay": 5,
            "destination_uri": "amqp://",
            "source_queue": "a",
            "source_delete_after": "100",
            "destination_exchange_key": "b",
        }
    ]
    whole = parsed(document.text)
    names = ["federation_upstream_north_uri", "shovel_old_source_uri"]
    assert whole["variable"] == [{name: {"type": "string", "sensitive": True}} for name in names]
    assert document.content["variable"] == {name: {"type": "string", "sensitive": True} for name in names}
    assert {each["id"] for each in whole["import"]} == {"north@/", "old@/"}
    assert [each.why for each in document.left_out] == [
        f"give them to Terraform as the variable {name}" for name in names
    ]


STATE_OF_UPSTREAM = {"uri": URI, "max_hops": 2, "prefetch_count": 0, "reconnect_delay": 5, "exchange": ""}
STATE_OF_SHOVEL = {
    "source_uri": "amqp://",
    "destination_uri": URI,
    "source_queue": "a",
    "source_delete_after": "100",
    "add_forward_headers": False,
}


def test_a_state_is_read_without_its_passwords() -> None:
    reading = read_terraform(
        shown(
            instance("rabbitmq_federation_upstream.n", name="n", vhost="/", definition=[STATE_OF_UPSTREAM]),
            instance("rabbitmq_shovel.s", name="s", vhost="/", info=[STATE_OF_SHOVEL]),
        ),
        source="t.json",
    )

    assert reading.problems == ()
    assert SECRET not in repr(reading)
    found = reading.topology.parameters
    assert found["federation-upstream", "n"].value == {
        "uri": {"env": "FEDERATION_UPSTREAM_N_URI_1"},
        "max-hops": 2,
        "reconnect-delay": 5,
        "trust-user-id": False,
    }
    assert found["shovel", "s"].value == {
        "src-uri": "amqp://",
        "dest-uri": {"env": "SHOVEL_S_URI_1"},
        "src-queue": "a",
        "src-delete-after": 100,
    }
    assert [each.why for each in reading.left_out] == [
        "Terraform's state holds them: set FEDERATION_UPSTREAM_N_URI_1",
        "Terraform's state holds them: set SHOVEL_S_URI_1",
    ]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (FederationUpstreamSet(name="s", value=[{"upstream": "u"}]), "the provider has no type for them"),
        (
            FederationUpstream(name="u", value={"uri": "amqp://", "queue-type": "quorum"}),
            "the provider's type rabbitmq_federation_upstream has no attribute for queue-type",
        ),
        (
            FederationUpstream(name="u", value={"uri": ["amqp://a", "amqp://b"]}),
            "the provider takes one URI for each end",
        ),
        (
            Shovel(name="s", value={"src-uri": "amqp://", "prefetch-count": 0}),
            "the provider does not send prefetch-count if it is 0",
        ),
        (FederationUpstream(name="u", value={"uri": "amqp://", "reconnect-delay": 0}), None),
    ],
)
def test_what_the_provider_cannot_declare_has_a_reason(item: Parameter, why: str | None) -> None:
    assert reason_to_refuse_link(item) == why
