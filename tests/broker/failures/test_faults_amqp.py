"""Refusals over AMQP as errors: the kind, the sentence and the hint of each."""

from __future__ import annotations

import ssl

import amqp
import pytest

from attune_infra.broker.failures import faults
from attune_infra.broker.failures.refusal import Code, Refusal
from attune_infra.errors import (
    BrokerError,
    BrokerUnreachable,
    LoginRefused,
    NoMajority,
    QueueDenied,
    QueueUnavailable,
    RequestRefused,
    VirtualHostMissing,
)
from attune_infra.settings import AMQP_URL, resolve
from attune_infra.topology.facts import features
from attune_infra.topology.facts.permissions import Access, Right
from attune_infra.topology.permissions.needs import Entry, Need, Over
from support.answers import parts_of

SETTINGS = resolve({AMQP_URL: "amqp://ann:s3cret@broker.example/a%20b"}, {})
CREATE_VHOST = (
    "an administrator can create it: rabbitmqctl add_vhost 'a b' and"
    " rabbitmqctl set_permissions -p 'a b' ann '.*' '.*' '.*'"
)
STARTING = "is the broker still starting? `--wait 60` waits for it"
NODE_DOWN = (
    "its node is probably down, and the queue returns with it; if the node is lost for good, let the others"
    " forget it and its queues: rabbitmqctl forget_cluster_node NODE"
)
NO_CONNECTION = "cannot open an AMQP connection to broker.example:5672"
NO_TLS = "the port does not speak TLS: write amqp://, or give the TLS port"
CLIENT_CERTIFICATE = "does the broker ask for a client certificate? give --cert-file and --key-file"


@pytest.mark.parametrize(
    ("cause", "kind", "sentence", "hint"),
    [
        (
            amqp.exceptions.AccessRefused(
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
            ),
            LoginRefused,
            "RabbitMQ refused the login of user 'ann'",
            (
                "check user and password in the AMQP URL; 'guest' may only log in from the broker's own host;"
                " RabbitMQ's log has the reason"
            ),
        ),
        (
            amqp.exceptions.NotAllowed("NOT_ALLOWED - vhost a b not found"),
            VirtualHostMissing,
            "RabbitMQ refused virtual host 'a b': NOT_ALLOWED - vhost a b not found",
            CREATE_VHOST,
        ),
        (
            amqp.exceptions.ConnectionForced("CONNECTION_FORCED - shutdown"),
            BrokerUnreachable,
            f"{NO_CONNECTION}: CONNECTION_FORCED - shutdown",
            STARTING,
        ),
        (
            amqp.RecoverableConnectionError(),
            BrokerUnreachable,
            f"{NO_CONNECTION}: <RecoverableConnectionError: unknown error>",
            STARTING,
        ),
    ],
)
def test_a_connection_that_rabbitmq_refuses(
    cause: Exception, kind: type[BrokerError], sentence: str, hint: str
) -> None:
    assert parts_of(faults.from_amqp_connect(cause, SETTINGS)) == (kind, sentence, hint)


@pytest.mark.parametrize(
    ("reason", "words", "hint"),
    [
        ("WRONG_VERSION_NUMBER", "WRONG_VERSION_NUMBER", NO_TLS),
        ("RECORD_LAYER_FAILURE", "RECORD_LAYER_FAILURE", NO_TLS),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV13_ALERT_CERTIFICATE_REQUIRED", CLIENT_CERTIFICATE),
        (None, "EOF occurred", CLIENT_CERTIFICATE),
    ],
)
def test_tls_that_fails_after_the_certificate(reason: str | None, words: str, hint: str) -> None:
    cause = ssl.SSLError(ssl.SSL_ERROR_EOF, "EOF occurred")
    if reason is not None:
        cause.reason = reason

    assert parts_of(faults.from_amqp_connect(cause, SETTINGS)) == (
        BrokerUnreachable,
        f"{NO_CONNECTION}: TLS failed: {words}",
        hint,
    )


PERMIT = "rabbitmqctl set_permissions -p 'a b' ann"


@pytest.mark.parametrize(
    ("cause", "sentence", "hint"),
    [
        (
            amqp.exceptions.MessageNacked(),
            "RabbitMQ did not take the message for exchange e: it answered with a nack",
            "a queue is full, or its node is down; the message was not stored",
        ),
        (
            amqp.NotFound("NOT_FOUND - no exchange 'e' in vhost 'a b'"),
            "cannot publish to exchange e: NOT_FOUND - no exchange 'e' in vhost 'a b'",
            "`attune-infra setup` creates the exchange",
        ),
        (
            amqp.AccessRefused("ACCESS_REFUSED - access to exchange 'e' refused"),
            "cannot publish to exchange e: ACCESS_REFUSED - access to exchange 'e' refused",
            (
                f"user 'ann' needs write permission on exchange e: {PERMIT} '' '^e$' '', with its other"
                " permissions; if it has topic permissions there, one must match the routing key 'k'"
            ),
        ),
    ],
)
def test_a_message_that_rabbitmq_refuses(cause: Exception, sentence: str, hint: str) -> None:
    assert parts_of(faults.not_published(cause, "e", "k", SETTINGS)) == (RequestRefused, sentence, hint)


REFUSALS = [
    (Code.UNAVAILABLE, None, QueueUnavailable, NODE_DOWN),
    (Code.NO_ANSWER, None, QueueUnavailable, NODE_DOWN),
    (
        Code.LOCKED,
        None,
        QueueDenied,
        "another connection holds a queue of that name: is an older worker still running?",
    ),
    (
        Code.DIFFERS,
        None,
        QueueDenied,
        (
            "the existing object differs; `attune-infra worker verify --id 7` names each difference,"
            " `attune-infra worker deprovision --id 7` deletes the queue if it is empty"
        ),
    ),
    (
        Code.FORBIDDEN,
        None,
        QueueDenied,
        f"user 'ann' needs configure permission on queue q: {PERMIT} '^q$' '' '', with its other permissions",
    ),
    (
        Code.FEATURE_DENIED,
        features.TRANSIENT_QUEUES,
        QueueDenied,
        (
            "use a topology whose worker queues are durable with an expiry, such as"
            " --topology examples/attune-durable-workers.yaml"
        ),
    ),
    (
        Code.FEATURE_DENIED,
        "queue_master_locator",
        QueueDenied,
        "avoid it, or have an administrator permit it: deprecated_features.permit.queue_master_locator = true",
    ),
    (Code.NO_MAJORITY, None, NoMajority, "it goes on when they are back"),
    (Code.MISSING, None, BrokerUnreachable, "see RabbitMQ's log"),
    (Code.OTHER, None, BrokerUnreachable, "see RabbitMQ's log"),
]


@pytest.mark.parametrize(("code", "feature", "kind", "hint"), REFUSALS)
def test_a_queue_that_rabbitmq_denies_to_a_worker(
    code: Code, feature: str | None, kind: type[BrokerError], hint: str
) -> None:
    needs = [Need(Over.AMQP, Entry()), Need(Over.AMQP, Right(Access.CONFIGURE, "queue", "q"))]
    error = faults.queue_denied("queue q", Refusal(code, "in its own words", feature), 7, needs, SETTINGS)

    assert parts_of(error) == (kind, "worker 7 was denied queue q: in its own words", hint)


def test_each_code_of_a_refusal_is_tested() -> None:
    assert {code for code, *_ in REFUSALS} == set(Code)
