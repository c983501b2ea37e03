"""Federation upstreams, sets of them, shovels and other parameters in a document."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml

from attune_infra.errors import InvalidInput
from attune_infra.topology.diff import OTHER_CREDENTIALS, Create, Update, diff
from attune_infra.topology.document.export import as_definitions, as_document
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.schema.document import schema
from attune_infra.topology.document.write import write
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import (
    CONTROL_KINDS,
    PARAMETER_GROUP,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Parameter,
    Queue,
    Secret,
    Topology,
    TopologyObject,
    label,
    parameter_of,
    revealed,
    with_references,
)
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.prune import prunable, why_kept

DOCUMENT = """\
manages: [mine.*]
queues: {q: {}}
federation_upstreams:
  mine.north: {uri: {env: NORTH}, expires: 1h, ack-mode: on-confirm}
federation_upstream_sets:
  mine.all: [{upstream: mine.north}, {upstream: mine.south, max-hops: 2}]
shovels:
  mine.move: {src-uri: 'amqp://', src-queue: q, dest-uri: [{file: /a/b}, 'amqps://h'], dest-queue: d}
parameters:
  vendor: {x: {a: [1, true]}}
global_parameters:
  mqtt_port_to_vhost_mapping: {'1883': shop}
"""
PASSWORD = "amqp://u:s3cret-w0rd@h"  # of nobody


def test_they_are_objects_of_the_topology() -> None:
    topology = parse(DOCUMENT, source="it")

    upstream = topology.parameters["federation-upstream", "mine.north"]
    assert upstream.value == {"uri": {"env": "NORTH"}, "expires": 3_600_000, "ack-mode": "on-confirm"}
    assert [type(item) for item in topology.parameters.values()][:2] == [FederationUpstream, FederationUpstreamSet]
    assert topology.control_kinds == PARAMETER_GROUP
    assert [*map(label, topology.objects())][1:] == [
        "federation upstream mine.north",
        "federation upstream set mine.all",
        "shovel mine.move",
        "parameter x of vendor",
        "global parameter mqtt_port_to_vhost_mapping",
    ]
    assert parse(write(topology), source="again") == topology


def test_each_has_its_place_and_those_of_its_keys() -> None:
    topology, places = parse_with_places(DOCUMENT, source="it")

    upstream = topology.parameters["federation-upstream", "mine.north"]
    of_vendor = Parameter(component="vendor", name="x", value=None)
    found = [places.of(upstream), places.of(upstream, "ack-mode"), places.of(of_vendor)]
    assert [(place.line, place.column) for place in found if place] == [(4, 3), (4, 58), (10, 12)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("federation_upstreams: {a: {}}", "federation upstream 'a' has no uri"),
        ("federation_upstreams: {a: {uri: 5}}", "uri expects a URI like amqps://broker.example.org/orders"),
        ("federation_upstreams: {a: {uri: h}}", "it begins with amqp:// or amqps://"),
        ("federation_upstreams: {a: {uri: 'amqp://h/a/b'}}", "write it as %2F"),
        ("federation_upstreams: {a: {uri: []}}", "uri is an empty list; it needs at least one URI"),
        ("federation_upstreams: {a: {uri: 'amqp://', max-hop: 1}}", "did you mean 'max-hops'?"),
        (
            "federation_upstreams: {a: {uri: 'amqp://', max-hops: '1'}}",
            "max-hops expects an integer of at least 0",
        ),
        ("federation_upstreams: {a: {uri: 'amqp://', ack-mode: x}}", "ack-mode expects on-confirm, on-publish or"),
        ("federation_upstreams: {'': {uri: 'amqp://'}}", "the name is empty"),
        ("federation_upstreams: {a: {uri: {env: 'a b'}}}", "env expects the name of an environment variable"),
        ("federation_upstreams: [a]", "federation_upstreams must be a mapping"),
        ("federation_upstream_sets: {a: [{}]}", "an upstream of a set needs the key upstream"),
        ("federation_upstream_sets: {a: [{upstream: b}, {upstream: b}]}", "the set has upstream 'b' twice"),
        ("federation_upstream_sets: {a: {upstream: b}}", "federation upstream set 'a' must be a list"),
        ("federation_upstream_sets: {a: [{upstream: b, uri: x}]}", "unknown key 'uri'"),
        ("shovels: {a: {src-queue: q, dest-uri: 'amqp://'}}", "shovel 'a' has no src-uri"),
        ("shovels: {a: {src-uri: 'amqp://', dest-uri: 'amqp://'}}", "a shovel needs src-queue or src-exchange"),
        (
            "shovels: {a: {src-uri: 'amqp://', dest-uri: 'amqp://', src-queue: q, src-address: q}}",
            "a shovel whose src-protocol is amqp091 has no 'src-address'",
        ),
        (
            "shovels: {a: {src-uri: amqp:/, src-queue: q, dest-uri: 'amqp://', dest-queue: a, dest-exchange: b}}",
            "dest-queue and dest-exchange exclude each other",
        ),
        (
            "shovels: {a: {src-uri: 'amqp://', dest-uri: 'amqp://', src-queue: q, src-delete-after: soon}}",
            "src-delete-after expects never, queue-length or a number of messages, got the string 'soon'",
        ),
        (
            "shovels: {a: {src-uri: 'amqp://', dest-uri: 'amqp://', src-protocol: amqp10}}",
            "a shovel whose src-protocol is amqp10 needs src-address",
        ),
        ("parameters: {shovel: {a: 1}}", "the section shovels is for those of shovel"),
        ("parameters: {vhost-limits: {limits: {}}}", "the section limits is for those of vhost-limits"),
        ("parameters: {x: {a: null}}", "holds null, which RabbitMQ cannot store"),
        ("global_parameters: {cluster_name: x}", "RabbitMQ keeps 'cluster_name' itself; no document sets it"),
    ],
)
def test_a_wrong_one_is_a_problem_with_a_place(text: str, sentence: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="it")

    assert sentence in str(caught.value)
    assert str(caught.value).startswith("it:1:")


@pytest.mark.parametrize(
    "text",
    [
        f"federation_upstreams: {{a: {{uri: '{PASSWORD}'}}}}",
        f"federation_upstreams: {{a: {{uri: ['amqp://h', '{PASSWORD}']}}}}",
        "federation_upstreams: {a: {uri: 'amqps://h?password=s3cret-w0rd'}}",
        "federation_upstreams: {a: {uri: 'amqp://u:s3cret/w0rd@h'}}",
        f"shovels: {{a: {{src-uri: '{PASSWORD}', src-queue: q, dest-uri: '{PASSWORD}'}}}}",
        f"parameters: {{vendor: {{a: {{b: ['{PASSWORD}']}}}}}}",
        f"global_parameters: {{a: '{PASSWORD}'}}",
    ],
)
def test_a_uri_with_a_password_is_a_problem_that_does_not_quote_it(text: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="it")

    assert "password, which no document may" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "is_right"),
    [
        ({"federation_upstreams": {"a": {"uri": "amqp://h", "expires": "1h"}}}, True),
        ({"federation_upstreams": {"a": {"uri": [{"env": "A"}, "amqps://h"]}}}, True),
        ({"federation_upstreams": {"a": {"uri": "h"}}}, False),
        ({"federation_upstreams": {"a": {"uri": {"env": "A", "file": "b"}}}}, False),
        ({"federation_upstreams": {"a": {"uri": "amqp://h", "queue-type": "stream"}}}, False),
        ({"federation_upstreams": {"a": None}}, False),
        ({"federation_upstream_sets": {"a": [{"upstream": "b", "max-hops": 1}]}}, True),
        ({"federation_upstream_sets": {"a": [{"max-hops": 1}]}}, False),
        ({"shovels": {"a": {"src-uri": "amqp://", "src-queue": "q", "dest-uri": "amqp://"}}}, True),
        ({"shovels": {"a": {"src-uri": "amqp://", "src-queue": "q"}}}, False),
        ({"shovels": {"a": {"src-uri": "amqp://", "src-queue": 5, "dest-uri": "amqp://"}}}, False),
        ({"parameters": {"vendor": {"a": {"b": [1]}}}}, True),
        ({"parameters": {"policy": {"a": {}}}}, False),
        ({"global_parameters": {"a": {"b": [1]}}}, True),
        ({"global_parameters": {"internal_cluster_id": "x"}}, False),
    ],
    ids=str,
)
def test_the_schema_agrees(section: dict[str, object], *, is_right: bool) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(schema())))

    assert validator.is_valid(section) is is_right
    if is_right:
        parse(yaml.safe_dump(section), source="it")
    else:
        with pytest.raises(InvalidDocument):
            parse(yaml.safe_dump(section), source="it")


def test_they_are_created_and_changed_key_by_key() -> None:
    want = parse(DOCUMENT, source="it")
    read = [with_references(each, lambda found: found.with_secret(PASSWORD)) for each in want.parameters.values()]
    want = want.holding([*read, *want.global_parameters.values()])
    north = parameter_of("federation-upstream", "mine.north", {"uri": "amqp://h", "max-hops": 1})
    both = parameter_of(
        "federation-upstream-set",
        "mine.all",
        [{"upstream": "mine.south", "max-hops": 3}, {"upstream": "mine.north"}],
    )
    have = Topology.of([north, both])

    changes = diff(have, want)

    assert [type(change) for change in changes] == [Update, Update, Create, Create, Create]
    found = [(each.attribute, each.want) for each in changes[0].differences]  # type: ignore[union-attr]
    assert found[-1] == ("uri", "amqp://***@h")
    assert [name for name, _ in found] == ["ack-mode", "expires", "max-hops", "uri"]
    assert [each.attribute for each in changes[1].differences] == ["mine.south"]  # type: ignore[union-attr]
    assert "s3cret" not in repr((changes, have, want))


def test_other_credentials_are_a_difference_that_shows_none() -> None:
    have, want = (
        Topology.of([parameter_of("federation-upstream", "a", {"uri": f"amqp://u:{word}@h/v"})])
        for word in ("s3cret-one", "s3cret-two")
    )

    [change] = diff(have, want)

    assert isinstance(change, Update)
    [found] = change.differences
    assert (found.attribute, found.have, found.want) == ("uri", "amqp://***@h/v", OTHER_CREDENTIALS)
    assert diff(have, have) == ()


def test_a_reference_that_was_not_read_is_never_taken_for_a_difference() -> None:
    have = Topology.of([parameter_of("federation-upstream", "mine.north", {"uri": PASSWORD})])

    with pytest.raises(InvalidInput, match=r"a URI of federation upstream 'mine\.north' was not read from"):
        diff(have, parse(DOCUMENT, source="it"))


def test_one_that_was_not_read_is_never_taken_for_missing() -> None:
    with pytest.raises(InvalidInput, match=r"federation upstream mine\.north cannot be compared"):
        Plan.between(Topology(unread=CONTROL_KINDS), parse(DOCUMENT, source="it"))


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (parameter_of("federation-upstream", "mine.old", {}), None),
        (parameter_of("shovel", "mine.old", {}), None),
        (parameter_of("shovel", "theirs", {}), "no `manages` pattern of the document matches"),
        (parameter_of("shovel", "mine.own", {"internal": True}), "it belongs to RabbitMQ or to a plugin"),
        (parameter_of("vendor", "mine.old", 1), "nothing tells whether another program needs it"),
        (GlobalParameter(name="mine.old", value=1), "nothing tells whether another program needs it"),
    ],
)
def test_an_undeclared_one_is_pruned_if_the_document_manages_it(item: TopologyObject, why: str | None) -> None:
    have, want = Topology.of([item, Queue(name="mine.q")]), parse(DOCUMENT, source="it")

    kept = why_kept(item, have, want)

    assert (kept is None) if why is None else (kept or "").startswith(why)
    deleted = [each.have for each in prunable(have, want)]
    assert deleted == [*([item] if why is None else []), Queue(name="mine.q")]


def test_those_of_other_components_are_the_business_of_another_document() -> None:
    have = Topology.of([parameter_of("shovel", "mine.old", {})])

    assert prunable(have, Topology(manages=(".*",))) == ()


@pytest.mark.parametrize(("version", "count"), [((3, 10), 2), ((4, 0), 1), ((4, 3), 0), (None, 0)])
def test_a_key_that_a_tried_release_refuses_is_foreseen(version: tuple[int, int] | None, count: int) -> None:
    ends = {"src-uri": "amqp://", "src-queue": "q", "dest-uri": "amqp://"}
    items = [
        parameter_of("federation-upstream", "u", {"uri": "amqp://", "queue-type": "quorum"}),
        parameter_of("shovel", "s", {**ends, "src-protocol": "local"}),
    ]
    want, have = Topology.of(items), Topology(version=version)

    assert len(Plan.between(have, want).foreseeing(have, want, Restrictions()).refusals) == count


def test_an_export_holds_no_password_and_says_where_it_belongs() -> None:
    shovel = parameter_of(
        "shovel", "a b", {"src-uri": ["amqp://h", PASSWORD], "src-queue": "q", "dest-uri": PASSWORD}
    )
    vendor = parameter_of("vendor", "x", {"address": PASSWORD})
    topology = replace(Topology.of([shovel, vendor, GlobalParameter(name="g", value=1)]), name="v")

    document, definitions = as_document(topology), as_definitions(topology)

    assert "s3cret" not in document.text + definitions.text + repr((document, definitions))
    written = parse(document.text, source="it").parameters["shovel", "a b"]
    assert written.value == {
        "src-uri": ["amqp://h", {"env": "SHOVEL_A_B_C8687A08_URI_1"}],
        "src-queue": "q",
        "dest-uri": {"env": "SHOVEL_A_B_C8687A08_URI_2"},
    }
    assert [(each.kind, each.names) for each in document.left_out] == [
        ("URIs with passwords of shovels", ("a b",)),
        ("parameters", ("x of vendor",)),
    ]
    assert [(each.kind, each.names) for each in definitions.left_out] == [
        ("shovels", ("a b",)),
        ("parameters", ("x of vendor",)),
        ("global parameters", ("g",)),
    ]


def test_definitions_hold_those_without_passwords() -> None:
    topology = Topology.of([parameter_of("federation-upstream", "u", {"uri": "amqp://h"})])

    assert json.loads(as_definitions(topology).text)["parameters"] == [
        {"component": "federation-upstream", "name": "u", "value": {"uri": "amqp://h"}}
    ]


def test_only_revealing_tells_a_uri() -> None:
    item = parameter_of("federation-upstream", "u", {"uri": PASSWORD})

    assert (repr(item), str(Secret(PASSWORD))) == (
        "FederationUpstream(component='federation-upstream', name='u', value={'uri': 'amqp://***@h'})",
        "***",
    )
    assert revealed(item) == {"uri": PASSWORD}
