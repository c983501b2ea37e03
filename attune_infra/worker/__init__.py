"""Workers: registered, provisioned, surveyed, run and removed."""
