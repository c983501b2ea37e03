"""attune-infra connections."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from attune_infra.background import run_in_background
from attune_infra.cli._app import App
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.errors import AttuneError
from attune_infra.settings import CONNECTION, Sources

if TYPE_CHECKING:
    from attune_infra.settings import NamedConnection
    from attune_infra.topology.target import Listed

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.CONFIG)
def connections(session: Session) -> None:
    """List the named connections of the configuration file, and say which of them answers.

    No password is asked for: a connection that needs one typed is listed as such.
    """
    from attune_infra.render.pages import connections as page
    from attune_infra.topology.target import Listing

    sources = Sources({}, os.environ, session.config)
    asked = [run_in_background(partial(_look, session, each)) for each in sources.connections()]
    session.finish("connections", page, Listing(sources.file, tuple(look() for look in asked)))


def _look(session: Session, connection: NamedConnection) -> Listed:
    """Return a connection with the answer of its broker, or the reason why there is none."""
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.topology.target import Listed

    listed = Listed(name=connection.name, protected=connection.protected, settings=None)
    chosen = replace(session, flags={CONNECTION: connection.name}, interactive=False)
    try:
        listed = replace(listed, settings=chosen.settings)
        with RabbitMQ(chosen.settings) as broker:
            target = broker.target()
        target.insist_on(chosen.settings.expected)
        return replace(listed, target=target)
    except AttuneError as error:
        return replace(listed, trouble=error.sentence)
