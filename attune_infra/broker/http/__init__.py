"""The management HTTP API: requests, and answers that end."""
