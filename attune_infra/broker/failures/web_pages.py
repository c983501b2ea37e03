"""Web pages in the place of JSON: proxies and gateways in front of RabbitMQ send them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import requests

_SEARCHED: Final = 1 << 16
"""Bytes at the beginning of a page that may hold its title."""
_MAX_TITLE: Final = 80
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def page_in(response: requests.Response) -> str | None:
    """Return words for the web page that an answer is, with its title; None if it is no web page."""
    beginning = response.content[:_SEARCHED].decode(errors="replace")
    says_so = bool(beginning) and "html" in response.headers.get("content-type", "")
    if not (says_so or beginning.lstrip().startswith("<")):
        return None
    from html import unescape

    found = _TITLE.search(beginning)
    title = _on_one_line(unescape(found[1])) if found else ""
    return f"a web page titled '{title}'" if title else "a web page"


def _on_one_line(text: str) -> str:
    words = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return words if len(words) <= _MAX_TITLE else f"{words[:_MAX_TITLE]}..."
