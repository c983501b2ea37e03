"""The sandboxes that there are, and the environment that leads to one."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import assert_never

from attune_infra.interfaces import SandboxState, SandboxStates, SandboxVariables
from attune_infra.render.data import Data
from attune_infra.render.text import Line


def lines(shown: SandboxStates | SandboxVariables) -> Iterator[Line]:
    match shown:
        case SandboxStates():
            yield from _state_lines(shown)
        case SandboxVariables():
            yield from (Line(f"export {name}={quote(text)}") for name, text in sorted(shown.variables.items()))
        case _:
            assert_never(shown)


def data(shown: SandboxStates | SandboxVariables) -> Data:
    match shown:
        case SandboxStates():
            return {"sandboxes": [_state_data(state) for state in shown.sandboxes]}
        case SandboxVariables():
            return {"variables": dict(shown.variables)}
        case _:
            assert_never(shown)


def _state_lines(states: SandboxStates) -> Iterator[Line]:
    if not states.sandboxes:
        yield Line("no sandbox is running")
    for sandbox in states.sandboxes:
        yield Line(f"sandbox {sandbox.name}: {sandbox.status}", "" if sandbox.status == "running" else "red")
        for server in sandbox.servers:
            ports = ", ".join(f"{name} {port}" for name, port in sorted(server.ports.items()))
            how = f"process {server.pid}" if server.ended is None else f"{server.ended}; see {server.log}"
            yield Line(f"  {server.title} {server.version}: {how}; ports: {ports}")


def _state_data(state: SandboxState) -> Data:
    servers = [
        {
            "title": server.title,
            "version": server.version,
            "pid": server.pid,
            "ended": server.ended,
            "ports": dict(server.ports),
            "log": str(server.log),
        }
        for server in state.servers
    ]
    return {"name": state.name, "status": state.status, "servers": servers}
