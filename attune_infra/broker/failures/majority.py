"""The metadata store of a cluster that has lost the majority of its nodes.

Khepri, RabbitMQ's metadata store since 4.0 (where it is a choice) and its only one since 4.3, changes nothing
without a majority of all nodes. Lists are still answered, from the copy of the node that is asked. A change waits
for half a minute, over AMQP and HTTP, and ends in words about a timeout. So silence has to be explained: here.
"""

from __future__ import annotations

from dataclasses import replace
from threading import local
from typing import TYPE_CHECKING, Final

from attune_infra.errors import AttuneError, NoMajority
from attune_infra.topology.facts.releases import FIRST_WITH_KHEPRI, FIRST_WITH_KHEPRI_ONLY, version_of

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.settings import Settings

_SECONDS: Final = 2.0
"""Time for the answers about the nodes; a node without a majority gives them at once."""
_FLAG: Final = "khepri_db"
_WORDS: Final = ("timed out", "due to timeout", "due to a timeout", "timeout waiting")
HINT: Final = (
    "start the nodes that are down, and run the same command again; RabbitMQ may carry out later what it did not"
    " answer"
)

_asking = local()


def is_about_time(words: str) -> bool:
    """Return True for the words of RabbitMQ about a change that its metadata store did not carry out in time."""
    return any(each in words.lower() for each in _WORDS)


def without_majority(settings: Settings) -> NoMajority | None:
    """Return the error for a cluster that lost its majority; None if it did not, or if this user may not know.

    The management API is asked which nodes run. That takes two seconds at most for each of three questions.
    """
    if getattr(_asking, "now", False):  # these questions have failed themselves
        return None
    _asking.now = True
    try:
        return _ask(replace(settings, timeout=min(settings.timeout, _SECONDS)))
    except AttuneError:
        return None
    finally:
        _asking.now = False


def _ask(settings: Settings) -> NoMajority | None:
    from attune_infra.broker import answers
    from attune_infra.broker.http.management import Management

    http = Management(settings)
    try:
        version = version_of(http.overview().version)
        if version < FIRST_WITH_KHEPRI:
            return None
        nodes = {each["name"]: each["running"] for each in http.get("nodes", shape=answers.NODES)}
        if 2 * sum(nodes.values()) > len(nodes):
            return None
        if version < FIRST_WITH_KHEPRI_ONLY and not _uses_khepri(http):
            return None
    finally:
        http.close()
    down = ", ".join(sorted(name for name, running in nodes.items() if not running))
    return NoMajority(
        f"{sum(nodes.values())} of {len(nodes)} nodes of the cluster runs, which is no majority: RabbitMQ's"
        f" metadata store changes nothing, and quorum queues take no message; down: {down}",
        hint=HINT,
    )


def _uses_khepri(http: Management) -> bool:
    from attune_infra.broker import answers

    flags = http.get("feature-flags", shape=answers.FEATURE_FLAGS)
    return any(flag["name"] == _FLAG and flag["state"] == "enabled" for flag in flags)
