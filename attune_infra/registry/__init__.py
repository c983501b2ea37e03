"""PostgreSQL: the table of workers."""
