"""Requests that are sent again, because a proxy or a broker that is not ready answered in RabbitMQ's place.

Only requests that change nothing more when they come twice are: GET, PUT and DELETE.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Final, NamedTuple

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from attune_infra import deadline

MAX_REPEATS: Final = 3
_FIRST_PAUSE: Final = 0.2
_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_METHODS: Final = frozenset({"GET", "PUT", "DELETE"})


class Tried(NamedTuple):
    """The tries of one request."""

    times: int = 1
    seconds: float = 0.0
    retry_after: float | None = None
    """Seconds to wait that the last answer asked for, if no such time was left."""

    def __str__(self) -> str:
        """Return words for all but a single try."""
        words = f"asked {self.times} times in {self.seconds:.1f} s" if self.times > 1 else ""
        if self.retry_after is None:
            return words
        asks = f"it asks to wait for {self.retry_after:.0f} s, which is longer than the time left"
        return f"{words}; {asks}" if words else asks


def send_patiently(
    method: str,
    send: Callable[[], requests.Response],
    *,
    seconds: float,
    is_final: Callable[[requests.Response], bool],
) -> tuple[requests.Response, Tried]:
    """Send a request, up to three times again while the answer may be another one soon; return the last answer.

    The pauses grow and differ from run to run, unless the answer says how long to wait. None goes beyond the
    `seconds` for all tries.
    """
    began, times = time.monotonic(), 0
    while True:
        response, times = send(), times + 1
        tried = Tried(times, time.monotonic() - began)
        may_pass = method in _METHODS and response.status_code in _STATUSES
        if not may_pass or times > MAX_REPEATS or is_final(response):
            return response, tried
        asked_for = _retry_after(response)
        pause = uniform(0.5, 1) * _FIRST_PAUSE * 2**times if asked_for is None else asked_for  # noqa: S311
        if pause >= min(began + seconds - time.monotonic(), deadline.left()):
            return response, tried._replace(retry_after=asked_for)
        time.sleep(pause)


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that an answer asks to wait for, from a number or a date; None if it asks for nothing.

    A date is by the clock of the answer's own date.
    """
    try:
        wanted = response.headers["retry-after"]
        if "date" in response.headers and not wanted.strip().isdigit():
            until, now = map(parsedate_to_datetime, (wanted, response.headers["date"]))
            return max((until - now).total_seconds(), 0.0)
        return Retry().parse_retry_after(wanted)
    except (KeyError, InvalidHeader, OverflowError, TypeError, ValueError):
        return None
