"""Lists of the whole broker, cut by virtual host: they tell what the lists of each virtual host tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from attune_infra.broker import answers, wire
from attune_infra.broker.http.management import Management
from attune_infra.broker.lists import Lists, WholeLists
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.shared import Shared
from attune_infra.errors import BrokerError
from attune_infra.settings import Settings
from attune_infra.topology.model import CONTROL_KINDS
from support.virtual_host import VirtualHost

COUNT = 6
OF_THE_BROKER = {"user", "global_parameter"}
ALL = {"configure": ".*", "write": ".*", "read": ".*"}
NOTHING = dict.fromkeys(ALL, "^$")
PASSWORD = "of-the-user"


class Counting(Management):
    """The management API; it counts what is got."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.count = 0

    def _get(self, **kwargs: Any) -> Any:
        self.count += 1
        return super()._get(**kwargs)


@pytest.fixture
def places(vhost: VirtualHost, management: Management) -> Iterator[list[VirtualHost]]:
    """Virtual hosts with an object of each kind, but for the last one, which is empty."""
    base = vhost.amqp_url.rpartition("/")[0]
    names = [f"{vhost.name.replace(' ', '-')}-{number}" for number in range(COUNT)]
    for number, name in enumerate(names):
        management.put("vhosts", name, body={})
        if number < COUNT - 1:
            fill(management, name, number)
    yield [VirtualHost(name, f"{base}/{name}", vhost.management_url) for name in names]
    for name in names:
        management.delete("vhosts", name)


