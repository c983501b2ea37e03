"""The facts of RabbitMQ: arguments, releases, names, and its own exchanges."""
