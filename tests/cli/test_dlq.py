"""`dlq list`, `dlq show` and `dlq replay`, as a user runs them."""

from __future__ import annotations

from typing import Any

import amqp
import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.dead_letters import DEAD, ORDERS, REASONS, bodies, count, declare, kill, publish, wait_for
from support.eventually import eventually
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

IDS = ["a", "b", "c"]


@pytest.fixture
def dead(channel: amqp.Channel, vhost: VirtualHost) -> str:
    """A dead letter queue with messages of each reason."""
    declare(channel)
    for reason in REASONS:
        publish(channel, reason, IDS)
    kill(channel, vhost)
    wait_for(channel, {DEAD: len(REASONS) * len(IDS)})
    return DEAD


@pytest.mark.usefixtures("dead")
def test_dead_letters_are_grouped_by_their_first_deaths(attune_infra: Command) -> None:
    found = attune_infra("dlq", "list")

    assert found.code == ExitCode.DONE
    assert found.lines[0].startswith("~ dead (classic): 12 messages, the oldest since 20")
    assert found.lines[1] == "    dead letters of delivery_limit, expired, maxlen and 1 more"
    for reason in REASONS:
        [line] = [line for line in found.lines if f"{reason} in {reason}" in line]
        assert line.split()[0] == "3"
        assert "from exchange orders" in line
    assert found.lines[-1] == "1 dead letter queue: 12 messages ready"


@pytest.mark.usefixtures("dead")
def test_the_groups_are_data(attune_infra: Command, channel: amqp.Channel) -> None:
    [queue] = attune_infra("dlq", "list", "--output", "json").json["queues"]

    assert (queue["name"], queue["ready"], queue["looked_at"], queue["unread"]) == (DEAD, 12, 12, None)
    assert queue["sources"] == sorted(REASONS)
    groups = {(each["reason"], each["queue"], each["exchange"], each["count"]) for each in queue["groups"]}
    assert groups == {(reason, reason, ORDERS, 3) for reason in REASONS}
    assert min(each["since"] for each in queue["groups"]) == queue["since"]
    wait_for(channel, {DEAD: 12})


@pytest.mark.usefixtures("dead")
def test_fewer_messages_are_read_on_request(attune_infra: Command) -> None:
    assert "    the first 2 of them:" in attune_infra("dlq", "list", "--look", "2").lines

    none = eventually(lambda: attune_infra("dlq", "list", "--look", "0").lines, lambda found: "12" in found[0])
    assert none[0] == "~ dead (classic): 12 messages"
    assert len(none) == 3


def test_without_dead_letter_queues_nothing_is_listed(attune_infra: Command) -> None:
    assert attune_infra("dlq", "list").lines == [
        "no dead letter queue: the dead letters of no queue reach another one"
    ]


def test_a_queue_that_reading_would_change_is_not_read(
    attune_infra: Command, channel: amqp.Channel, under_test: BrokerUnderTest
) -> None:
    declare(channel, "quorum")
    channel.basic_publish(amqp.Message("a"), "", DEAD)
    wait_for(channel, {DEAD: 1})

    [queue] = attune_infra("dlq", "list", "--output", "json").json["queues"]

    if under_test.release >= (4, 3):
        assert (queue["looked_at"], queue["unread"]) == (1, None)
    else:
        assert queue["looked_at"] == 0
        assert queue["unread"].startswith("its messages were not read: ")


def test_a_queue_for_retries_says_where_it_passes_messages_on(
    attune_infra: Command, channel: amqp.Channel
) -> None:
    declare(channel)
    retry = {"x-dead-letter-exchange": ORDERS, "x-message-ttl": 60_000}
    channel.queue_declare("retry", durable=True, auto_delete=False, arguments=retry)
    channel.queue_bind("retry", "dlx")

    assert "    it passes its own dead letters on to orders" in attune_infra("dlq", "list").lines


@pytest.mark.usefixtures("dead")
def test_deaths_are_shown_in_words(attune_infra: Command, channel: amqp.Channel) -> None:
    found = attune_infra("dlq", "show", DEAD, "--where", "reason=expired", "--count", "1")

    assert found.code == ExitCode.DONE
    assert "expired in queue expired after its own 1 ms, where it came from exchange orders" in found.stdout
    wait_for(channel, {DEAD: 12})


@pytest.mark.usefixtures("dead")
def test_deaths_are_shown_as_data(attune_infra: Command) -> None:
    found = attune_infra("dlq", "show", DEAD, "--where", "reason=maxlen", "--output", "json").json

    assert [message["body"] for message in found["messages"]] == IDS
    [death] = found["messages"][0]["history"]
    assert death.pop("time").startswith("20")
    assert death == {
        "reason": "maxlen",
        "queue": "maxlen",
        "exchange": ORDERS,
        "routing_keys": ["maxlen"],
        "count": 1,
        "expiration": None,
    }