def fill(management: Management, name: str, number: int) -> None:
    bound = {"source": "e", "destination": "q", "destination_type": "queue", "arguments": {}}
    policy = {"name": f"p{number}", "pattern": "^q", "apply-to": "queues", "priority": number}
    queue = {"name": "q", "durable": True, "auto_delete": False, "arguments": {"x-max-length": number}}
    exchanges = [
        {"name": name, "type": kind, "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
        for name, kind in (("e", "direct"), ("h", "headers"))
    ]
    body = {
        "exchanges": exchanges,
        "queues": [queue],
        "bindings": [
            {**bound, "routing_key": f"k.{number}"},
            {**bound, "routing_key": None},
            {**bound, "source": "h", "routing_key": "", "arguments": {"x-match": "any", "n": number}},
        ],
        "policies": [{**policy, "definition": {"max-length": 3}}],
    }
    management.post("definitions", name, body=body)
    management.put("operator-policies", name, "o", body={"pattern": "", "definition": {"max-length": number}})
    management.put("vhost-limits", name, "max-queues", body={"value": 100 + number})
    management.put("permissions", name, "guest", body=ALL)
    management.put("topic-permissions", name, "guest", body={"exchange": "e", "write": f"^{number}", "read": ""})


@contextmanager
def a_user(management: Management, beside: VirtualHost, tag: str) -> Iterator[tuple[str, Counting]]:
    name = f"user of {beside.name}"
    management.put("users", name, body={"password": PASSWORD, "tags": tag})
    settings = beside.settings()
    http = Counting(replace(settings, management=replace(settings.management, user=name, password=PASSWORD)))
    try:
        yield name, http
    finally:
        http.close()
        management.delete("users", name)


def told(lists: Lists) -> dict[str, Any]:
    """Return each list in an order of its own, or the error in its place."""
    place = lists.virtual_host

    def outcome(kind: str, *path: str, **query: Any) -> Any:
        try:
            listed = lists.get(kind, *path, **query)
        except BrokerError as error:
            return type(error)
        return sorted(json.dumps({**item, "vhost": ""}, sort_keys=True) for item in listed)

    def parameters() -> Any:
        try:
            listed = lists.get("parameters", "parameters", "vhost-limits", place, shape=answers.PARAMETERS)
        except BrokerError as error:
            return type(error)
        return [item["value"] for item in listed if item["component"] == "vhost-limits"]

    def bindings() -> Any:
        try:
            return {*lists.bindings()}
        except BrokerError as error:
            return type(error)

    return {
        "exchanges": outcome("exchanges", shape=answers.EXCHANGES, **wire.EXCHANGES),
        "queues": outcome("queues", shape=answers.QUEUES, **wire.QUEUES),
        "bindings": bindings(),
        "parameters": parameters(),
        **{kind: outcome(kind, shape=answers.POLICIES) for kind in ("policies", "operator-policies")},
        "vhost-limits": outcome("vhost-limits", shape=answers.LIMITS),
        "permissions": outcome("permissions", "vhosts", place, "permissions", shape=answers.PERMISSIONS_HERE),
        "topic-permissions": outcome(
            "topic-permissions", "vhosts", place, "topic-permissions", shape=answers.TOPIC_PERMISSIONS_HERE
        ),
    }


TAGS = ("administrator", "monitoring", "policymaker", "management", "", "other")


def test_users_with_any_tag_are_told_the_same(
    places: list[VirtualHost], vhost: VirtualHost, management: Management
) -> None:
    for tag in TAGS:
        check_what_is_told(tag, places, vhost, management)


def check_what_is_told(tag: str, places: list[VirtualHost], vhost: VirtualHost, management: Management) -> None:
    with a_user(management, vhost, tag) as (user, http):
        for place, rights in zip(places[2:], (ALL, NOTHING, ALL, ALL), strict=True):
            management.put("permissions", place.name, user, body=rights)
        whole = WholeLists()

        for place in places:
            cut, alone = Lists(http, place.name, whole), told(Lists(http, place.name))
            assert told(cut) == alone, (tag, place.name)
            assert cut.are_complete() == isinstance(alone["exchanges"], list), (tag, place.name)


@pytest.mark.any_broker
def test_only_the_first_virtual_host_costs_requests_and_only_its_first_reading(
    places: list[VirtualHost], management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, asked, controls = Shared([place.name for place in places]), list[str](), CONTROL_KINDS - OF_THE_BROKER
    request = Management._request

    def note(http: Management, method: str, **kwargs: Any) -> Any:
        asked.append(kwargs["url"])
        return request(http, method, **kwargs)

    ends = 0
    for place in places:
        with RabbitMQ(place.settings(), shared=shared) as broker, RabbitMQ(place.settings()) as alone:
            with monkeypatch.context() as patch:
                patch.setattr(Management, "_request", note)
                found = broker.read(controls=controls)
            ends = ends or len(asked)
            assert found == alone.read(controls=controls), place.name
            management.put("queues", place.name, "new", body={"durable": True})
            assert "new" in broker.read().queues
    with RabbitMQ(places[0].settings(), shared=shared) as again:
        assert "new" in again.read().queues

    assert asked[:ends]
    assert asked[ends:] == []


@pytest.mark.any_broker
def test_a_virtual_host_that_gets_out_of_sight_is_noticed(
    places: list[VirtualHost], vhost: VirtualHost, management: Management
) -> None:
    with a_user(management, vhost, "management") as (user, http):
        for place in places:
            management.put("permissions", place.name, user, body=ALL)
        whole = WholeLists()
        lists, others = (Lists(http, place.name, whole) for place in places[:2])
        assert lists.get("queues", shape=answers.QUEUES, **wire.QUEUES)
        management.delete("permissions", places[0].name, user)

        assert not lists.are_complete()
        assert others.are_complete()


@pytest.mark.parametrize(
    ("asked", "queues", "virtual_hosts", "expected"),
    [
        (4, 0, 4, False),
        (5, 0, 5, True),
        (5, 1400, 5, True),
        (5, 1500, 5, False),
        (5, 0, 300, False),
        (100, 0, 300, True),
    ],
)
def test_lists_of_the_whole_broker_are_for_many_virtual_hosts_with_few_queues(
    asked: int, queues: int, virtual_hosts: int, expected: bool
) -> None:
    shared = Shared([f"v{number}" for number in range(asked)])

    assert (shared.lists(queues, virtual_hosts) is not None) == expected
