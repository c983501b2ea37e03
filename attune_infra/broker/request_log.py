"""Log lines for each HTTP request and each AMQP method, for `-vv`. They hold names of objects, never secrets.

An HTTP request is logged with its path, without its body. Of an AMQP method, only names of exchanges and queues
and routing keys are logged, since `Connection.StartOk` holds the password, and messages belong to others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import requests

LOG: Final = logging.getLogger("attune_infra.broker")

_Signature: TypeAlias = "tuple[int, int]"
_Writer: TypeAlias = "Callable[[int, int, _Signature, Any, Any], None]"

_NAMES: Final[dict[str, str]] = {
    "Exchange.Declare": "Bs",
    "Exchange.Delete": "Bs",
    "Exchange.Bind": "Bsss",
    "Exchange.Unbind": "Bsss",
    "Queue.Declare": "Bs",
    "Queue.Delete": "Bs",
    "Queue.Bind": "Bsss",
    "Queue.Unbind": "Bsss",
    "Basic.Publish": "Bss",
    "Basic.Consume": "Bss",
}
"""The formats of the names at the beginning of a method, behind a reserved number."""


def is_on() -> bool:
    """Return True if requests are to be logged."""
    return LOG.isEnabledFor(logging.DEBUG)


@contextmanager
def timed_request(method: str, url: str) -> Iterator[Callable[[requests.Response], None]]:
    """Log one HTTP request, with its status and its time; yield the function that takes the response."""
    began, answer = time.monotonic(), "no answer"

    def note(response: requests.Response) -> None:
        nonlocal answer, url
        answer, url = str(response.status_code), response.url

    try:
        yield note
    finally:
        LOG.debug("HTTP  %s %s: %s, %.1f ms", method, url, answer, (time.monotonic() - began) * 1000)


def logged_writer(write: _Writer) -> _Writer:
    """Return a frame writer of py-amqp that logs each method before it is sent."""

    def log_and_write(kind: int, channel: int, signature: _Signature, args: Any, content: Any) -> None:
        name = _method(signature)
        LOG.debug("AMQP  > channel %d %s%s", channel, name, _names_in(name, args))
        write(kind, channel, signature, args, content)

    return log_and_write


def log_inbound(channel: int, signature: _Signature) -> None:
    """Log a method that the broker sent."""
    LOG.debug("AMQP  < channel %d %s", channel, _method(signature))


def _method(signature: _Signature) -> str:
    """Return the name of a method as the protocol has it, such as `Queue.DeclareOk`."""
    from amqp import spec

    for class_name in ("Connection", "Channel", "Exchange", "Queue", "Basic", "Confirm", "Tx"):
        for name, value in vars(getattr(spec, class_name)).items():
            if value == signature and isinstance(value, tuple):
                return f"{class_name}.{name}"
    return f"method {signature}"


def _names_in(method: str, args: Any) -> str:
    if method not in _NAMES:
        return ""
    from amqp.serialization import loads

    (_, *names), _ = loads(_NAMES[method], args, 0)
    return "".join(f" '{name}'" for name in names)
