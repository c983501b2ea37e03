"""`attune-infra worker run` twice under one name: both say so, and the end of one does no harm to the other."""

from __future__ import annotations

import signal

import amqp

from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet, send, statuses

SHARED = "others consume queue worker.1.executions too, and get a part of its messages: "


def test_two_workers_of_one_name_share_its_messages(fleet: Fleet, run: Command, channel: amqp.Channel) -> None:
    first = fleet.start("w", "--prefetch", "1")
    fleet.wait_until_consuming("w")
    assert SHARED not in fleet.talk("w")

    second = fleet.start("w", "--prefetch", "1")  # it writes into the same file
    fleet.wait_until_consuming("w", times=2)
    fleet.wait_for_words("w", SHARED)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=20) == 0

    assert "another worker of this name still consumes: it stays registered\n" in fleet.talk("w")
    assert statuses(run) == [(1, "active")]
    send(channel, *range(5))
    eventually(fleet.handled_ids, list(range(5)).__eq__)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=20) == 0
    assert statuses(run) == [(1, "inactive")]
