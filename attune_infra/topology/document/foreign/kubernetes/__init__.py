"""Resources of RabbitMQ's messaging topology operator for Kubernetes <-> Topology."""
