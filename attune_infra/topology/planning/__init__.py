"""The plan: what it holds, deletes, advises and reports. (have, want) -> changes -> outcomes."""
