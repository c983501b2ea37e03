"""attune-infra registry init."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared

app = App()


@app.callback()
def _registry() -> None:
    pass


@app.command()
@shared(Uses.DISPLAY | Uses.REGISTRY)
def init(session: Session) -> None:
    """Create the table `worker`. An existing table, of either form, stays unchanged."""
    from attune_infra.render.pages import registry as page

    confirm_target(session, has_plan=False)
    with session.registry() as registry:
        session.finish("registry-init", page, registry.create())
