"""Messages over AMQP 0-9-1: consumed by a worker, loaded, looked at, tapped, and purged."""
