"""Users without login, tag, permission or virtual host: the kind, the sentence and the hint of each error."""

from __future__ import annotations

import pytest

from attune_infra.broker.failures import faults
from attune_infra.broker.failures.permissions import ObjectRefused
from attune_infra.errors import (
    AccessRefused,
    BrokerError,
    BrokerUnreachable,
    LoginRefused,
    VirtualHostMissing,
)
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.answers import WHERE, parts_of, refuse

SETTINGS = resolve(
    {
        MANAGEMENT_URL: WHERE.replace("://", "://ann:s3cret@"),
        AMQP_URL: "amqp://somebody:else@broker.example/a%20b",
    },
    {},
)
CREATE_VHOST = (
    "an administrator can create it: rabbitmqctl add_vhost 'a b' and"
    " rabbitmqctl set_permissions -p 'a b' ann '.*' '.*' '.*'"
)
TAG = "an administrator can grant it: rabbitmqctl set_user_tags ann"
NO_LOGIN = "the management API refused the login of user 'ann'"
PASSWORD = (
    "check user and password in the AMQP URL (or in --management-url, if it has its own);"
    " 'guest' may only log in from the broker's own host"
)
NO_VHOST = "there is no virtual host 'a b', or user 'ann' has no permissions in it"
NO_VHOST_HINT = f"{CREATE_VHOST}; or put another one at the end of the AMQP URL"


@pytest.mark.parametrize(
    ("reason", "kind", "sentence", "hint"),
    [
        *((reason, LoginRefused, NO_LOGIN, PASSWORD) for reason in (None, "Login failed", "Not_Authorized")),
        *(
            (
                f"Not {tag} user",
                AccessRefused,
                f"user 'ann' may not use the management API: Not {tag} user",
                f"{TAG} {needed}, followed by its other tags",
            )
            for tag, needed in (
                ("management", "management"),
                ("monitor", "monitoring"),
                ("administrator", "administrator"),
                ("policymaker", "policymaker"),
            )
        ),
        (
            "User not authorised to access object",
            AccessRefused,
            "user 'ann' lacks the tag policymaker, which setting policies needs",
            f"{TAG} policymaker, followed by its other tags",
        ),
        (
            "User not authorised to access virtual host",
            VirtualHostMissing,
            "user 'ann' has no permissions in virtual host 'a b'",
            CREATE_VHOST,
        ),
        (
            "access to queue 'q' refused",
            ObjectRefused,
            "user 'ann' lacks a permission in virtual host 'a b': access to queue 'q' refused",
            (
                "its permissions: rabbitmqctl list_user_permissions ann;"
                " docs/permissions.md has those that each command needs"
            ),
        ),
    ],
)
def test_a_401_is_told_by_its_reason(
    reason: str | None, kind: type[BrokerError], sentence: str, hint: str
) -> None:
    error = faults.from_response(refuse(401, reason), SETTINGS)

    assert parts_of(error) == (kind, sentence, hint)


@pytest.mark.parametrize("reason", ["Not Found", "not_found", "vhost_not_found"])
def test_a_404_with_a_reason_is_a_missing_virtual_host(reason: str) -> None:
    error = faults.from_response(refuse(404, reason), SETTINGS)

    assert parts_of(error) == (VirtualHostMissing, NO_VHOST, NO_VHOST_HINT)


def test_a_temporary_virtual_host_needs_an_administrator() -> None:
    assert parts_of(faults.no_throwaway(SETTINGS)) == (
        AccessRefused,
        "user 'ann' may not make a virtual host: the administrator tag is missing",
        "leave out --probe, or run it as an administrator: rabbitmqctl set_user_tags ann administrator",
    )


def test_a_temporary_virtual_host_that_stays_is_named() -> None:
    assert parts_of(faults.left_behind("a b", BrokerUnreachable("it is gone"))) == (
        BrokerError,
        "virtual host 'a b' could not be removed: it is gone",
        "it is no longer needed, delete it: rabbitmqctl delete_vhost 'a b'",
    )


def test_a_missing_virtual_host_may_also_be_closed_to_the_user() -> None:
    assert parts_of(faults.virtual_host_missing(SETTINGS)) == (
        VirtualHostMissing,
        "there is no virtual host 'a b', or user 'ann' has no permissions in it",
        f"{CREATE_VHOST}; or put another one at the end of the AMQP URL",
    )
