"""Permissions that a command needs, and the lines that grant those that a user lacks."""
