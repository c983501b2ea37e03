"""The release of RabbitMQ that a question is about: typed, the broker's own, or the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker
    from attune_infra.topology.facts.releases import Version

BrokerVersion = Annotated[
    str | None,
    typer.Option(
        "--broker-version",
        metavar="RELEASE",
        help="RabbitMQ release to assume: 3.10, 3.13, 4.0 to 4.3; default: the broker's, or the newest.",
    ),
]


def read_release(text: str | None) -> Version | None:
    """Return the release that was typed, None if none was; raise `WrongUsage` if it is not a known one."""
    from attune_infra.topology.facts.compatibility import RELEASES
    from attune_infra.topology.facts.releases import version_of
    from attune_infra.topology.words import guess

    if text is None:
        return None
    version = version_of(text)
    if version not in RELEASES:
        names = [f"{major}.{minor}" for major, minor in RELEASES]
        known, likely = ", ".join(names), guess(text, names)
        raise WrongUsage(
            f"RabbitMQ {text} is not a known release{likely}", hint=f"--broker-version takes one of {known}"
        )
    return version


def release_of(broker: Broker, *, over_amqp: bool = False) -> Version:
    """Return the known release that stands for a broker's own, as the management API or AMQP tells it."""
    from attune_infra.topology.facts.compatibility import nearest_release
    from attune_infra.topology.facts.releases import version_of

    return nearest_release(version_of(broker.check_amqp() if over_amqp else broker.check_http()))
