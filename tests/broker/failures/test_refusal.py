"""Codes and words of refusals, from the replies of real brokers."""

from __future__ import annotations

import amqp
import pytest
from amqp.exceptions import error_for_code

from attune_infra.broker.failures.refusal import Code, Refusal, no_answer, refusal_of
from attune_infra.topology.facts import features

QUEUE_DECLARE = (50, 10)


def reply(code: int, text: str) -> Exception:
    """Return the exception of py-amqp for the reply with which a broker closes a channel."""
    error: Exception = error_for_code(code, text, QUEUE_DECLARE, amqp.ChannelError)
    return error


@pytest.mark.parametrize(
    ("code", "text", "wanted"),
    [
        (403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", Code.FORBIDDEN),
        (
            403,
            "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' refused for user 'modest'",
            Code.FORBIDDEN,
        ),
        (404, "NOT_FOUND - no exchange 'e' in vhost '/'", Code.MISSING),
        (404, "NOT_FOUND - no queue 'q' in vhost '/'", Code.MISSING),
        (
            404,
            "NOT_FOUND - home node 'rabbit@lost' of durable queue 'q' in vhost '/' is down or inaccessible",
            Code.UNAVAILABLE,
        ),
        (
            404,
            "NOT_FOUND - failed to perform operation on queue 'q' in vhost '/' due to timeout",
            Code.UNAVAILABLE,
        ),
        (404, "NOT_FOUND - queue 'q' in vhost '/' process is stopped by supervisor", Code.UNAVAILABLE),
        (404, "NOT_FOUND - queue 'q' in vhost '/' has crashed and failed to restart", Code.UNAVAILABLE),
        (
            405,
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'",
            Code.LOCKED,
        ),
        (406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/'", Code.DIFFERS),
        (541, "INTERNAL_ERROR - Error", Code.OTHER),
        (530, "NOT_ALLOWED - vhost 'v' not found", Code.OTHER),
        (320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", Code.OTHER),
    ],
)
def test_a_reply_has_a_code_and_keeps_its_words(code: int, text: str, wanted: Code) -> None:
    assert refusal_of(reply(code, text)) == Refusal(wanted, text)


@pytest.mark.parametrize("verb", ["deprecated", "removed"])
@pytest.mark.parametrize("feature", [features.TRANSIENT_QUEUES, "queue_master_locator"])
def test_a_denied_feature_is_named_in_our_words(feature: str, verb: str) -> None:
    text = f"INTERNAL_ERROR - Feature `{feature}` is {verb}.\nBy default, this feature is not permitted anymore."

    refusal = refusal_of(reply(541, text))

    assert refusal == Refusal(Code.FEATURE_DENIED, features.denied(feature).sentence, feature)


def test_the_words_of_a_reply_stand_on_one_line() -> None:
    assert refusal_of(reply(406, "PRECONDITION_FAILED - a\n  b\tc ")).text == "PRECONDITION_FAILED - a b c"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (amqp.RecoverableConnectionError("Socket was disconnected"), "Socket was disconnected"),
        (amqp.ConnectionError(), "<ConnectionError: unknown error>"),
        (ConnectionResetError(104, "Connection reset by peer"), "[Errno 104] Connection reset by peer"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_without_a_reply_keeps_its_words(error: Exception, text: str) -> None:
    assert refusal_of(error) == Refusal(Code.OTHER, text)


def test_a_silent_broker_is_a_refusal_too() -> None:
    assert no_answer(0.5) == Refusal(Code.NO_ANSWER, "no answer within 0.5 s")
