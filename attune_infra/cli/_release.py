"""The release of RabbitMQ for which a question is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.topology.facts.releases import Version

BrokerVersion = Annotated[
    str | None,
    typer.Option(
        "--broker-version",
        metavar="RELEASE",
        help="For which RabbitMQ: 3.10, 3.13, 4.0 to 4.3; by default the newest, or that of the broker.",
    ),
]


def read_release(text: str | None) -> Version | None:
    """Return the release that was typed, None if none was; raise `WrongUsage` if nothing is known of it."""
    from attune_infra.topology.facts.compatibility import RELEASES
    from attune_infra.topology.facts.releases import version_of

    if text is None:
        return None
    version = version_of(text)
    if version not in RELEASES:
        known = ", ".join(f"{major}.{minor}" for major, minor in RELEASES)
        raise WrongUsage(f"nothing is known of RabbitMQ {text}", hint=f"--broker-version takes one of {known}")
    return version
