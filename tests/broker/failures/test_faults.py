"""Answers of the management API as errors: the kind, the sentence and the hint of each."""

from __future__ import annotations

import pytest
import requests

from attune_infra.broker.failures import faults
from attune_infra.errors import (
    BrokerError,
    BrokerUnreachable,
    FeatureDenied,
    InUse,
    NotRabbitMQ,
    RequestRefused,
)
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.answers import WHERE, parts_of, refuse, response

SETTINGS = resolve({MANAGEMENT_URL: WHERE, AMQP_URL: "amqp://ann:s3cret@broker.example/a%20b"}, {})
STARTING = "is the broker still starting? `--wait 60` waits for it"
LOG = "see RabbitMQ's log"
DENIED = "INTERNAL_ERROR - Feature `queue_master_locator` is deprecated.\nIt is not permitted anymore."


@pytest.mark.parametrize("body", ["", {}, [], {"reason": ""}, {"reason": None}])
def test_a_404_without_a_reason_is_not_rabbitmqs(body: object) -> None:
    error = faults.from_response(response(404, body), SETTINGS)

    assert parts_of(error) == (
        NotRabbitMQ,
        f"{WHERE} answered 404 without a reason; it does not look like RabbitMQ's management API",
        "check --management-url; is a path prefix of a proxy missing?",
    )


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("body", ["", {"reason": "no backend"}])
def test_a_gateway_without_a_broker_is_not_ready(status: int, body: object) -> None:
    error = faults.from_response(response(status, body), SETTINGS)

    assert parts_of(error) == (
        BrokerUnreachable,
        f"{WHERE} answered {status}: the management API is not ready",
        STARTING,
    )


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ("<html>later</html>", "a web page"),
        (
            " <TITLE class=x>\n 502 \x1b[31m Bad\tGateway &amp; more</TITLE >",
            "a web page titled '502 [31m Bad Gateway & more'",
        ),
        (f"<title>{'long ' * 40}</title>", f"a web page titled '{('long ' * 40)[:80]}...'"),
        ("<title></title>", "a web page"),
    ],
)
def test_a_web_page_of_a_proxy_is_named_by_its_title(body: str, page: str) -> None:
    error = faults.from_response(response(502, body), SETTINGS)

    assert error.sentence == f"{WHERE} answered 502 with {page}: the management API is not ready"
    assert "is a proxy in front of RabbitMQ in trouble?" in str(error.hint)
    for status in (401, 403, 404, 500):
        assert f"with {page}" in faults.from_response(response(status, body), SETTINGS).sentence
    assert f"answered with {page}, not JSON" in faults.not_json(response(200, body), SETTINGS).sentence


def test_a_login_that_is_refused_in_the_middle_says_so() -> None:
    error = faults.from_response(refuse(401, "Login failed"), SETTINGS, answered=7)

    assert error.sentence == (
        "the management API refused the login of user 'ann', after it had answered 7 requests"
    )
    assert "were they changed meanwhile?" in str(error.hint)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("headers", "target"), [({"Location": "https://sso.example"}, "https://sso.example"), ({}, "elsewhere")]
)
def test_a_redirection_names_its_target(status: int, headers: dict[str, str], target: str) -> None:
    error = faults.from_response(response(status, **headers), SETTINGS)

    assert parts_of(error) == (
        NotRabbitMQ,
        f"{WHERE} answered {status}, a redirection to {target}",
        "give the address of the management API itself as --management-url",
    )


@pytest.mark.parametrize("reason", ["queue 'q' in vhost '/' not empty", "exchange 'e' in vhost '/' in use"])
def test_an_object_in_use_is_told_apart(reason: str) -> None:
    error = faults.from_response(refuse(400, reason, method="DELETE"), SETTINGS)

    assert parts_of(error) == (InUse, f"the management API answered 400: {reason}", None)


def test_a_denied_feature_is_told_apart() -> None:
    error = faults.from_response(refuse(400, DENIED, method="PUT"), SETTINGS)

    assert parts_of(error) == (
        FeatureDenied,
        "this RabbitMQ denies the deprecated feature queue_master_locator",
        "avoid it, or have an administrator permit it: deprecated_features.permit.queue_master_locator = true",
    )


@pytest.mark.parametrize(
    ("answer", "kind", "sentence", "hint"),
    [
        (
            response(500, path="bindings/a%20b"),
            RequestRefused,
            "the management API answered 500 when asked for the bindings of virtual host 'a b'",
            (
                "this is a bug of RabbitMQ: a binding with arguments has a `~` before another character in its"
                " routing key; find it with `rabbitmqctl list_bindings -p 'a b'` and unbind it over AMQP"
            ),
        ),
        (
            response(500),
            BrokerUnreachable,
            "the management API answered 500: Internal Server Error",
            f"{STARTING}; if it is not, {LOG}",
        ),
        (
            response(500, method="PUT"),
            RequestRefused,
            "the management API answered 500: Internal Server Error",
            LOG,
        ),
        (refuse(500, "crashed"), RequestRefused, "the management API answered 500: crashed", None),
    ],
)
def test_a_500_depends_on_the_request(
    answer: requests.Response, kind: type[BrokerError], sentence: str, hint: str | None
) -> None:
    assert parts_of(faults.from_response(answer, SETTINGS)) == (kind, sentence, hint)


@pytest.mark.parametrize(
    ("answer", "words", "hint"),
    [
        (refuse(400, "inequivalent arg"), "400: inequivalent arg", None),
        (refuse(400, ["bad", "worse", 3]), "400: bad, worse, 3", None),
        (refuse(400, 17), "400: 17", None),
        (refuse(400, {"field": "name"}), "400: {'field': 'name'}", None),
        (refuse(404, "no queue 'q'"), "404: no queue 'q'", None),
        (response(405), "405: Method Not Allowed", LOG),
        (response(400, "null"), "400: Bad Request", LOG),
        (response(400, '{"broken'), "400: Bad Request", LOG),
    ],
)
def test_any_other_status_is_told_with_its_reason(answer: requests.Response, words: str, hint: str | None) -> None:
    error = faults.from_response(answer, SETTINGS)

    assert parts_of(error) == (RequestRefused, f"the management API answered {words}", hint)


@pytest.mark.parametrize(("status", "kind"), [(500, BrokerUnreachable), (418, RequestRefused)])
def test_an_answer_may_lack_a_reason_phrase(status: int, kind: type[BrokerError]) -> None:
    answer = response(status)
    answer.reason = ""

    assert parts_of(faults.from_response(answer, SETTINGS))[:2] == (kind, f"the management API answered {status}")


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({"Content-Type": "text/html; charset=utf-8"}, "text/html"), ({}, "something without a content type")],
)
def test_another_server_than_the_management_api(headers: dict[str, str], kind: str) -> None:
    assert parts_of(faults.not_json(response(200, **headers), SETTINGS)) == (
        NotRabbitMQ,
        f"{WHERE} answered {kind}, not JSON; it is not RabbitMQ's management API",
        "the management API listens on port 15672 by default; check --management-url",
    )
