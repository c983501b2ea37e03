"""attune-infra worker: the table of contents of its commands."""

from __future__ import annotations

from attune_infra.cli._app import App, contents

COMMANDS = {
    "list": "Show each worker in the registry and on the broker, side by side, with a verdict.",
    "verify": "Check that registry and broker agree, and that each worker is healthy. Exit code 2 if not.",
    "watch": "Show all workers live, on the whole terminal: the view of `watch`, with the workers first.",
    "register": "Insert a worker into the registry, or update the one of that name, and print its id.",
    "provision": "Declare each worker's queue as the worker itself does, bind it, and verify both.",
    "enlist": "Register and provision a worker in one step. If the broker refuses, nothing is registered.",
    "deregister": "Set workers inactive. Their rows and queues stay; `worker prune` deletes the queues.",
    "deprovision": "Delete the queues of workers, if they are empty and unused, after asking. The registry stays.",
    "prune": "Delete the queues of workers that are gone, and foreign bindings of workers' queues, after asking.",
    "run": "Run a worker: register, consume, and pass each message to a command, until SIGTERM.",
    "dispatch": "Send a message to a worker, as a scheduler does. Exit code 2 if no queue is bound for it.",
}

app = App(cls=contents(__name__, COMMANDS))


@app.callback()
def _worker() -> None:
    pass
