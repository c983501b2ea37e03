"""What is legal in a topology, and unwise: rules with stable codes, each with its reason."""
