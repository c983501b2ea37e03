"""A message sent to one worker."""

from __future__ import annotations

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A message published for a worker; `routed` if it reached a queue."""

    worker_id: int
    exchange: str
    routing_key: str
    message_id: str
    routed: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.routed else ExitCode.DRIFT
