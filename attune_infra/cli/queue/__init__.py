"""attune-infra queue: the table of contents of its commands."""

from __future__ import annotations

from attune_infra.cli._app import App, contents

COMMANDS = {
    "peek": "Read messages of a queue without removing any.",
    "move": "Move messages to another queue, each confirmed there before it is removed here.",
    "copy": "Copy messages to another queue; the first queue keeps them.",
    "load": "Publish the messages of a file, as `queue peek --save` writes them. Exit code 3 if some fail.",
    "purge": "Delete the ready messages of queues, after asking.",
}

app = App(cls=contents(__name__, COMMANDS))


@app.callback()
def _queue() -> None:
    pass
