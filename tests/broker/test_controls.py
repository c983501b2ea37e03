"""Limits and permissions, asked of the broker: the tables of `facts.controls` hold on each release."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from attune_infra.broker import controls
from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.wire import body_of
from attune_infra.errors import BrokerError, RequestRefused
from attune_infra.topology.diff import Create, Update, change_of
from attune_infra.topology.facts.arguments import POLICY_RULES
from attune_infra.topology.facts.controls import LIMITS, NO_LIMIT, control_problems
from attune_infra.topology.facts.policies import OPERATOR_KEYS, operator_policy_problem
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE
from attune_infra.topology.facts.virtual_hosts import PROTECTION, ignored_settings, virtual_host_problems
from attune_infra.topology.model import (
    CONTROL_KINDS,
    Control,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    TopicPermission,
    VirtualHost,
)
from attune_infra.topology.planning.report import Status
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost as Place

PATTERNS = (
    "",
    ".*",
    "^a\\.",
    "(",
    "[",
    "*",
    "a{2,1}",
    "(?<n>a)\\k<n>",
    "é",
    "^{username}$",
    "\\",
    "(?i)a",
    "\\Qa",
)
NAMES = (*LIMITS, "max-channels", "max-exchanges", "queues", "MAX-QUEUES")
VALUES = (NO_LIMIT, 0, 1, 2**31, 2**63 - 1)


def accepts(management: Management, item: Control, vhost: Place) -> bool:
    try:
        management.put(*controls.path_of(item, vhost.name), body=body_of(item))
    except BrokerError:
        return False
    return True


@pytest.fixture
def user(management: Management, vhost: Place) -> str:
    name = f"svc {vhost.name}"
    management.put("users", name, body={"password": "svc", "tags": ""})
    return name


def test_rabbitmq_takes_the_limits_and_values_of_the_table(management: Management, vhost: Place) -> None:
    for name, value in product(NAMES, VALUES):
        limit = Limit(name=name, value=value)
        assert accepts(management, limit, vhost) is not any(control_problems(limit)), limit


DESCRIPTIONS = ("", "Orders of the shop", "é", "a\nb", "x" * 3000)
TAGS = ((), ("a",), ("b", "a"), ("a.b:c/d-e_f",), ("!#+*~",))
ODD_TAGS = ("a b", "a,b", "é", "a\x01")
QUEUE_TYPES = ("classic", "quorum", "stream", "mqtt", "Quorum", "")


def test_rabbitmq_keeps_the_settings_of_a_virtual_host_as_they_were_sent(broker: RabbitMQ, vhost: Place) -> None:
    for description, tags in product(DESCRIPTIONS, TAGS):
        want = VirtualHost(name=vhost.name, description=description, tags=tuple(sorted(tags)))
        assert not [*virtual_host_problems(want)]
        list(broker.apply([Update(want, ())]))
        have = broker.read(controls={"virtual_host"})
        assert change_of(want, have) is None, have.virtual_host


def test_rabbitmq_garbles_the_tags_that_no_document_may_have(
    management: Management, vhost: Place, broker: RabbitMQ, under_test: BrokerUnderTest
) -> None:
    """A comma and control characters are kept by all: `rabbitmqctl` takes commas between tags."""
    for tag in ODD_TAGS:
        want = VirtualHost(name=vhost.name, tags=(tag,))
        assert [*virtual_host_problems(want)]
        assert accepts(management, want, vhost)
        found = broker.read(controls={"virtual_host"}).virtual_host
        is_kept = tag != "é" or under_test.release >= (4, 0)
        assert found is not None
        assert (found.tags == (tag,)) is is_kept, found.tags


def test_rabbitmq_makes_virtual_hosts_with_the_default_queue_types_of_the_table(
    management: Management, vhost: Place, under_test: BrokerUnderTest
) -> None:
    """4.0 takes any text for one that exists."""
    knows_them = under_test.release >= FIRST_WITH_DEFAULT_QUEUE_TYPE
    for kind in QUEUE_TYPES:
        want = VirtualHost(name=f"{vhost.name} {kind}", default_queue_type=kind)
        is_taken = accepts_body(management, ("vhosts", want.name), {"default_queue_type": kind})
        if is_taken:
            management.delete("vhosts", want.name)
        assert is_taken is not (knows_them and any(virtual_host_problems(want))), kind


def protection_of(broker: RabbitMQ, *, protected: bool = False) -> bool | None:
    """Return what RabbitMQ lists of a virtual host that is protected or not; it came with 4.0.6."""
    release = tuple(int(part) for part in broker.check_http().split(".")[:3])
    return protected if release >= (4, 0, 6) else None


def test_protection_from_deletion_is_kept_where_the_release_knows_it(
    broker: RabbitMQ, management: Management, vhost: Place
) -> None:
    """Other settings leave it as it is. RabbitMQ without it never counts as protecting."""
    knows_it = protection_of(broker) is not None
    for protected in (True, False):
        want = VirtualHost(name=vhost.name, description=f"{protected}", protected_from_deletion=protected)
        [outcome] = broker.apply([Update(want, ())])
        assert (outcome.status is Status.UPDATED) is (knows_it or not protected), outcome
        list(broker.apply([Update(VirtualHost(name=vhost.name, tags=("a",)), ())]))
        have = broker.read(controls={"virtual_host"})
        assert have.virtual_host is not None
        assert have.virtual_host.protected_from_deletion is protection_of(broker, protected=protected)
        assert (PROTECTION in have.lacking) is not knows_it
        assert [each for each, _ in ignored_settings(want, have)] == (
            [] if knows_it or not protected else [PROTECTION]
        )
        assert change_of(replace(want, description=None), have) is None
        if protected:
            assert (refusal_of_deletion(management, vhost) is not None) is knows_it


def refusal_of_deletion(management: Management, vhost: Place) -> str | None:
    """Return the reason why RabbitMQ refuses to delete a virtual host; it is made again if it does not."""
    try:
        management.delete("vhosts", vhost.name)
    except RequestRefused as refused:
        return refused.sentence
    management.put("vhosts", vhost.name, body={"description": "True", "tags": "a"})
    return None


def test_a_setting_that_is_not_wanted_stays_as_it_is(
    broker: RabbitMQ, vhost: Place, under_test: BrokerUnderTest
) -> None:
    before = VirtualHost(name=vhost.name, description="d", tags=("t",), default_queue_type="quorum")
    list(broker.apply([Update(before, ())]))
    for change in ({"description": "new"}, {"tags": ("u",)}, {"default_queue_type": "classic"}):
        want = VirtualHost(name=vhost.name, **change)
        list(broker.apply([Update(want, ())]))
        expected = replace(before, **change, protected_from_deletion=protection_of(broker))
        if under_test.release < FIRST_WITH_DEFAULT_QUEUE_TYPE:
            expected = replace(expected, default_queue_type=None)
        assert broker.read(controls={"virtual_host"}).virtual_host == expected
        list(broker.apply([Update(before, ())]))


def test_rabbitmq_takes_the_patterns_that_a_document_may_have(
    management: Management, vhost: Place, user: str
) -> None:
    for pattern in PATTERNS:
        rest: dict[str, Any] = {"user": user, "write": "", "read": pattern}
        for item in (Permission(configure="", **rest), TopicPermission(exchange="amq.topic", **rest)):
            assert accepts(management, item, vhost) is not any(control_problems(item)), item


def test_rabbitmq_takes_in_operator_policies_the_keys_of_the_table(
    management: Management, vhost: Place, under_test: BrokerUnderTest
) -> None:
    for key, rule in POLICY_RULES.items():
        value = (
            rule.choices[0] if rule.choices else {bool: True, int: max(rule.minimum or 1, 1)}.get(rule.kind, "1D")
        )
        path = ("operator-policies", vhost.name, "o")
        is_taken = accepts_body(management, path, {"pattern": "^zz", "definition": {key: value}})
        foreseen = operator_policy_problem({key: value}, under_test.release) if key in OPERATOR_KEYS else "no"
        is_denied = key == "queue-master-locator" and under_test.release >= (4, 3)
        assert is_taken is not bool(foreseen or is_denied), key


def accepts_body(management: Management, path: tuple[str, ...], body: dict[str, Any]) -> bool:
    try:
        management.put(*path, body={"priority": 0, "apply-to": "queues", **body})
    except BrokerError:
        return False
    return True


def test_an_operator_policy_is_read_changed_and_deleted(broker: RabbitMQ) -> None:
    policy = OperatorPolicy(name="a/b", pattern="^q", definition={"max-length": 5}, apply_to="queues", priority=2)
    regular = Policy(name="a/b", pattern="^q", definition={"max-length": 9}, apply_to="queues")
    assert [each.status for each in broker.apply([Create(policy), Create(regular)])] == [Status.CREATED] * 2

    have = broker.read()
    assert (have.operator_policies, have.policies) == ({"a/b": policy}, {"a/b": regular})
    other = replace(policy, definition={"max-length": 6})
    change = change_of(other, have)
    assert isinstance(change, Update)
    assert [each.status for each in broker.apply([change])] == [Status.UPDATED]
    assert change_of(other, broker.read()) is None

    assert [each.status for each in broker.delete([other], even_if_used=False)] == [Status.DELETED]
    assert (broker.read().operator_policies, broker.read().policies) == ({}, {"a/b": regular})


def test_what_was_set_is_read_changed_and_deleted(broker: RabbitMQ, user: str) -> None:
    before = broker.read(controls=CONTROL_KINDS)
    wanted: list[Control] = [
        Limit(name="max-queues", value=7),
        Permission(user=user, configure="", write="a/b", read="é"),
        TopicPermission(user=user, exchange="amq.topic", write="^a", read=""),
    ]

    made = [*broker.apply([Create(item) for item in wanted])]
    have = broker.read(controls=CONTROL_KINDS)
    assert {outcome.status for outcome in made} == {Status.CREATED}
    assert all(change_of(item, have) is None for item in wanted)

    others: list[Control] = [
        Limit(name="max-queues", value=8),
        Permission(user=user, configure="x", write="a/b", read="é"),
        TopicPermission(user=user, exchange="amq.topic", write="^a", read="b"),
    ]
    changes = [change_of(item, have) for item in others]
    assert {type(change) for change in changes} == {Update}
    assert {each.status for each in broker.apply([each for each in changes if isinstance(each, Update)])} == {
        Status.UPDATED
    }
    have = broker.read(controls=CONTROL_KINDS)
    assert all(change_of(item, have) is None for item in others)

    assert {each.status for each in broker.delete(others, even_if_used=False)} == {Status.DELETED}
    assert broker.read(controls=CONTROL_KINDS) == before


def test_permissions_of_a_missing_user_are_refused(broker: RabbitMQ) -> None:
    [outcome] = broker.apply([Create(Permission(user="nobody here", configure="", write="", read=""))])

    assert outcome.status is Status.FAILED
    assert "user_not_found" in outcome.reason
