"""Rules about topologies that are legal but unwise, with stable codes and reasons."""
