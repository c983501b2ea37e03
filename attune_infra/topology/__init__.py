"""Topologies as values: their differences, their routing, and the problems in them.

Everything in here is a value or a pure function: no I/O, no client library.
"""
