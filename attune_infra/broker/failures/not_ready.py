"""Answers of a proxy in RabbitMQ's place, or of a broker that is starting or has too much to do, as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attune_infra.broker.failures.web_pages import page_in
from attune_infra.broker.hosts import current
from attune_infra.errors import BrokerUnreachable

if TYPE_CHECKING:
    import requests

    from attune_infra.broker.failures.retrying import Tried
    from attune_infra.settings import Settings

PROXY_BETWEEN: Final = "is a proxy in front of RabbitMQ in trouble? its log has the reason"
_TOO_MANY_REQUESTS: Final = 429


def with_tries(sentence: str, tried: Tried | None) -> str:
    """Return a sentence about an answer, with the number of tries if there were several."""
    return f"{sentence}; {tried}" if str(tried or "") else sentence


def not_ready(
    response: requests.Response, settings: Settings, tried: Tried | None, *, hint: str
) -> BrokerUnreachable:
    """Return the error for an answer that may be another one soon."""
    page = page_in(response)
    what = f"{current(settings.management).base_url} answered {response.status_code}"
    what += f" with {page}" if page else ""
    if response.status_code == _TOO_MANY_REQUESTS:
        return BrokerUnreachable(
            with_tries(f"{what}: it takes no more requests now", tried),
            hint="a proxy in front of RabbitMQ limits requests: run the command again later, or raise the limit",
        )
    remedy = f"{hint}; {PROXY_BETWEEN}" if page else hint
    return BrokerUnreachable(with_tries(f"{what}: the management API is not ready", tried), hint=remedy)
