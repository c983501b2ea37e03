"""Connections that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerError
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Setting, resolve


def fail_to_connect(
    url: str, *, timeout: float = 5.0, files: dict[Setting, Path] | None = None, way: str = ""
) -> tuple[type[BrokerError], str, str | None]:
    """Connect to a URL; return the kind of the error, its sentence after the address and the way, and its hint."""
    is_amqp = url.startswith("amqp")
    flags = {file: str(path) for file, path in (files or {}).items()}
    settings = resolve({AMQP_URL if is_amqp else MANAGEMENT_URL: url} | flags, {}, timeout=timeout)
    beginning = (
        f"cannot open an AMQP connection to {settings.amqp.netloc}{way}: "
        if is_amqp
        else f"cannot reach the management API at {settings.management.base_url}{way}: "
    )
    with RabbitMQ(settings) as broker:
        connect = broker.check_amqp if is_amqp else broker.check_http
        with pytest.raises(BrokerError) as caught:
            connect()
    assert caught.value.sentence.startswith(beginning)
    return type(caught.value), caught.value.sentence.removeprefix(beginning), caught.value.hint
