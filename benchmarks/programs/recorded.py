"""Answer with recorded lists for some paths of the management API, and with a broker's answers for all others.

The folder has the answers; `index.json` names the file of each path. The first line of standard output is the
port. It is a process of its own, so its work is none of the process that is measured.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit


class Recorded(BaseHTTPRequestHandler):
    """Answers a GET; every other request is refused, so nothing is changed."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, bytes]] = {}
    broker: ClassVar[str] = ""

    def do_GET(self) -> None:
        body = self.answers.get(self.path.partition("?")[0])
        status, body = self._forward() if body is None else (200, body)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _forward(self) -> tuple[int, bytes]:
        connection = HTTPConnection(self.broker)
        try:
            connection.request("GET", self.path, headers={"authorization": self.headers["authorization"]})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    Recorded.answers = {path: (folder / name).read_bytes() for path, name in index.items()}
    Recorded.broker = urlsplit(url).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
