"""attune-infra: makes, checks and repairs the RabbitMQ topology of Attune."""

__version__ = "0.1.0"
