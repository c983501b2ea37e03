"""Facts about RabbitMQ: its arguments, releases, names, and its own exchanges."""
