"""Declare a document's objects with pika, one after another, or only check that they exist.

Usage: with_pika.py make|check DOCUMENT AMQP_URL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pika

action, document, url = sys.argv[1:]
passive = action == "check"
objects = json.loads(Path(document).read_text(encoding="utf-8"))
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
for exchange in objects["exchanges"]:
    channel.exchange_declare(exchange["name"], exchange["type"], passive=passive, durable=exchange["durable"])
for queue in objects["queues"]:
    channel.queue_declare(
        queue["name"],
        passive=passive,
        durable=queue["durable"],
        auto_delete=queue["auto_delete"],
        arguments=queue["arguments"],
    )
if not passive:  # AMQP has no way to ask for a binding
    for binding in objects["bindings"]:
        channel.queue_bind(binding["destination"], binding["source"], binding["routing_key"])
connection.close()
