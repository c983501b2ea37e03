"""Readers of what others have written, each with inputs to begin with and the errors that it may raise."""
