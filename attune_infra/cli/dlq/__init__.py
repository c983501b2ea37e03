"""attune-infra dlq: the table of contents of its commands."""

from __future__ import annotations

from attune_infra.cli._app import App, contents

COMMANDS = {
    "list": "List the dead letter queues, and their messages by reason, queue and exchange.",
    "show": "Show messages of a dead letter queue, each with all of its deaths in words. They stay in the queue.",
    "replay": "Send messages of a dead letter queue back to where they came from, each once, after asking.",
}

app = App(cls=contents(__name__, COMMANDS))


@app.callback()
def _dlq() -> None:
    pass
