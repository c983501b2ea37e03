"""Results in the formats of CI: a neutral value, `review`, and a module for each format that shows it."""
