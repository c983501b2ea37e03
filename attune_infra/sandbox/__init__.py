"""A private RabbitMQ and PostgreSQL on free loopback ports, for trying things out and for tests.

    with bound() as sandbox:            # ends with the block, and with this process however it ends
        sandbox.amqp_url, sandbox.management_url, sandbox.database_url

    sandbox = up("demo")                # lives until down("demo"); the second caller finds the first one's
    find("demo"), running()             # look again: what is up, what crashed
    down("demo")

Nothing of the machine's own broker or database is read or touched, and no process outlives its sandbox.
"""

from attune_infra.sandbox.client import BoundSandbox, bound, down, find, running, up
from attune_infra.sandbox.value import Sandbox, Sandboxes, Status, Variables

__all__ = ["BoundSandbox", "Sandbox", "Sandboxes", "Status", "Variables", "bound", "down", "find", "running", "up"]
