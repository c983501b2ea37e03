"""Plugins that come with RabbitMQ, enabled on a broker that runs."""

from __future__ import annotations

from pathlib import Path

from attune_infra.sandbox import Sandbox

EXCHANGE_PLUGINS = (
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_jms_topic_exchange",
    "rabbitmq_sharding",
)


def enable_plugins(sandbox: Sandbox, *plugins: str) -> None:
    """Enable plugins without a restart; the broker would start them again after one."""
    _ensure(sandbox, "rabbitmq_management", *plugins)


def disable_management(sandbox: Sandbox) -> None:
    """Take the management API away, as on a broker without the plugin."""
    _ensure(sandbox)


def _ensure(sandbox: Sandbox, *plugins: str) -> None:
    file = sandbox.node.folder / "enabled_plugins"
    file.unlink()
    file.write_text(f"[{','.join(plugins)}].\n", encoding="utf-8")
    inside = sandbox.node.environment()["RABBITMQ_ENABLED_PLUGINS_FILE"]
    assert Path(inside).name == file.name
    order = f'rabbit_plugins:ensure("{inside}").'
    assert sandbox.rabbitmqctl("eval", order, within=180).startswith(
        "{ok,"
    )  # a busy machine has taken over a minute
