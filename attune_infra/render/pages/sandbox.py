"""The sandboxes of a user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.interfaces import SandboxState, SandboxStates
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.machines import SandboxData, SandboxesData, ServerData


def lines(states: SandboxStates) -> Iterator[Line]:
    if not states.sandboxes:
        yield Line("no sandbox is running")
    for sandbox in states.sandboxes:
        yield Line(f"sandbox {sandbox.name}: {sandbox.status}", "" if sandbox.status == "running" else "red")
        for server in sandbox.servers:
            ports = ", ".join(f"{name} {port}" for name, port in sorted(server.ports.items()))
            how = f"process {server.pid}" if server.ended is None else f"{server.ended}; see {server.log}"
            node = f"; node: {server.node}" if server.node else ""
            yield Line(f"  {server.title} {server.version}: {how}; ports: {ports}{node}")


def data(states: SandboxStates) -> SandboxesData:
    return {"sandboxes": [_state_data(state) for state in states.sandboxes]}


def _state_data(state: SandboxState) -> SandboxData:
    servers: list[ServerData] = [
        {
            "title": server.title,
            "version": server.version,
            "pid": server.pid,
            "ended": server.ended,
            "ports": dict(server.ports),
            "log": str(server.log),
            "node": server.node,
        }
        for server in state.servers
    ]
    return {"name": state.name, "status": state.status, "servers": servers}
