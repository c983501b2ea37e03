"""Make a shovel that moves what a queue holds, and wait until it has removed itself.

Usage: move_with_shovel.py FROM TO VIRTUAL_HOST AMQP_URI MANAGEMENT_URL
"""

from __future__ import annotations

import base64
import json
import sys
import time
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

PAUSE = 0.2
source, to, virtual_host, uri, management = sys.argv[1:]
connection = HTTPConnection(urlsplit(management).netloc)
path = f"/api/parameters/shovel/{quote(virtual_host, safe='')}/moving"
headers = {
    "Authorization": "Basic " + base64.b64encode(b"guest:guest").decode(),
    "Content-Type": "application/json",
}


def request(method: str, body: str | None = None) -> int:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    response.read()
    return response.status


value = {
    "src-protocol": "amqp091",
    "src-uri": uri,
    "src-queue": source,
    "src-delete-after": "queue-length",
    "dest-protocol": "amqp091",
    "dest-uri": uri,
    "dest-queue": to,
    "ack-mode": "on-confirm",
}
if request("PUT", json.dumps({"value": value})) != 201:
    sys.exit("error: the broker refused the shovel")
while request("GET") == 200:
    time.sleep(PAUSE)
