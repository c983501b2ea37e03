"""One worker's life."""
