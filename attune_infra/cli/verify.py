"""attune-infra verify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import Workers, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker
    from attune_infra.topology.model import Topology
    from attune_infra.topology.verify import Verification

app = App()

_RequireConsumers = Annotated[
    bool, typer.Option("--require-consumers", help="A worker without its consumer is drift, not a warning.")
]
_Strict = Annotated[bool, typer.Option("--strict", help="Objects that nobody declared are drift, not a warning.")]
_Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Prove each route by a real message, in a virtual host made for it and removed; administrators only.",
    ),
]


@app.command()
@shared
def verify(
    session: Session,
    *,
    worker: Workers = None,
    require_consumers: _RequireConsumers = False,
    strict: _Strict = False,
    probe: _Probe = False,
) -> None:
    """Check that all is as wanted. Exit code 2 if it is not, 1 if that could not be found out."""
    from attune_infra.operations.verify import verify
    from attune_infra.topology.verify import Demands

    demands = Demands(worker_ids=read_worker_ids(worker or []), require_consumers=require_consumers, strict=strict)
    want = session.topology
    with session.broker() as broker:
        found = verify(broker, want, demands)
        if probe:
            found = _with_probe(found, broker, want)
        session.finish("verify", found, found.exit_code)


def _with_probe(found: Verification, broker: Broker, want: Topology) -> Verification:
    from attune_infra.cli._signals import ending_tidily
    from attune_infra.operations.probe import probe

    with ending_tidily():
        return replace(found, checks=(*found.checks, *probe(broker, want)))
