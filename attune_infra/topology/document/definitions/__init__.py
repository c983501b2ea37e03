"""Definitions of RabbitMQ, as JSON, read and written: of one virtual host, and of a whole broker."""
