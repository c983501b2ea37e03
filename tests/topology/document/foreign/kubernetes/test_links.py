import pytest

from attune_infra.topology.document.export import as_kubernetes
from attune_infra.topology.document.foreign.kubernetes.links import link_of, reason_to_refuse_link
from attune_infra.topology.document.foreign.kubernetes.read import read_kubernetes
from attune_infra.topology.model import (
    FederationUpstream,
    FederationUpstreamSet,
    Parameter,
    Shovel,
    Topology,
    parameter_of,
)

SECRET = "s3cret-c4nary"
URI = f"amqp://user:{SECRET}@north.example.org"
UPSTREAM = parameter_of(
    "federation-upstream",
    "north",
    {"uri": URI, "max-hops": 2, "message-ttl": 5, "prefetch-count": 7, "trust-user-id": True},
)
SHOVEL = parameter_of(
    "shovel",
    "old",
    {
        "src-uri": [URI, URI],
        "src-queue": "a",
        "src-delete-after": 100,
        "dest-uri": "amqp://",
        "dest-queue": "b",
        "dest-queue-args": {"x-queue-type": "quorum"},
    },
)


def test_each_key_has_its_field_and_no_uri_is_written() -> None:
    document = as_kubernetes(Topology.of([UPSTREAM, SHOVEL]))

    upstream, shovel = (each["spec"] for each in document.content["items"])
    secrets = [each.pop("uriSecret")["name"] for each in (upstream, shovel)]
    assert [(each.kind, each.names) for each in document.left_out] == [
        ("URIs of federation upstreams", ("north",)),
        ("URIs of shovels", ("old",)),
    ]
    assert f"Secret '{secrets[1]}': make it, with srcUri and destUri" in document.left_out[1].why
    assert SECRET not in document.text + repr(document)
    common = {"vhost": "/", "rabbitmqClusterReference": {"name": "rabbitmq"}}
    assert upstream == {
        "name": "north",
        "maxHops": 2,
        "messageTTL": 5,
        "prefetch-count": 7,
        "reconnectDelay": 5,
        "trustUserId": True,
        **common,
    }
    assert shovel == {
        "name": "old",
        "srcQueue": "a",
        "srcDeleteAfter": "100",
        "destQueue": "b",
        "destQueueArgs": {"x-queue-type": "quorum"},
        **common,
    }


def test_what_is_written_is_read_back_with_references_to_the_uris() -> None:
    reading = read_kubernetes(as_kubernetes(Topology.of([UPSTREAM, SHOVEL])).text, source="k.yaml")

    assert reading.problems == ()
    found = reading.topology.parameters
    assert found["federation-upstream", "north"].value == {
        "uri": {"env": "FEDERATION_UPSTREAM_NORTH_URI_1"},
        "max-hops": 2,
        "message-ttl": 5,
        "prefetch-count": 7,
        "reconnect-delay": 5,
        "trust-user-id": True,
    }
    assert found["shovel", "old"].value == {
        "src-uri": {"env": "SHOVEL_OLD_URI_1"},
        "dest-uri": {"env": "SHOVEL_OLD_URI_2"},
        "src-queue": "a",
        "src-delete-after": 100,
        "dest-queue": "b",
        "dest-queue-args": {"x-queue-type": "quorum"},
    }


def test_upstreams_of_one_name_in_two_virtual_hosts_have_variables_of_their_own() -> None:
    names = [link_of("Federation", "u", {}, vhost)[1] for vhost in ("", "/", "a", "a_u", "é")]

    assert names == [
        ["FEDERATION_UPSTREAM_U_URI_1"],
        ["FEDERATION_UPSTREAM_U_URI_1"],
        ["FEDERATION_UPSTREAM_A__U_URI_1"],
        ["FEDERATION_UPSTREAM_A_U_84E075BD__U_URI_1"],
        ["FEDERATION_UPSTREAM_4A99557E__U_URI_1"],
    ]


def test_what_the_operator_does_not_send_is_not_read() -> None:
    upstream, _ = link_of("Federation", "u", {"maxHops": 0, "exchange": "", "ackMode": "no-ack"})
    shovel, _ = link_of(
        "Shovel", "s", {"reconnectDelay": 0, "addForwardHeaders": False, "srcDeleteAfter": "never"}
    )

    uri = {"env": "FEDERATION_UPSTREAM_U_URI_1"}
    assert upstream.value == {"uri": uri, "reconnect-delay": 0, "trust-user-id": False, "ack-mode": "no-ack"}
    assert isinstance(shovel.value, dict)
    assert {key: each for key, each in shovel.value.items() if "uri" not in key} == {"src-delete-after": "never"}


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (FederationUpstreamSet(name="s", value=[{"upstream": "u"}]), "the operator has no kind for them"),
        (Parameter(component="c", name="p", value=1), "the operator has no kind for them"),
        (
            FederationUpstream(name="u", value={"uri": "amqp://", "bind-nowait": True}),
            "the operator's kind Federation has no field for bind-nowait",
        ),
        (
            FederationUpstream(name="u", value={"uri": "amqp://", "max-hops": 0}),
            "the operator does not send max-hops if it is 0",
        ),
        (
            FederationUpstream(name="u", value={"uri": "amqp://", "message-ttl": 2**31}),
            "the operator takes a message-ttl up to 2147483647",
        ),
        (
            Shovel(name="s", value={"src-uri": "amqp://", "dest-queue-args": {"x": 1.0}}),
            "the operator changes dest-queue-args: it holds the number 1.0, which becomes the integer 1",
        ),
        (FederationUpstream(name="u", value={"uri": "amqp://", "reconnect-delay": 0}), None),
    ],
)
def test_what_the_operator_cannot_declare_has_a_reason(item: Parameter, why: str | None) -> None:
    assert reason_to_refuse_link(item) == why
