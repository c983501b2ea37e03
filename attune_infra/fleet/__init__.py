"""Workers: registry rows joined with queues, their health, and the results of worker commands. Pure."""
