"""The members of quorum queues and streams: copies on several nodes, of which a majority must be online."""

from __future__ import annotations

from attune_infra.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The nodes that hold a copy of a queue, those that are online, and the one that leads; empty for none."""

    nodes: tuple[str, ...]
    online: tuple[str, ...]
    leader: str

    @property
    def has_majority(self) -> bool:
        """True if the queue works: a majority is online, and one of it leads."""
        return 2 * len(self.online) > len(self.nodes) and self.leader in self.online

    @property
    def survives_a_loss(self) -> bool:
        """True if the queue still works when one more of its nodes is lost."""
        return 2 * (len(self.online) - 1) > len(self.nodes)

    def __str__(self) -> str:
        led = f"led by {self.leader}" if self.leader in self.online else "without a leader"
        offline = sorted(set(self.nodes) - set(self.online))
        missing = f", not online: {', '.join(offline)}" if offline else ""
        return f"{len(self.online)} of {len(self.nodes)} members are online, {led}{missing}"
