"""attune-infra dlq list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attune_infra.cli._app import App
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.dlq._options import DEFAULT_LOOK, Look

if TYPE_CHECKING:
    from attune_infra.messages.dead_letters import DeadLetterQueues

app = App()


@app.command("list")
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACES)
def list_(session: Session, *, look: Look = DEFAULT_LOOK) -> None:
    """List the dead letter queues, and their messages by reason, queue and exchange.

    These are of the first death of each message. Messages are read for that, and stay in their queues. A queue
    that RabbitMQ cannot show unchanged is not read.
    """
    from attune_infra.cli._each import finish_one_or_each
    from attune_infra.render.pages import dlq_list as page

    finish_one_or_each(session, "dlq-list", page, partial(_list, look=look), live=True)


def _list(session: Session, *, look: int) -> DeadLetterQueues:
    from attune_infra.operations.dead_letters import list_dead_letters

    with session.broker() as broker, progress("reading queues") as on_progress:
        return list_dead_letters(broker, look=look, on_progress=on_progress)
