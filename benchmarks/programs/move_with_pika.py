"""Move messages from one queue to another with pika: each is confirmed before it is acknowledged.

Usage: move_with_pika.py FROM TO COUNT AMQP_URL
"""

from __future__ import annotations

import sys

import pika

source, to, count, url = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.basic_qos(prefetch_count=1000)
left = int(count)
for method, properties, body in channel.consume(source):
    channel.basic_publish("", to, body, properties, mandatory=True)  # waits for the confirm
    channel.basic_ack(method.delivery_tag)
    left -= 1
    if not left:
        break
connection.close()
