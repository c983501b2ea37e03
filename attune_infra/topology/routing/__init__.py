"""The ways of messages: the queues that one reaches, and why."""
