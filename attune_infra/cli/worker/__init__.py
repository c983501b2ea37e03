"""attune-infra worker: the table of contents of its commands."""

from __future__ import annotations

from attune_infra.cli._app import App, contents

COMMANDS = {
    "list": "Show each worker as the registry and the broker know it, side by side, with a verdict.",
    "verify": "Check that registry and broker agree about workers, and that each is well. Exit code 2 if not.",
    "watch": "Show all workers live, on the whole terminal.",
    "register": "Write a worker into the registry, or renew the one of that name, and print its id.",
    "provision": "Declare each worker's queue as the worker itself does, bind it, and read both back.",
    "enlist": "Register and provision a worker in one step: if the broker refuses, the registration is undone.",
    "deregister": "Set workers inactive. Their rows stay, and so do their queues: `worker prune` removes those.",
    "deprovision": "Delete the queues of workers, if they are empty and unused. The registry is left as it is.",
    "prune": "Delete the queues of workers that are gone, and unbind what is not a worker's own, after asking.",
    "run": "Be a worker: register, consume, hand each message to a command, until SIGTERM.",
    "dispatch": "Send a worker a message, as a scheduler does. Exit code 2 if no queue is bound for it.",
}
_FILES = {
    "list": "fleet",
    "verify": "fleet",
    "register": "life",
    "enlist": "life",
    "deregister": "life",
    "deprovision": "remove",
    "prune": "remove",
}

app = App(cls=contents(__name__, COMMANDS, _FILES))


@app.callback()
def _worker() -> None:
    pass
