"""Empty a queue over AMQP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import amqp

from attune_infra.broker.failures import faults
from attune_infra.broker.failures.permissions import read_hint
from attune_infra.broker.failures.refusal import Code, refusal_of
from attune_infra.errors import AccessRefused, BrokerUnreachable, InUse, QueueUnavailable, RequestRefused
from attune_infra.journal import JOURNAL

if TYPE_CHECKING:
    from attune_infra.broker.amqp.connection import Amqp


def purge(connection: Amqp, queue: str) -> int:
    """Delete the ready messages of a queue, and return their number; raise `BrokerError` if it is refused.

    RabbitMQ answers 540 for a stream, and closes the connection.
    """
    channel = connection.open_channel()
    try:
        count = channel.queue_purge(queue)
        channel.close()
    except amqp.ChannelError as error:
        refusal = refusal_of(error)
        match refusal.code:
            case Code.FORBIDDEN:
                raise AccessRefused(refusal.text, hint=read_hint(queue, connection.settings)) from error
            case Code.LOCKED:
                raise InUse(refusal.text) from error
            case Code.UNAVAILABLE:
                raise QueueUnavailable(refusal.text) from error
        raise RequestRefused(refusal.text) from error
    except TimeoutError as error:
        connection.forget()
        if found := faults.unanswered(error, connection.settings):
            raise found from error
        seconds = connection.settings.timeout
        raise BrokerUnreachable(
            f"no answer within {seconds:g} s; RabbitMQ may empty it nevertheless",
            hint="a queue with many messages may need longer: --timeout 60 waits for it",
        ) from error
    except (amqp.AMQPError, OSError) as error:
        connection.forget()
        raise faults.from_amqp_connect(error, connection.settings) from error
    JOURNAL.note("emptied", "queue", queue)
    return int(count)
