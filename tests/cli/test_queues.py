"""`attune-infra queues`: each queue once, with its verdict."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.virtual_host import VirtualHost

AT_80 = {"COLUMNS": "80"}
LONG = "a.queue.with.a.very.long.name.that.no.table.of.80.columns.can.hold"


def declare(channel: amqp.Channel, name: str, **arguments: object) -> None:
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    channel.queue_declare(name, durable=True, auto_delete=False, arguments=given)


def verdicts(result: Result) -> dict[str, str]:
    return {queue["name"]: queue["findings"][0]["code"] for queue in result.json["queues"] if queue["findings"]}


def test_each_queue_has_a_verdict(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.confirm_select()
    channel.exchange_declare("dlx", "fanout", durable=True, auto_delete=False)
    declare(channel, "dead", max_length=9)
    channel.queue_bind("dead", "dlx")
    declare(channel, "orphan", max_length=9)
    declare(channel, "jobs", dead_letter_exchange="dlx")
    channel.basic_publish_confirm(amqp.Message("x"), exchange="dlx", routing_key="x")
    channel.basic_consume("jobs")

    wanted = {"dead": "queue-dead-letters", "orphan": "queue-orphan", "jobs": "queue-unbounded"}
    eventually(lambda: verdicts(attune_infra("queues", "-o", "json")), wanted.__eq__, within=20)

    listed = attune_infra("queues", environment=AT_80)
    assert listed.code == ExitCode.DONE
    assert [line[:22].rstrip() for line in listed.lines[:4]] == [
        "  verdict      name",
        "~ dead letters dead",
        "~ orphan       orphan",
        "  unbounded    jobs",
    ]
    assert listed.lines[4] == "3 queues: 1 with dead letters, 1 orphaned, 1 unbounded"
    assert listed.lines[5].startswith("1 message ready, 0 unacknowledged, all on node ")
    assert [line.split()[2] for line in attune_infra("queues", "--orphans").lines[1:-2]] == ["orphan"]
    assert [line.split()[1] for line in attune_infra("queues", "--unbounded").lines[1:-2]] == ["jobs"]
    assert attune_infra("queues", "--down").lines == ["0 of 3 queues"]
    assert len(attune_infra("queues", "--quiet").lines) == 2


@pytest.mark.any_broker
def test_the_table_fits_its_width(attune_infra: Command, channel: amqp.Channel) -> None:
    declare(channel, LONG)
    declare(channel, "short")

    narrow = attune_infra("queues", environment=AT_80)
    wide = attune_infra("queues", environment={"COLUMNS": "200"})

    assert max(map(len, narrow.lines)) <= 80
    assert any("a.queue.with" in line and "can.hold" in line and "…" in line for line in narrow.lines)
    assert any(LONG in line for line in wide.lines)


@pytest.mark.any_broker
def test_policies_are_shown_where_there_is_room(
    attune_infra: Command, vhost: VirtualHost, management: Management, channel: amqp.Channel
) -> None:
    declare(channel, "a.queue.with.a.name.of.40.characters.....")
    body = {"pattern": "^a", "definition": {"max-length": 9}, "apply-to": "queues"}
    management.put("policies", vhost.name, "short.queues", body=body)

    narrow = attune_infra("queues", environment=AT_80)
    wide = attune_infra("queues", environment={"COLUMNS": "120"})

    assert narrow.lines[2] == "too wide for 80 columns: policy; `--output json` has all"
    assert wide.lines[0].endswith("policy")
    assert wide.lines[1].endswith("short.queues")
    [queue] = attune_infra("queues", "-o", "json").json["queues"]
    assert (queue["policy"], queue["effective_arguments"]) == ("short.queues", {"x-max-length": 9})


@pytest.mark.any_broker
def test_the_list_is_sorted_and_filtered(attune_infra: Command, channel: amqp.Channel) -> None:
    for name in ("a.jobs", "b.jobs", "rest"):
        declare(channel, name)

    def names(*options: str) -> list[str]:
        return [queue["name"] for queue in attune_infra("queues", "-o", "json", *options).json["queues"]]

    assert names("--sort", "name", "--reverse") == ["rest", "b.jobs", "a.jobs"]
    assert names("--sort", "name", "--filter", "JOBS") == ["a.jobs", "b.jobs"]


@pytest.mark.any_broker
def test_one_queue_is_shown_in_detail(attune_infra: Command) -> None:
    attune_infra("setup")

    shown = attune_infra("queues", "attune.events.queue")
    data = attune_infra("queues", "attune.events.queue", "-o", "json").json

    assert "  attune.events -> attune.events.queue with routing key #" in shown.lines
    assert "  └─ queue attune.events.queue: pattern '#' matches 'any'" in shown.lines
    assert data["queue"]["bindings"][0]["source"] == "attune.events"
    assert data["traces"][0]["queues"] == ["attune.events.queue"]


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("nobody",), ExitCode.FAILED, "error: queue 'nobody' does not exist"),
        (("jobs", "--down"), ExitCode.WRONG_USAGE, "error: a queue is named, and an option for the list is given"),
        (("--sort", "size"), ExitCode.WRONG_USAGE, "error: --sort takes verdict, name"),
    ],
)
def test_mistakes_are_said(attune_infra: Command, options: tuple[str, ...], code: int, sentence: str) -> None:
    result = attune_infra("queues", *options)

    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith(sentence)
