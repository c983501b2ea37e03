"""The entries of a ledger, as a later run reads them."""

from __future__ import annotations

from attune_infra.broker.moving.ledger import (
    DOUBTFUL,
    STARTED,
    WITNESSED,
    Ledger,
    announcement,
    batch_id,
    fingerprint,
    print_of_offset,
)

FIRST, SECOND = batch_id(b"run-one!", 1), batch_id(b"run-one!", 2)
A, B = fingerprint(b"key", b"a"), fingerprint(b"key", b"b")
START = STARTED + batch_id(b"run-one!", 9)


def ledger_of(*entries: bytes, is_stream: bool = False) -> Ledger:
    ledger = Ledger(is_stream=is_stream)
    for tag, entry in enumerate(entries):
        ledger.read(tag, entry)
    ledger.conclude()
    return ledger


def test_what_was_witnessed_is_not_sent_again_once_for_each_time() -> None:
    ledger = ledger_of(START, announcement(FIRST, [A, A, B]), WITNESSED + FIRST)

    assert [ledger.was_published(A) for _ in range(3)] == [True, True, False]
    assert ledger.left() == (B,)
    assert not ledger.is_doubtful(B)


def test_what_was_only_announced_was_never_sent() -> None:
    ledger = ledger_of(START, announcement(FIRST, [A]))

    assert not ledger.was_published(A)
    assert not ledger.is_doubtful(A)


def test_after_a_restart_of_the_broker_what_was_announced_is_in_doubt() -> None:
    """Transient entries are gone: the witness, and the mark of the start."""
    ledger = ledger_of(announcement(FIRST, [A]), announcement(SECOND, [B]))

    assert not ledger.was_published(A)
    assert ledger.is_doubtful(A)
    assert not ledger.is_doubtful(A)
    assert sorted(ledger.newly_in_doubt()) == sorted([A, B])


def test_an_equal_body_with_another_key_is_another_message() -> None:
    assert fingerprint(b"key", b"a") != fingerprint(b"other", b"a")


def test_what_was_in_doubt_once_stays_so_until_it_comes_back() -> None:
    ledger = ledger_of(START, DOUBTFUL + FIRST + A + B, announcement(SECOND, [A]), WITNESSED + SECOND)

    assert ledger.was_published(A)
    assert ledger.is_doubtful(B)
    assert ledger.newly_in_doubt() == ()


def offsets(first: int, last: int) -> list[bytes]:
    return [print_of_offset(offset) for offset in range(first, last + 1)]


def test_a_stream_goes_on_behind_what_was_published() -> None:
    assert ledger_of(START, is_stream=True).next_offset() is None
    entries = START, announcement(FIRST, offsets(40, 49)), WITNESSED + FIRST, announcement(SECOND, offsets(50, 59))

    ledger = ledger_of(*entries, is_stream=True)

    assert ledger.next_offset() == 50
    assert not ledger.is_doubtful(print_of_offset(50))


def test_after_a_restart_the_last_two_batches_of_a_stream_are_in_doubt() -> None:
    """RabbitMQ may have kept the announcement of the last one without the batch before, which it goes with."""
    batches = (offsets(30, 39), offsets(40, 49), offsets(50, 59))
    entries = (announcement(batch_id(b"run-one!", number), prints) for number, prints in enumerate(batches))

    ledger = ledger_of(*entries, is_stream=True)

    assert ledger.next_offset() == 40
    assert list(ledger.newly_in_doubt()) == offsets(40, 59)


def test_after_two_restarts_the_batches_that_were_announced_last_are_in_doubt() -> None:
    """A run after a restart begins further back, so the highest offsets are not those of the last batches."""
    before = announcement(FIRST, offsets(100, 149)), announcement(SECOND, offsets(150, 249))
    doubt = DOUBTFUL + FIRST + b"".join(offsets(100, 249))
    after = (
        announcement(batch_id(b"run-two!", number), offsets(100 * number, 100 * number + 60)) for number in (1, 2)
    )

    assert ledger_of(*before, doubt, *after, is_stream=True).next_offset() == 100


def test_an_older_doubt_does_not_send_a_stream_back() -> None:
    older, newer = (DOUBTFUL + FIRST + b"".join(offsets(at, at + 9)) for at in (100, 900))

    assert ledger_of(START, older, newer, is_stream=True).next_offset() == 900


def test_a_stream_goes_on_behind_what_came_after_the_doubt() -> None:
    doubt = DOUBTFUL + FIRST + b"".join(offsets(50, 59))
    third = batch_id(b"run-two!", 3)

    assert ledger_of(START, doubt, is_stream=True).next_offset() == 50
    entries = START, doubt, announcement(third, offsets(60, 69)), WITNESSED + third
    assert ledger_of(*entries, is_stream=True).next_offset() == 70
