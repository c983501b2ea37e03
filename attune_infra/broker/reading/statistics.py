"""Read the statistics of queues over HTTP, page by page.

RabbitMQ searches its statistics for each queue in an answer, so a list of 10,000 queues takes it 7 seconds, and
more on a busy machine. A page of 500 takes it 0.4 seconds, so no time limit cuts it short. A page is sorted by
name. If the request demands that order, RabbitMQ 3.10 searches the statistics of all queues first, for each page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from attune_infra.broker import answers, wire
from attune_infra.errors import RequestRefused
from attune_infra.fleet.queues import Numbers

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.broker.shapes import Shape
    from attune_infra.fleet.model import Depth

_PAGE_SIZE: Final = 500
"""RabbitMQ refuses larger pages."""
_COLUMNS: Final = (
    "name,type,node,leader,consumers,messages_ready,messages_unacknowledged,idle_since,"
    "message_stats.publish_details.rate,message_stats.deliver_get_details.rate"
)


def read_numbers(http: Management, vhost: str, on_progress: Callable[[int, int], None]) -> dict[str, Numbers]:
    """Return the numbers of each queue; call `on_progress` with the numbers of queues read, and of all."""
    # its clock, from now on by the one of this machine that nobody can set
    ahead = time.time() + (http.clock_ahead() or 0.0) - time.monotonic()
    found: dict[str, Numbers] = {}
    page, pages = 1, 1
    while page <= pages:
        try:
            answer = _page(http, vhost, page, {"columns": _COLUMNS}, shape=answers.PAGE_OF_QUEUES)
        except RequestRefused:
            if page == 1:
                raise
            break  # queues were deleted meanwhile, and this page is behind the last one
        depths, now = _depths(http, vhost, page, answer["items"]), time.monotonic() + ahead
        found.update((item["name"], _numbers(item, depths, now)) for item in answer["items"])
        on_progress(len(found), answer["filtered_count"])
        page, pages = page + 1, answer["page_count"]
    return found


def _page(http: Management, vhost: str, page: int, query: Mapping[str, str], *, shape: Shape) -> Mapping[str, Any]:
    query = {"page": str(page), "page_size": str(_PAGE_SIZE), **query}
    answer: Mapping[str, Any] = http.get("queues", vhost, shape=shape, **query)
    return answer


def _depths(http: Management, vhost: str, page: int, items: Iterable[Mapping[str, Any]]) -> Mapping[str, Depth]:
    """Return the numbers of messages in the queues of a page.

    A new queue has no statistics for up to 5 seconds, and none has any if they are turned off. RabbitMQ counts the
    messages of such queues if it is asked for nothing else.
    """
    depths = wire.depths_from(items)
    if all(item["name"] in depths for item in items):
        return depths
    totals = _page(http, vhost, page, wire.TOTALS, shape=answers.TOTALS_FOUND)
    return wire.depths_from(totals["items"]) | depths


def _numbers(item: Mapping[str, Any], depths: Mapping[str, Depth], now: float) -> Numbers:
    has_statistics = "consumers" in item
    rates = item.get("message_stats") or {}
    since = item.get("idle_since")
    return Numbers(
        depth=depths.get(item["name"]),
        consumers=item.get("consumers"),
        rate_in=_rate(rates, "publish_details") if has_statistics else None,
        rate_out=_rate(rates, "deliver_get_details") if has_statistics else None,
        idle=_idle(since, now, known=has_statistics and item.get("type") == "classic"),
        idle_since=since,
        node=item.get("node") or item.get("leader"),
    )


def _rate(rates: Mapping[str, Any], name: str) -> float:
    """Return a rate; RabbitMQ leaves out that of a queue without such messages yet."""
    return float(dict(rates.get(name, ())).get("rate", 0.0))


def _idle(since: str | None, now: float, *, known: bool) -> float | None:
    """Return the seconds since a queue was used; RabbitMQ names no time for one in use, nor for other types."""
    if since is None:
        return 0.0 if known else None
    told = datetime.fromisoformat(since)
    return max(now - (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp(), 0.0)
