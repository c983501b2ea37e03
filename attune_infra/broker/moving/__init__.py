"""Move messages between queues over AMQP 0-9-1, none lost, and none doubled without a word."""
