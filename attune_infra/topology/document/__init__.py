"""Texts and topologies: YAML documents and RabbitMQ's definitions, read and written."""
