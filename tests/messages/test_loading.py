"""Messages of a file: where each goes, and what it gives up."""

from __future__ import annotations

import pytest

from attune_infra.errors import ExitCode, InvalidInput, WrongUsage
from attune_infra.messages.encoded import decode
from attune_infra.messages.encoding import encode
from attune_infra.messages.jsonl import NumberedMessage
from attune_infra.messages.loading import Destination, Failed, Loaded, destination, outgoing, require
from attune_infra.messages.model import StoredMessage
from attune_infra.topology.model import Exchange, Queue, Topology

JOBS = Destination.of_queue("jobs")
TOPOLOGY = Topology.of([Queue(name="jobs"), Exchange(name="orders")])


def numbered(**properties: object) -> NumberedMessage:
    encoded = encode(properties)  # type: ignore[arg-type]
    return NumberedMessage(
        7, StoredMessage(exchange="x", routing_key="own", redelivered=True, encoded=encoded, body=b"body")
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("jobs", None, None), JOBS),
        ((None, "orders", None), Destination(None, "orders", None)),
        ((None, "", "jobs"), Destination(None, "", "jobs")),
    ],
)
def test_a_destination_is_a_queue_or_an_exchange(
    given: tuple[str | None, str | None, str | None], expected: Destination
) -> None:
    assert destination(*given) == expected


@pytest.mark.parametrize(
    "given", [(None, None, None), ("jobs", "orders", None), ("jobs", None, "k"), (None, None, "k")]
)
def test_anything_else_is_wrong_usage(given: tuple[str | None, str | None, str | None]) -> None:
    with pytest.raises(WrongUsage):
        destination(*given)


@pytest.mark.parametrize(
    "to", [JOBS, Destination(None, "orders"), Destination(None, ""), Destination(None, "amq.topic")]
)
def test_what_exists_is_accepted(to: Destination) -> None:
    require(to, TOPOLOGY)


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (Destination.of_queue("jbs"), "queue 'jbs' does not exist; did you mean 'jobs'?"),
        (Destination(None, "order"), "exchange 'order' does not exist; did you mean 'orders'?"),
    ],
)
def test_what_does_not_exist_is_refused(to: Destination, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require(to, TOPOLOGY)
    assert refused.value.sentence == sentence


def test_a_message_goes_where_it_is_sent() -> None:
    ways = [(JOBS, ("", "jobs")), (Destination(None, "orders"), ("orders", "own"))]
    ways.append((Destination(None, "orders", "k"), ("orders", "k")))

    for to, expected in ways:
        sending = outgoing(numbered(message_id="m"), to, "guest").sending
        assert (sending.exchange, sending.routing_key) == expected
        assert decode(sending.encoded) == {"message_id": "m"}


def test_another_user_is_left_out() -> None:
    other, own = (outgoing(numbered(user_id=user), JOBS, "guest") for user in ("other", "guest"))

    assert (decode(other.sending.encoded), other.lost_user) == ({}, True)
    assert (decode(own.sending.encoded), own.lost_user) == ({"user_id": "guest"}, False)


def test_further_keys_are_left_out_for_a_queue_alone() -> None:
    message = numbered(headers={"CC": ["a"], "BCC": ["b"], "mine": 1})

    single, spread = outgoing(message, JOBS, "guest"), outgoing(message, Destination(None, "orders"), "guest")

    assert (decode(single.sending.encoded), single.lost_copies) == ({"headers": {"mine": 1}}, True)
    assert (spread.sending.encoded, spread.lost_copies) == (message.message.encoded, False)


def test_the_exit_code_says_how_it_ended() -> None:
    failed = [Failed(1, "why")]

    assert Loaded("f", JOBS).exit_code == ExitCode.DONE
    assert Loaded("f", JOBS, confirmed=1, failed=failed).exit_code == ExitCode.PARTLY_DONE
    assert Loaded("f", JOBS, failed=failed).exit_code == ExitCode.FAILED
    assert Loaded("f", JOBS, confirmed=1, failure="cut", next_line=2).exit_code == ExitCode.PARTLY_DONE


def test_lines_that_were_sent_and_not_confirmed_are_in_doubt() -> None:
    assert Loaded("f", JOBS, last_sent=9, next_line=4).doubtful == (4, 9)
    assert Loaded("f", JOBS, last_sent=9, next_line=10).doubtful is None
    assert Loaded("f", JOBS, last_sent=9).doubtful is None
