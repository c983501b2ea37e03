"""attune-infra worker register."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import Name
from attune_infra.cli.worker._registration import (
    Capabilities,
    Count,
    Host,
    NamePattern,
    NamesFile,
    Port,
    Type,
    names_of_many,
)

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.REGISTRY)
def register(
    session: Session,
    *,
    name: Name = None,
    count: Count = None,
    name_pattern: NamePattern = None,
    names_file: NamesFile = None,
    worker_type: Type = None,
    host: Host = None,
    port: Port = None,
    capability: Capabilities = None,
) -> None:
    """Insert a worker into the registry, or update the one of that name, and print its id.

    With --count or --names-file, insert many new workers in one transaction; if a name has a row, insert none.
    """
    from attune_infra.render.pages import register as page
    from attune_infra.render.pages import registered
    from attune_infra.worker.register import registration

    names = names_of_many(name, count, name_pattern, names_file)
    described = registration(name, worker_type, host, port, capability or ())
    confirm_target(session, has_plan=False)
    with session.registry() as registry:
        if names:
            session.finish("worker-register", registered, registry.register_new(names, described))
        session.finish("worker-register", page, registry.register(described))
