"""A graph with places as one HTML page without requests: search, pan, zoom, and the details of each node."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from attune_infra.render.graph.data import graph_data
from attune_infra.render.graph.layout import Layout
from attune_infra.render.graph.svg import svg
from attune_infra.render.words import visible


def html(layout: Layout) -> str:
    """Return the text of a page; any character of a name stands for itself.

    The page forbids the browser every script but its own, and every request.
    """
    folder = files(__package__) / "viewer"
    script = (folder / "viewer.js").read_text(encoding="utf-8")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    parts = {
        "title": escape(visible(layout.graph.name or "topology")),
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        "style": (folder / "viewer.css").read_text(encoding="utf-8"),
        "picture": svg(layout),
        "data": _data(layout),
        "script": script,
    }
    head, *pieces = (folder / "viewer.html").read_text(encoding="utf-8").split("{{")
    return head + "".join(parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces))


def _data(layout: Layout) -> str:
    """Return the nodes and edges as JSON that cannot end the element that holds it."""
    ids = [node.id for node in layout.graph.nodes]
    text = json.dumps({**graph_data(layout.graph), "ids": ids}, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
