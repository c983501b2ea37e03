"""Terraform's provider for RabbitMQ <-> Topology."""