@pytest.mark.usefixtures("dead")
def test_a_dry_run_says_where_messages_would_go(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("audit", durable=True, auto_delete=False)
    channel.queue_bind("audit", ORDERS, "rejected")
    channel.queue_unbind("maxlen", ORDERS, "maxlen.#")

    found = attune_infra("dlq", "replay", DEAD, "--dry-run")

    assert found.code == ExitCode.DONE
    way = "to exchange orders with routing key"
    assert f"+ 3 messages expired in queue expired: {way} expired, which reaches queue expired" in found.lines
    assert (
        f"~ 3 messages rejected in queue rejected: {way} rejected, which reaches 2 queues: audit, rejected"
        in found.lines
    )
    assert "    a copy goes to audit too; --to rejected sends to one queue only" in found.lines
    why = "stay, because exchange orders leads to no queue with routing key maxlen"
    assert f"! 3 messages dropped in queue maxlen: {why}" in found.lines
    assert found.lines[-1] == "9 messages to send back, 3 stay"
    wait_for(channel, {DEAD: 12, "expired": 0})


@pytest.mark.usefixtures("dead")
def test_messages_are_sent_back(attune_infra: Command, channel: amqp.Channel) -> None:
    found = attune_infra("dlq", "replay", DEAD, "--yes")

    assert (found.code, found.lines[-1]) == (ExitCode.DONE, "12 messages sent back")
    wait_for(channel, {DEAD: 0, **dict.fromkeys(REASONS, 3)})


@pytest.mark.usefixtures("dead")
def test_the_result_is_data(attune_infra: Command, channel: amqp.Channel) -> None:
    options = ("--where", "reason=rejected", "--limit", "2", "--to", "maxlen")
    found = attune_infra("dlq", "replay", DEAD, *options, "--yes", "--output", "json").json

    assert (found["dry_run"], found["sent"], found["queue"]) == (False, 2, DEAD)
    [way] = found["ways"]
    assert (way["to"], way["queues"], way["count"], way["refusal"]) == ("", ["maxlen"], 2, None)
    assert bodies(channel, "maxlen") == ["a", "b"]


@pytest.mark.usefixtures("dead")
def test_nothing_is_sent_without_consent(attune_infra: Command, channel: amqp.Channel) -> None:
    found = attune_infra("dlq", "replay", DEAD)

    assert found.code == ExitCode.REFUSED
    assert "12 messages to send back" in found.stderr
    assert "no terminal to ask: Send messages of queue dead back" in found.stderr
    wait_for(channel, {DEAD: 12})


def test_a_queue_that_reading_would_change_is_not_read_first(
    attune_infra: Command, channel: amqp.Channel, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    declare(channel, "quorum")
    publish(channel, "rejected", IDS)
    kill(channel, vhost, "rejected")
    wait_for(channel, {DEAD: 3})

    planned, asked = attune_infra("dlq", "replay", DEAD, "--dry-run"), attune_infra("dlq", "replay", DEAD)

    if under_test.release >= (4, 3):
        assert planned.lines[-1] == "3 messages to send back"
    else:
        assert planned.code == ExitCode.REFUSED
        assert "the messages were not looked at: " in asked.stderr
    assert asked.code == ExitCode.REFUSED
    assert attune_infra("dlq", "replay", DEAD, "--yes").lines[-1] == "3 messages sent back"
    wait_for(channel, {DEAD: 0, "rejected": 3})


@pytest.mark.usefixtures("dead")
def test_consent_is_asked_for(attune_infra: Command, channel: amqp.Channel) -> None:
    assert "12 messages to send back" in attune_infra.at_terminal("dlq", "replay", DEAD, typed="n\n").stdout
    wait_for(channel, {DEAD: 12})

    found = attune_infra.at_terminal("dlq", "replay", DEAD, typed="y\n")

    assert (found.code, found.lines[-1]) == (ExitCode.DONE, "12 messages sent back")
    wait_for(channel, {DEAD: 0})


@pytest.mark.usefixtures("dead")
def test_what_stays_makes_the_result_partial(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_unbind("maxlen", ORDERS, "maxlen.#")

    found = attune_infra("dlq", "replay", DEAD, "--yes")

    assert (found.code, found.lines[-1]) == (ExitCode.PARTLY_DONE, "9 messages sent back, 3 stay")
    wait_for(channel, {DEAD: 3})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay", "gone", "--yes"), "queue 'gone' does not exist"),
        (("replay", DEAD, "--yes", "--to", "gone"), "--to: there is no queue or exchange 'gone'"),
        (("show", "gone"), "queue 'gone' does not exist"),
        (("replay", DEAD, "--where", "nothing"), "--where: expected NAME=VALUE"),
        (("replay", DEAD, "--limit", "0"), "--limit"),
    ],
)
def test_wrong_options_are_refused(
    attune_infra: Command, channel: amqp.Channel, arguments: Any, words: str
) -> None:
    declare(channel)

    found = attune_infra("dlq", *arguments)

    assert found.code in {ExitCode.FAILED, ExitCode.WRONG_USAGE}
    assert words in found.stderr
    assert count(channel, DEAD) == 0
