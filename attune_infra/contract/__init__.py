"""The JSON of every command, as types: `render.pages` returns them, and `schema.py` makes JSON Schemas of them.

Each key has its description beside it. No other module imports these types when a command runs; only mypy reads
them, and the command `schemas`.
"""
