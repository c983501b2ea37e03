"""`dlq replay`, killed at random moments and run again: each message ends exactly once at its place."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from random import Random
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.dead_letters import DEAD, REASONS, bodies, count, declare, kill, publish, wait_for
from support.eventually import eventually
from support.proxy import Proxy
from support.virtual_host import VirtualHost

KILLS = 10
BYTES_TO_BEGIN = 500
BYTES_OF_A_MESSAGE = 250
"""About so many bytes are sent for each message: itself, its fingerprint, and its acknowledgement."""


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_each_message_is_once_at_its_place(
    attune_infra: Command, channel: amqp.Channel, vhost: VirtualHost, pytestconfig: pytest.Config, kind: str
) -> None:
    """Stop its line to the broker after some random byte, and kill it then."""
    share = pytestconfig.getoption("--dead-letters") // len(REASONS)
    random = Random(pytestconfig.getoption("--seed"))  # noqa: S311 # no secret
    sent = make_dead_letters(channel, vhost, kind, share)
    port = urlsplit(vhost.amqp_url).port or 0
    cut = 0
    for number in range(KILLS):
        left = wait_until_returned(channel, sent)
        most = 2 * BYTES_TO_BEGIN + 2 * left * BYTES_OF_A_MESSAGE // (KILLS - number)
        with Proxy(port, hold_after=random.randrange(BYTES_TO_BEGIN, most)) as proxy:
            url = vhost.amqp_url_through(proxy.port)
            process = attune_infra.start("dlq", "replay", DEAD, "--yes", "--amqp-url", url)
            cut += kill_once_held(process, proxy)

    found = attune_infra("dlq", "replay", DEAD, "--yes")

    assert found.code == ExitCode.DONE
    assert cut >= KILLS // 2, "hardly any run was cut"
    wait_for(channel, {DEAD: 0})
    for reason, ids in sent.items():
        assert Counter(bodies(channel, reason)) == Counter(ids), reason


def kill_once_held(process: subprocess.Popen[str], proxy: Proxy) -> bool:
    """Kill a process when the proxy forwards no more, or when it has ended; return True in the first case."""
    eventually(lambda: proxy.holds or process.poll() is not None, bool, within=60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def make_dead_letters(channel: amqp.Channel, vhost: VirtualHost, kind: str, share: int) -> dict[str, list[str]]:
    """Let so many messages die for each reason; return their bodies."""
    declare(channel, kind)
    sent = {reason: [f"{reason} {number}" for number in range(share)] for reason in REASONS}
    for reason, ids in sent.items():
        publish(channel, reason, ids)
        wait_for(channel, {reason: 0 if reason == "expired" else share})
    kill(channel, vhost)
    wait_for(channel, {DEAD: share * len(REASONS)})
    return sent


def wait_until_returned(channel: amqp.Channel, sent: dict[str, list[str]]) -> int:
    """Wait until what the killed command held is back; return the number of messages that are dead still."""
    total = sum(map(len, sent.values()))
    numbers = eventually(
        lambda: [count(channel, queue) for queue in (DEAD, *sent)], lambda found: sum(found) >= total, within=30
    )
    return numbers[0]
