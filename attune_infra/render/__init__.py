"""Values -> what is shown of them. Returns, never prints."""
