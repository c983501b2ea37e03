"""The routing of messages: the queues that a message reaches, and the reasons."""
