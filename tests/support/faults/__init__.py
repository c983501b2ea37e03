"""Commands amid planned faults of their lines: proxies, plans, subjects, and what became of each fault."""
