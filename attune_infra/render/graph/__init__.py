"""The formats in which a graph is drawn."""
