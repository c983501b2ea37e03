"""A private RabbitMQ and PostgreSQL on free loopback ports, for experiments and for tests.

    with bound() as sandbox:            # ends with the block, or with this process, even if it is killed
        sandbox.amqp_url, sandbox.management_url, sandbox.database_url

    sandbox = up("demo")                # runs until down("demo"); a second up("demo") returns the same one
    find("demo"), running()             # the present state: running servers, crashed servers
    down("demo")

A sandbox does not read or touch the machine's own broker and database, and no process outlives its sandbox.
"""

from attune_infra.sandbox.client import BoundSandbox, bound, down, find, running, up
from attune_infra.sandbox.value import Sandbox, Sandboxes, Status, Variables

__all__ = ["BoundSandbox", "Sandbox", "Sandboxes", "Status", "Variables", "bound", "down", "find", "running", "up"]
