"""A server that has the comments of a pull request, as GitHub's API gives and takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Comments:
    """The comments of pull request 7 of the repository `team/topology`."""

    refusal: int | None = None
    """The status of every answer, if the token may not comment."""
    url: str = ""
    bodies: list[str] = field(default_factory=list)
    """The comments from the oldest to the newest; the id of each is its index."""
    tokens: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "team/topology"}

    def answer(self, method: str, target: str, content: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        if self.refusal:
            return self.refusal, {"message": "Resource not accessible by integration"}
        if url.path == "/repos/team/topology/issues/7/comments" and method == "GET":
            query = parse_qs(url.query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            found = list(enumerate(self.bodies))[size * (page - 1) : size * page]
            return 200, [{"id": index, "body": body} for index, body in found]
        if url.path == "/repos/team/topology/issues/7/comments" and method == "POST":
            self.bodies.append(content["body"])
            return 201, {}
        edited = re.fullmatch(r"/repos/team/topology/issues/comments/(\d+)", url.path)
        if edited and method == "PATCH":
            self.bodies[int(edited[1])] = content["body"]
            return 200, {}
        return 404, {"message": "Not Found"}


@contextmanager
def github(refusal: int | None = None) -> Iterator[Comments]:
    """Serve the comments of a pull request on a port of this machine."""
    comments = Comments(refusal)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            content = json.loads(self.rfile.read(length)) if length else None
            comments.tokens.add(self.headers["Authorization"])
            status, answer = comments.answer(self.command, self.path, content)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_POST = do_PATCH = do_GET  # noqa: N815 # the base class calls them so

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the same
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        comments.url = f"http://127.0.0.1:{server.server_port}"
        yield comments
        server.shutdown()
