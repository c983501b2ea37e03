"""attune-infra worker: the table of contents of its commands."""

from __future__ import annotations

import typer

from attune_infra.cli.worker import dispatch, fleet, life, remove, run, watch

app = typer.Typer(help="Register workers, give each its queue, and see how they are.", no_args_is_help=True)
app.command("list")(fleet.list_)
app.command("verify")(fleet.verify)
app.command("watch")(watch.watch)
app.command("register")(life.register)
app.command("provision")(life.provision)
app.command("enlist")(life.enlist)
app.command("deregister")(life.deregister)
app.command("deprovision")(remove.deprovision)
app.command("prune")(remove.prune)
app.command("run")(run.run)
app.command("dispatch")(dispatch.dispatch)
