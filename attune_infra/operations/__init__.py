"""What a command does to something live. Asks nothing, prints nothing."""
