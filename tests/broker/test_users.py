"""Users, asked of the broker: the tables of `facts.users` hold on each release."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import requests

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.users import users_from
from attune_infra.errors import BrokerError
from attune_infra.topology.diff import Create, Update, change_of
from attune_infra.topology.facts.users import ALGORITHMS, USER_LIMITS, fits, user_problems
from attune_infra.topology.model import (
    NO_PASSWORD,
    PasswordHash,
    Permission,
    SecretKind,
    SecretReference,
    Topology,
    User,
)
from attune_infra.topology.planning.report import Outcome, Status
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

REFERENCE = SecretReference(SecretKind.ENV, ("NOBODY_SETS_THIS",))
PASSWORDS = ("C4nary-1", "pässé 🐰", " ", "x" * 500)
TAGS = ("monitoring", "a b", "a,b", "A", "'", '"', "\\", "x\n", "\t", "é", "日本", " x", "x ", "x" * 255)
NAMES = (" ", "a/b", "é", "🐰" * 60, "amq.x", "%", "#", "a?b", "a:b", "\x7f", "none", "-", "..")
LIMITS = (*USER_LIMITS, "max-queues", "max-consumers", "MAX-CHANNELS")
VALUES = (-1, 0, 1, 2**63 - 1)


@pytest.fixture
def name(vhost: VirtualHost, management: Management) -> Iterator[str]:
    name = f"svc/{vhost.name}"
    yield name
    with suppress(BrokerError):  # the test may have deleted it
        management.delete("users", name)


def is_taken(management: Management, name: str, **body: Any) -> bool:
    try:
        management.put("users", name, body={"password": "x", "tags": "", **body})
    except BrokerError:
        return False
    return True


def takes_limit(management: Management, name: str, limit: str, value: int) -> bool:
    """Return whether RabbitMQ takes a limit; for a wrong one beside a user, it answers 500."""
    try:
        management.put("user-limits", name, limit, body={"value": value})
    except BrokerError:
        return False
    return True


def seen(management: Management, name: str) -> User:
    return next(user for user in users_from(management.get("users")) if user.name == name)


def logs_in(vhost: VirtualHost, user: str, password: str) -> bool:
    url, login = f"{vhost.management_url}/api/whoami", b64encode(f"{user}:{password}".encode()).decode()
    answer = requests.get(url, headers={"Authorization": f"Basic {login}"}, timeout=10)
    return bool(answer.status_code == requests.codes.ok)


def make(broker: RabbitMQ, *wanted: User | Permission) -> list[Outcome]:
    have = broker.read(controls=Topology.of(wanted).control_kinds)
    changes = [change_of(item, have) for item in wanted]
    return list(broker.apply([each for each in changes if isinstance(each, Create | Update)]))


def test_rabbitmq_takes_the_names_tags_and_limits_of_the_table(management: Management, name: str) -> None:
    for each in NAMES:
        foreseen = any(user_problems(User(name=each)))
        assert (is_taken(management, each) and seen(management, each).name == each) is not foreseen, each
        if not foreseen:
            management.delete("users", each)
    for tag in TAGS:
        wanted = User(name=name, tags=frozenset({tag}))
        keeps = is_taken(management, name, tags=[tag]) and seen(management, name).tags == wanted.tags
        assert keeps is not any(user_problems(wanted)), tag
    for limit in LIMITS:
        for value in VALUES:
            foreseen = any(user_problems(User(name=name, limits={limit: value})))
            assert takes_limit(management, name, limit, value) is not foreseen, limit
    assert seen(management, name).limits == dict.fromkeys(USER_LIMITS, VALUES[-1])


def test_a_password_fits_the_hash_that_rabbitmq_makes_and_takes(
    management: Management, name: str, vhost: VirtualHost
) -> None:
    for password in PASSWORDS:
        assert is_taken(management, name, password=password)
        found = seen(management, name).password
        assert isinstance(found, PasswordHash)
        assert fits(password, found)
        assert not fits(f"{password}!", found)
    for algorithm in ALGORITHMS:
        digest = hashlib.new(algorithm.rpartition("_")[2], b"saltC4nary").digest()
        hashed = {"password_hash": b64encode(b"salt" + digest).decode(), "hashing_algorithm": algorithm}
        management.put("users", name, body={"tags": "management", **hashed})
        assert seen(management, name).password == PasswordHash(*hashed.values())
        assert logs_in(vhost, name, "C4nary")


def test_a_request_without_a_password_removes_it(
    management: Management, name: str, under_test: BrokerUnderTest
) -> None:
    """This is why the hash is sent again, and an empty one for a new user."""
    management.put("users", name, body={"tags": ""})
    assert (seen(management, name).password == NO_PASSWORD) is (under_test.release >= (4, 3))
    assert is_taken(management, name, limits={"max-channels": 5})

    management.put("users", name, body={"tags": "", "limits": {}})

    assert seen(management, name) == User(name=name, password=NO_PASSWORD, limits={"max-channels": 5})


def test_a_user_is_made_changed_and_deleted(
    broker: RabbitMQ, management: Management, name: str, vhost: VirtualHost
) -> None:
    limits = {"max-channels": 7, "max-connections": 3}
    want = User(name=name, tags=frozenset({"management"}), password=REFERENCE.with_secret("pässé"), limits=limits)
    permission = Permission(user=name, configure="", write="", read="a")

    assert {each.status for each in make(broker, permission, want)} == {Status.CREATED}
    assert make(broker, permission, want) == []
    assert logs_in(vhost, name, "pässé")
    before = seen(management, name).password

    other = replace(want, tags=frozenset({"policymaker", "x"}), limits={"max-channels": 8})
    for changed in (other, replace(other, password=None, limits={"max-channels": -1})):
        [outcome] = make(broker, changed)
        assert (outcome.status, make(broker, changed)) == (Status.UPDATED, [])
        assert seen(management, name).password == before
        assert logs_in(vhost, name, "pässé")

    moved = replace(other, password=REFERENCE.with_secret("C4nary"))
    [outcome] = make(broker, moved)
    assert (outcome.status, make(broker, moved)) == (Status.UPDATED, [])
    assert (logs_in(vhost, name, "pässé"), logs_in(vhost, name, "C4nary")) == (False, True)

    for password in (before, NO_PASSWORD):
        make(broker, replace(other, password=password))
        assert seen(management, name).password == password
    assert not logs_in(vhost, name, "")

    assert [each.status for each in broker.delete([want], even_if_used=False)] == [Status.DELETED]
    assert name not in broker.read(controls={"user", "permission"}).users
    assert name not in broker.read(controls={"permission"}).permissions


def test_a_new_user_without_a_password_has_none(broker: RabbitMQ, management: Management, name: str) -> None:
    make(broker, User(name=name))

    assert seen(management, name) == User(name=name, password=NO_PASSWORD)


def test_nobody_shuts_out_the_command_itself(broker: RabbitMQ, management: Management) -> None:
    before = seen(management, "guest")
    for want in (
        replace(before, password=REFERENCE.with_secret("C4nary")),
        replace(before, password=NO_PASSWORD),
        replace(before, tags=frozenset({"monitoring"})),
    ):
        [outcome] = make(broker, want)
        assert outcome.status is Status.FAILED
        assert outcome.reason.startswith("this command itself ")
        assert seen(management, "guest") == before


def test_a_user_that_cannot_be_made_gets_no_permissions(broker: RabbitMQ, name: str) -> None:
    refused = User(name=name, limits={"max-queues": 1})

    outcomes = list(
        broker.apply([Create(Permission(user=name, configure="", write="", read="")), Create(refused)])
    )

    assert [each.status for each in outcomes] == [Status.FAILED, Status.SKIPPED]
    assert outcomes[1].reason == f"user {name} could not be created"
