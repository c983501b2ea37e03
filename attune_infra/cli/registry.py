"""attune-infra registry init."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._options import shared
from attune_infra.cli._session import Session

app = App()


@app.callback()
def _registry() -> None:
    pass


@app.command()
@shared
def init(session: Session) -> None:
    """Make the table `worker` where there is none; one that exists, of either form, is left as it is."""
    with session.registry() as registry:
        session.finish("registry-init", registry.create())
