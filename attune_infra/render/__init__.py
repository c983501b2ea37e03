"""Values -> text, JSON and pictures. Functions return them and never print."""
