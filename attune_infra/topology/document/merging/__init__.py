"""Several documents as one: side by side, or one that extends another."""
