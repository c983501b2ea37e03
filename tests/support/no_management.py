"""The command on a broker whose management API does not answer, and its results."""

from __future__ import annotations

from attune_infra.settings import MANAGEMENT_URL
from support.as_a_user import Command, Result
from support.servers import closed_port


def without_management(command: Command) -> Command:
    """Return the command with the URL of a management API that nothing listens for."""
    return Command({**command.environment, MANAGEMENT_URL.variable: f"http://127.0.0.1:{closed_port()}"})


def statuses(result: Result) -> dict[str, str]:
    """Return the status of each exchange, queue and policy, and that of the binding to a queue."""
    found = result.json["objects" if "objects" in result.json else "forecast"]
    return {each.get("name") or f"-> {each['destination']}": each["status"] for each in found}
