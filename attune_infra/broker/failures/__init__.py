"""Failures of HTTP and AMQP as errors of our own. Foreign exceptions stop here."""
