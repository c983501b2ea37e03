"""The formats of a graph."""
