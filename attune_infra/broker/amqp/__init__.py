"""AMQP 0-9-1: a connection that declares, binds and deletes many objects at once, and asks for some."""
