"""What a broker should hold, how two topologies differ, and what is wrong with one.

Everything in here is a value or a pure function: no I/O, no client library.
"""
