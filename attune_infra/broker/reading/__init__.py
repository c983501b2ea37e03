"""Read what a virtual host holds over HTTP: its objects, and the numbers and consumers of its queues."""
