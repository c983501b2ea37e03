"""RabbitMQ: the management HTTP API for reading, AMQP 0-9-1 (or HTTP) for declaring."""
