"""A migration of a stream that is cut behind its last message, when the stream is still there to be read again."""

from __future__ import annotations

from collections.abc import Iterator

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations import migrate as module
from attune_infra.operations.migrate import Manner, Migrator
from attune_infra.topology.facts.between import PREFIX
from attune_infra.topology.model import Queue
from support.traffic import publish_many

COUNT = 50
WANTED = Queue(name="renamed", type="quorum")


class _CutError(Exception):
    """The end of the program, at one moment."""


@pytest.fixture
def stream(broker: RabbitMQ, channel: amqp.Channel) -> Iterator[str]:
    channel.queue_declare("s", durable=True, auto_delete=False, arguments={"x-queue-type": "stream"})
    publish_many(channel, "", "s", 0, COUNT)
    yield "s"
    assert not [name for name in broker.read().queues if name.startswith(PREFIX)]


def run(broker: RabbitMQ) -> None:
    manner = Manner(consumers=module.Consumers.CANCEL)
    with Migrator(broker, manner, tell=lambda _: None, watch=lambda _: None) as migrator:
        migrator.migrate("s", WANTED)


@pytest.mark.parametrize("is_deleted", [False, True], ids=["before the stream", "before its ledger"])
def test_a_stream_is_not_read_again_if_the_program_ends_before_all_is_deleted(
    *, broker: RabbitMQ, channel: amqp.Channel, stream: str, monkeypatch: pytest.MonkeyPatch, is_deleted: bool
) -> None:
    delete_empty = Migrator._delete_empty

    def cut(self: Migrator, queue: Queue) -> None:
        if is_deleted:
            delete_empty(self, queue)
        raise _CutError

    with monkeypatch.context() as patched:
        patched.setattr(Migrator, "_delete_empty", cut)
        with pytest.raises(_CutError):
            run(broker)
    assert (stream in broker.read().queues) is not is_deleted

    run(broker)

    assert stream not in broker.read().queues
    assert channel.queue_declare("renamed", passive=True).message_count == COUNT
