"""attune-infra dlq list."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.dlq._options import DEFAULT_LOOK, Look

app = App()


@app.command("list")
@shared(Uses.DISPLAY | Uses.BROKER)
def list_(session: Session, *, look: Look = DEFAULT_LOOK) -> None:
    """List the dead letter queues, and their messages by reason, queue and exchange.

    These are of the first death of each message. Messages are read for that, and stay in their queues. A queue
    that RabbitMQ cannot show unchanged is not read.
    """
    from attune_infra.operations.dead_letters import list_dead_letters
    from attune_infra.render.pages import dlq_list as page

    with session.broker() as broker, progress("reading queues") as on_progress:
        session.finish("dlq-list", page, list_dead_letters(broker, look=look, on_progress=on_progress))
