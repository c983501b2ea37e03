"""Forms of other programs: resources of Kubernetes, and Terraform."""
